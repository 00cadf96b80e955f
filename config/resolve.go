package config

import "slices"

// A Resolver merges the configs that a config refers to.
type Resolver struct {
	// Fetch returns the config that a reference leads to. If it is nil without an
	// error, the reference is ignored.
	Fetch func(reference Resource) (*Config, error)
	// Configure, unless it is nil, is called with the settings of fetching that
	// are in force from then on: those of all the configs that led here.
	Configure func(settings Ignition) error
}

// A CycleError says that configs refer to each other in a cycle.
type CycleError struct {
	// Origin is that of the reference that closes the cycle.
	Origin Origin
	// Sources are those of the references, from the first to the one that is
	// repeated. There may be passwords in them.
	Sources []string
}

func (e *CycleError) Error() string { return "the configs refer to each other in a circle" }

// Resolve returns cfg with the configs that it refers to, depth first: with the
// config that replaces it instead of it, or with those that are merged into it.
// Errors of the functions are returned as they are.
func (r *Resolver) Resolve(cfg *Config) (*Config, error) {
	if err := r.configure(cfg); err != nil {
		return nil, err
	}
	resolved, err := r.resolve(cfg, nil)
	if err != nil {
		return nil, err
	}
	return resolved, r.configure(resolved)
}

// resolve is Resolve for a config that the sources have led to.
func (r *Resolver) resolve(cfg *Config, sources []string) (*Config, error) {
	if ref := cfg.Ignition.Config.Replace; ref.Source != nil {
		child, sources, err := r.fetch(ref, sources)
		if err != nil || child == nil {
			return cfg, err
		}
		if err := r.configure(child); err != nil {
			return nil, err
		}
		return r.resolve(child, sources)
	}
	merged := cfg
	for _, ref := range cfg.Ignition.Config.Merge {
		child, sources, err := r.fetch(ref, sources)
		if err != nil {
			return nil, err
		}
		if child == nil {
			continue
		}
		// The child's settings hold for what it refers to.
		if err := r.configure(Merge(merged, child)); err != nil {
			return nil, err
		}
		if child, err = r.resolve(child, sources); err != nil {
			return nil, err
		}
		merged = Merge(merged, child)
	}
	return merged, nil
}

// fetch returns a referenced config, and the sources that have led to it.
func (r *Resolver) fetch(ref Resource, sources []string) (*Config, []string, error) {
	sources = append(slices.Clone(sources), ValueOr(ref.Source, ""))
	if last := len(sources) - 1; slices.Contains(sources[:last], sources[last]) {
		return nil, nil, &CycleError{ref.Origin("source"), sources}
	}
	child, err := r.Fetch(ref)
	return child, sources, err
}

func (r *Resolver) configure(cfg *Config) error {
	if r.Configure == nil {
		return nil
	}
	return r.Configure(cfg.Ignition)
}
