package config

import (
	"fmt"
	"slices"
)

// Limits of the configs that one config leads to, so that a broken server has an
// end. They are far above what fleets use.
const (
	// MaxDepth is how many references may lead from one config to the next.
	MaxDepth = 50
	// MaxReferences is how many configs may be fetched in all.
	MaxReferences = 10_000
)

// A Resolver merges the configs that a config refers to.
type Resolver struct {
	// Fetch returns the config that a reference leads to, and its size in bytes. If
	// it is nil without an error, the reference is ignored.
	Fetch func(reference Resource) (*Config, int, error)
	// Configure, unless it is nil, is called with the settings of fetching that
	// are in force from then on: those of all the configs that led here.
	Configure func(settings Ignition) error

	fetched int // configs
	bytes   int // of all of them
}

// A ReferenceError says that references of configs have no end, or too far a one.
type ReferenceError struct {
	// Problem is what is wrong with them.
	Problem string
	// Origin is that of the reference that is not followed.
	Origin Origin
	// Sources are those of the references, from the first to the one that is not
	// followed. There may be passwords in them.
	Sources []string
}

func (e *ReferenceError) Error() string { return e.Problem }

// A chain is the last of the references that lead to a config, which is nil for the
// first config. Configs share the chain to the one that refers to them.
type chain struct {
	source string
	depth  int
	before *chain
}

// sources are those of the chain, from the first.
func (c *chain) sources() []string {
	var all []string
	for ; c != nil; c = c.before {
		all = append(all, c.source)
	}
	slices.Reverse(all)
	return all
}

// Resolve returns cfg with the configs that it refers to, depth first: with the
// config that replaces it instead of it, or with those that are merged into it.
// Errors of the functions are returned as they are; a ReferenceError says that
// there is a circle, or more than MaxDepth, MaxReferences or MaxSize allow.
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

// resolve is Resolve for a config that a chain has led to.
func (r *Resolver) resolve(cfg *Config, to *chain) (*Config, error) {
	if ref := cfg.Ignition.Config.Replace; ref.Source != nil {
		child, next, err := r.fetch(ref, to)
		if err != nil || child == nil {
			return cfg, err
		}
		if err := r.configure(child); err != nil {
			return nil, err
		}
		return r.resolve(child, next)
	}
	merged := cfg
	for _, ref := range cfg.Ignition.Config.Merge {
		child, next, err := r.fetch(ref, to)
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
		if child, err = r.resolve(child, next); err != nil {
			return nil, err
		}
		merged = Merge(merged, child)
	}
	return merged, nil
}

// fetch returns a referenced config, and the chain to it.
func (r *Resolver) fetch(ref Resource, from *chain) (*Config, *chain, error) {
	to := &chain{source: ValueOr(ref.Source, ""), depth: 1, before: from}
	if from != nil {
		to.depth = from.depth + 1
	}
	fail := func(format string, args ...any) (*Config, *chain, error) {
		return nil, nil, &ReferenceError{fmt.Sprintf(format, args...), ref.Origin("source"), to.sources()}
	}
	for w := from; w != nil; w = w.before {
		if w.source == to.source {
			return fail("the configs refer to each other in a circle")
		}
	}
	if to.depth > MaxDepth {
		return fail("the configs refer to each other more than %d deep", MaxDepth)
	}
	if r.fetched++; r.fetched > MaxReferences {
		return fail("the configs refer to more than %d others", MaxReferences)
	}
	child, size, err := r.Fetch(ref)
	if r.bytes += size; err == nil && r.bytes > CurrentLimit().Bytes {
		return fail("the configs that are referred to have more than %v together", CurrentLimit())
	}
	return child, to, err
}

func (r *Resolver) configure(cfg *Config) error {
	if r.Configure == nil {
		return nil
	}
	return r.Configure(cfg.Ignition)
}
