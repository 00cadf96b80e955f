package files

import (
	"context"
	"fmt"
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
	e := newEnablement(p)
	disables := func(u config.Unit) bool { return !config.ValueOr(u.Enabled, true) }
	if slices.ContainsFunc(p.cfg.Systemd.Units, disables) {
		if err := e.look(); err != nil {
			p.ioConflict(p.cfg.Systemd.Origin("units"), "looking for the units that are enabled", err)
			return
		}
	}
	units := p.presetUnits(e)
	lines := presetLines(units)
	if len(lines) == 0 {
		return
	}
	origin, doing := p.cfg.Systemd.Origin("units"), fmt.Sprintf("writing presets of %s to %s", system.Plural(len(units), "unit"), presetFile)
	f := lineFile{name: presetFile, mode: 0o644, keepMode: true}
	p.lookAtLines(&f)
	p.changes(origin, doing, presetFile)
	p.add(origin, doing, func(context.Context) error {
		return p.rewriteLines(f, func(old []string) []string {
			return append(old, slices.DeleteFunc(lines, func(l string) bool { return slices.Contains(old, l) })...)
		})
	})
}

// presetUnits are the units that the config enables or disables. Systemd passes over
// a preset of an alias, so the unit behind it is added, if the config says nothing of
// that one.
func (p *planner) presetUnits(e *enablement) (units []config.Unit) {
	for _, u := range p.cfg.Systemd.Units {
		if u.Enabled == nil {
			continue
		}
		exists := e.exists(u.Name)
		switch {
		case !*u.Enabled:
			p.planDisable(e, u)
			if !exists {
				continue
			}
		case !exists:
			p.Log.Warn(fmt.Sprintf("the unit %s is enabled, but neither the config nor this system has a unit of that name (%v)", u.Name, u.Origin("enabled")))
		}
		units = append(units, u)
		if name := e.unitOf(u.Name); e.units[name].Enabled == nil {
			u.Name = name
			units = append(units, u)
		}
	}
	return units
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
	return slices.Compact(texts)
}
