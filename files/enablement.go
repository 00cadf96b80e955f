package files

import (
	"path"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"

	"github.com/firstlight-os/firstlight/config"
)

// unitDirs are where systemd finds units of the system (systemd.unit(5)), the one
// that counts first.
var unitDirs = [...]string{unitDir, "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// maxAliases bounds how many aliases lead to a unit, since they may lead in a circle.
const maxAliases = 8

// An enablement knows which units are enabled, before the plan and by entries of the
// config.
type enablement struct {
	*planner
	units map[string]config.Unit // of the config
	// links and vendorDirs, the directories of the image's own dependencies, are there
	// once something is to be disabled; see look.
	links      []unitLink
	vendorDirs []string
}

// A unitLink is a symbolic link that enables a unit: an alias of it in unitDir, or a
// dependency on it in the .wants directory or the like of another unit.
type unitLink struct {
	path         string
	alias        bool
	name, target string // of the units
}

func newEnablement(p *planner) *enablement {
	e := &enablement{planner: p, units: map[string]config.Unit{}}
	for _, u := range p.cfg.Systemd.Units {
		e.units[u.Name] = u
	}
	return e
}

// look reads the directories of units, once.
func (e *enablement) look() error {
	for _, made := range e.byPath {
		if l, ok := made.node.(linkNode); ok {
			e.addLink(made.path, config.ValueOr(l.Target, ""))
		}
	}
	names, err := e.linksIn(unitDir)
	for _, name := range names {
		if err == nil && isDependencyDir(name) {
			_, err = e.linksIn(path.Join(unitDir, name))
		}
	}
	for _, dir := range unitDirs[1:] {
		dirs, _ := e.root.ReadDir(dir) // not every system has each
		for _, d := range dirs {
			if isDependencyDir(d) {
				e.vendorDirs = append(e.vendorDirs, path.Join(dir, d))
			}
		}
	}
	return err
}

// addLink adds a symbolic link if it is where one enables a unit.
func (e *enablement) addLink(at, target string) {
	dir := path.Dir(at)
	if dir == unitDir || isDependencyDir(dir) && path.Dir(dir) == unitDir {
		e.links = append(e.links, unitLink{at, dir == unitDir, path.Base(at), path.Base(target)})
	}
}

func isDependencyDir(name string) bool {
	return slices.Contains([]string{".wants", ".requires", ".upholds"}, path.Ext(name))
}

// linksIn adds the symbolic links in a directory, and returns all names in it.
func (e *enablement) linksIn(dir string) ([]string, error) {
	names, err := e.root.ReadDir(dir)
	for _, name := range names {
		st, err := e.root.Lstat(path.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if st.IsLink() {
			e.addLink(path.Join(dir, name), st.Target)
		}
	}
	return names, err
}

// dependencyDirs are the directories of unitDir with links that enable units.
func (e *enablement) dependencyDirs() (dirs []string, err error) {
	names, err := e.root.ReadDir(unitDir)
	for _, name := range names {
		dir := path.Join(unitDir, name)
		if !isDependencyDir(name) || err != nil {
			continue
		}
		var inside []string
		if inside, err = e.root.ReadDir(dir); len(inside) > 0 {
			dirs = append(dirs, dir)
		}
	}
	return dirs, err
}

// exists reports whether the system will have a unit, or a template of it.
func (e *enablement) exists(name string) bool {
	if e.hasContents(name) {
		return true
	}
	for _, n := range nameAndTemplate(name) {
		for _, dir := range unitDirs {
			at, err := e.resolve(path.Join(dir, n))
			if err == nil && (at.found != nil || e.byPath[at.path] != nil) {
				return true
			}
		}
	}
	return false
}

// unitOf returns the name of the unit that a name stands for, aliases followed.
func (e *enablement) unitOf(name string) string {
	for range maxAliases {
		target := e.aliasTarget(name)
		if target == "" {
			break
		}
		name = target
	}
	return name
}

// aliasTarget returns the name that an alias leads to, "" for a unit of its own.
func (e *enablement) aliasTarget(name string) string {
	if e.hasContents(name) {
		return ""
	}
	_, instance := splitInstance(name)
	for _, n := range nameAndTemplate(name) {
		for _, dir := range unitDirs {
			target, exists := e.linkTarget(path.Join(dir, n))
			if !exists {
				continue
			}
			target = path.Base(target)
			if _, of := splitInstance(target); of == "" {
				target = strings.Replace(target, "@", "@"+instance, 1)
			}
			if target == name || path.Ext(target) != path.Ext(name) {
				return ""
			}
			return target
		}
	}
	return ""
}

// linkTarget returns what the link at a path will lead to, "" for another node.
func (e *enablement) linkTarget(name string) (target string, exists bool) {
	at, err := e.resolve(name)
	if err != nil {
		return "", false
	}
	if made := e.byPath[at.path]; made != nil {
		if l, ok := made.node.(linkNode); ok {
			return config.ValueOr(l.Target, ""), true
		}
		return "", true
	}
	if at.found == nil {
		return "", false
	}
	return at.found.Target, true
}

// enabling returns the paths of the links that enable a unit, or what its [Install]
// section names in Also=, which is disabled with it. Known is false if what it names
// is not known yet.
func (e *enablement) enabling(name string) (paths []string, known bool) {
	names, known := e.withAlso(nil, name)
	for grown := true; grown; {
		grown = false
		for _, l := range e.links {
			if l.alias && slices.Contains(names, l.target) && !slices.Contains(names, l.name) {
				names, grown = append(names, l.name), true
			}
		}
	}
	for _, l := range e.links {
		if slices.ContainsFunc(names, func(n string) bool { return l.enables(n) }) {
			paths = append(paths, l.path)
		}
	}
	return paths, known
}

// enables reports whether a link is one to a unit, or to an instance of it. A file of
// the same name elsewhere is the unit itself.
func (l unitLink) enables(unit string) bool {
	if l.alias {
		return l.name != l.target && l.target == unit
	}
	return isUnitOrInstance(l.name, unit) || l.target == unit
}

// withAlso adds a unit to names, and what Also= names.
func (e *enablement) withAlso(names []string, name string) (_ []string, known bool) {
	name = e.unitOf(name)
	if slices.Contains(names, name) {
		return names, true
	}
	names = append(names, name)
	texts, known := e.unitTexts(name)
	for _, also := range installOption(texts, "Also") {
		k := false
		if !strings.Contains(also, "%") { // systemd.unit(5), specifiers
			names, k = e.withAlso(names, also)
		}
		known = known && k
	}
	return names, known
}

// hasContents reports whether the config has the contents of a unit or its template.
func (e *enablement) hasContents(name string) bool {
	return slices.ContainsFunc(nameAndTemplate(name), func(n string) bool { return setsContents(e.units[n]) })
}

// setsContents reports whether the config has the contents of a unit, here or at a source.
func setsContents(u config.Unit) bool {
	return config.NonZero(u.Contents) || u.ContentsFrom.Source != nil
}

// unitTexts returns the texts of a unit and its drop-ins. Known is false if a file of
// the config is among them, or a source, whose contents may have to be downloaded.
func (e *enablement) unitTexts(name string) (texts []string, known bool) {
	known = true
	add := func(at string) {
		if text, err := e.root.ReadFile(at); err == nil {
			texts = append(texts, string(text))
		}
	}
	for _, n := range nameAndTemplate(name) {
		known = known && e.units[n].ContentsFrom.Source == nil
		texts = append(texts, config.ValueOr(e.units[n].Contents, ""))
		for _, d := range e.units[n].Dropins {
			known = known && d.ContentsFrom.Source == nil
			texts = append(texts, config.ValueOr(d.Contents, ""))
		}
		for _, dir := range unitDirs {
			at, err := e.resolve(path.Join(dir, n))
			known = known && (err != nil || e.byPath[at.path] == nil)
			if !setsContents(e.units[n]) {
				add(path.Join(dir, n))
			}
			files, _ := e.root.ReadDir(path.Join(dir, n+".d"))
			for _, file := range files {
				add(path.Join(dir, n+".d", file))
			}
		}
	}
	return texts, known
}

// vendorDependency returns the link by which the image itself depends on a unit,
// whether or not it is enabled; "" if there is none.
func (e *enablement) vendorDependency(name string) string {
	for _, dir := range e.vendorDirs {
		at := path.Join(dir, name)
		if st, err := e.root.Lstat(at); err == nil && st != nil {
			return at
		}
	}
	return ""
}

// installOption returns the words of an option in the [Install] sections of units.
// What systemd cannot read it passes over.
func installOption(texts []string, option string) (words []string) {
	for _, text := range texts {
		options, _ := unit.DeserializeOptions(strings.NewReader(text))
		for _, o := range options {
			if o.Section == "Install" && o.Name == option {
				words = append(words, strings.Fields(o.Value)...)
			}
		}
	}
	return words
}

// isUnitOrInstance reports whether name is a unit or an instance of it.
func isUnitOrInstance(name, unit string) bool {
	if name == unit {
		return true
	}
	template, instance := splitInstance(name)
	return instance != "" && template == unit
}

// nameAndTemplate are the names under which the file of a unit is looked for.
func nameAndTemplate(name string) []string {
	if template, instance := splitInstance(name); instance != "" {
		return []string{name, template}
	}
	return []string{name}
}

// splitInstance takes foo@bar.service apart: foo@.service and bar. The instance
// is empty for a template and for any other unit.
func splitInstance(name string) (template, instance string) {
	before, after, ok := strings.Cut(name, "@")
	ext := path.Ext(after)
	if !ok {
		return name, ""
	}
	return before + "@" + ext, strings.TrimSuffix(after, ext)
}
