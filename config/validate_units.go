package config

import (
	"bufio"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"
)

func (v *validator) systemd(s *Systemd) {
	// Those with contents but no [Install] section, by name.
	notInstallable := map[string]*Unit{}
	warned := map[*Unit]bool{}
	for i := range s.Units {
		u := &s.Units[i]
		if !slices.Contains(unitTypes, path.Ext(u.Name)) {
			v.error(u.Origin("name"), "the name %s of the unit should end in one of %s", quote(u.Name), strings.Join(unitTypes, ", "))
		}
		for n := range u.Dropins {
			v.dropin(&u.Dropins[n])
		}
		installable, ok := v.unitText(u.Contents, u.Object)
		if !ok || installable || ValueOr(u.Contents, "") == "" {
			continue
		}
		notInstallable[u.Name] = u
		if ValueOr(u.Enabled, false) {
			warned[u] = true
			v.warn(u.Origin("contents"), "the unit is enabled, but has no [Install] section, so that has no effect; add one with WantedBy=, or remove \"enabled\"")
		}
	}
	for i := range s.Units {
		u := &s.Units[i]
		if t := notInstallable[u.template()]; t != nil && u.template() != "" && t != u && ValueOr(u.Enabled, false) && !warned[u] {
			v.warn(u.Origin("contents"), "the unit is enabled, but its template %s has no [Install] section, so that may have no effect", quote(t.Name))
		}
	}
}

func (v *validator) dropin(d *Dropin) {
	if path.Ext(d.Name) != ".conf" {
		v.error(d.Origin("name"), "the name %s of the drop-in should end in .conf", quote(d.Name))
	}
	v.unitText(d.Contents, d.Object)
}

// template is the name of the template of a service, or "".
func (u *Unit) template() string {
	prefix, _, ok := strings.Cut(u.Name, "@")
	if !ok || path.Ext(u.Name) != ".service" {
		return ""
	}
	return prefix + "@.service"
}

// unitText checks the contents of a unit or drop-in, and reports whether they
// have an [Install] section.
func (v *validator) unitText(contents *string, o Object) (installable, ok bool) {
	if !NonZero(contents) {
		return false, true
	}
	// The parser would make a buffer like this one for each unit.
	if v.unitReader == nil {
		v.unitReader = bufio.NewReader(nil)
	}
	v.unitReader.Reset(strings.NewReader(*contents))
	options, err := unit.DeserializeOptions(v.unitReader)
	if err != nil {
		v.error(o.Origin("contents"), "systemd cannot read this: %s", unitError(err))
		return false, false
	}
	install := func(o *unit.UnitOption) bool { return o.Section == "Install" }
	return slices.ContainsFunc(options, install), true
}

// unitError says what the parser has found, without the contents it may quote.
func unitError(err error) string {
	text, _, _ := strings.Cut(err.Error(), `: "`)
	switch {
	case errors.Is(err, unit.ErrLineTooLong):
		return "a line is longer than 2047 bytes"
	case errors.Is(err, io.EOF):
		return "the last line is not of the form NAME=VALUE"
	case strings.Contains(text, "newline"):
		return "a line is not of the form NAME=VALUE"
	case strings.Contains(text, "end of section"):
		return "a section's name has no closing bracket"
	case strings.Contains(text, "garbage"):
		return "there is text after a section's closing bracket"
	}
	return text
}

const unitDirectory = "/etc/systemd/system/"

// unitFiles checks that no file is written by hand that a unit writes.
func (v *validator) unitFiles(c *Config) {
	written := map[string]Object{}
	for i := range c.Systemd.Units {
		u := &c.Systemd.Units[i]
		if NonZero(u.Contents) {
			written[unitDirectory+u.Name] = u.Object
		}
		for n := range u.Dropins {
			if d := &u.Dropins[n]; NonZero(d.Contents) {
				written[unitDirectory+u.Name+".d/"+d.Name] = d.Object
			}
		}
	}
	check := func(name string, o Object) {
		if !strings.HasPrefix(name, unitDirectory) {
			return // without looking it up, as there may be very many
		}
		if by, ok := written[name]; ok {
			v.error(o.Origin("path"), "%s is written already, by %s", quote(name), shortOrigin(by.Origin()))
		}
	}
	for i := range c.Storage.Directories {
		check(c.Storage.Directories[i].Path, c.Storage.Directories[i].Object)
	}
	for i := range c.Storage.Files {
		check(c.Storage.Files[i].Path, c.Storage.Files[i].Object)
	}
	for i := range c.Storage.Links {
		check(c.Storage.Links[i].Path, c.Storage.Links[i].Object)
	}
}
