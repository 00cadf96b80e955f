package files

import (
	"context"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
)

// presetFile is read by systemd on the first boot (systemd.preset(5)), which
// then makes and removes the links that enable units.
const presetFile = "/etc/systemd/system-preset/20-ignition.preset"

// planPresets plans the preset file for all units that the config enables or
// disables, and removes what enables the latter already.
func (p *planner) planPresets() {
	var units []config.Unit
	for _, u := range p.cfg.Systemd.Units {
		if u.Enabled == nil {
			continue
		}
		if !*u.Enabled {
			p.planDisable(u)
			if !p.unitWillExist(u.Name) {
				continue
			}
		}
		units = append(units, u)
	}
	lines := presetLines(units)
	if len(lines) == 0 {
		return
	}
	p.changes(presetFile)
	p.add(p.cfg.Systemd.Origin("units"), fmt.Sprintf("writing presets of %s to %s", system.Plural(len(units), "unit"), presetFile), func(context.Context) error {
		return p.rewriteLines(presetFile, 0o644, func(old []string) []string {
			return append(old, slices.DeleteFunc(lines, func(l string) bool { return slices.Contains(old, l) })...)
		})
	})
}

// presetLines are the lines for units, sorted. Instances of one template share
// a line, which names them in the order of the config.
func presetLines(units []config.Unit) []string {
	type line struct{ key, text string }
	var lines []line
	shared := map[string]int{} // index of a template's line
	for _, u := range units {
		template, instance := splitInstance(u.Name)
		switch at, begun := shared[template]; {
		case !*u.Enabled:
			// The full name also matches where it is an instance's. Only
			// "enable" knows lists of instances.
			lines = append(lines, line{u.Name + "-disabled", "disable " + u.Name})
		case begun:
			lines[at].text += strings.TrimRight(" "+instance, " ")
		case template != u.Name || strings.Contains(u.Name, "@"):
			shared[template] = len(lines)
			lines = append(lines, line{template + "-enabled", strings.TrimRight("enable "+template+" "+instance, " ")})
		default:
			lines = append(lines, line{u.Name + "-enabled", "enable " + u.Name})
		}
	}
	sort.SliceStable(lines, func(i, j int) bool { return lines[i].key < lines[j].key })
	texts := make([]string, len(lines))
	for i, l := range lines {
		texts[i] = l.text
	}
	return texts
}

// unitDirs are where systemd finds units of the system, and which a config may
// write to.
var unitDirs = [...]string{unitDir, "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// unitWillExist reports whether the system will have a unit, so that it means
// something to disable it.
func (p *planner) unitWillExist(name string) bool {
	template, _ := splitInstance(name)
	for _, u := range p.cfg.Systemd.Units {
		if (u.Name == name || u.Name == template) && config.NonZero(u.Contents) {
			return true
		}
	}
	for _, dir := range unitDirs {
		for _, n := range [...]string{name, template} {
			at, err := p.resolve(path.Join(dir, n))
			if err == nil && (at.found != nil || p.byPath[at.path] != nil) {
				return true
			}
		}
	}
	return false
}
