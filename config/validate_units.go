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
		v.unitName(u)
		for n := range u.Dropins {
			v.dropin(&u.Dropins[n])
		}
		v.instead(&u.ContentsFrom, u.Contents != nil, "contents", u.Object)
		installable, ok := v.unitText(u.Contents, u.Object)
		if !ok || installable || ValueOr(u.Contents, "") == "" {
			continue
		}
		notInstallable[u.Name] = u
		if ValueOr(u.Enabled, false) {
			warned[u] = true
			v.warn(RuleUnitNoInstall, u.Origin("contents"), "the unit is enabled, but has no [Install] section, so that has no effect; add one with WantedBy=, or remove \"enabled\"")
		}
	}
	for i := range s.Units {
		u := &s.Units[i]
		if t := notInstallable[u.template()]; t != nil && u.template() != "" && t != u && ValueOr(u.Enabled, false) && !warned[u] {
			v.warn(RuleUnitNoInstall, u.Origin("contents"), "the unit is enabled, but its template %s has no [Install] section, so that may have no effect", quote(t.Name))
		}
	}
}

// unitName checks a name that becomes one of a file and a word in a line of presets.
// The reference writes all others that are no names for systemd, and they boot.
func (v *validator) unitName(u *Unit) {
	switch other := strings.IndexFunc(u.Name, isNoUnitCharacter); {
	case !slices.Contains(unitTypes, path.Ext(u.Name)):
		v.error(RuleUnitName, u.Origin("name"), "the name %s of the unit should end in one of %s", quote(u.Name), strings.Join(unitTypes, ", "))
	case !v.fileName("unit", u.Name, maxComponent, u.Object):
	case strings.ContainsAny(u.Name, " */"):
		v.error(RuleUnitName, u.Origin("name"), "the unit cannot be named %s: a name has no blank, slash or *, but letters, digits and :-_.\\@ only", quote(u.Name))
	case u.Enabled != nil && strings.ContainsAny(u.Name, "?["):
		v.error(RuleUnitName, u.Origin("name"), "the name %s of the unit is a pattern in the presets that enable and disable units: it would stand for others; a name has letters, digits and :-_.\\@ only", quote(u.Name))
	case other >= 0:
		v.warn(RuleUnitNameIgnored, u.Origin("name"), "systemd passes over a unit named %s: a name has letters, digits and :-_.\\@ only", quote(u.Name))
	}
}

func isNoUnitCharacter(c rune) bool {
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune(`:-_.\@`, c))
}

func (v *validator) dropin(d *Dropin) {
	switch {
	case path.Ext(d.Name) != ".conf":
		v.error(RuleDropinName, d.Origin("name"), "the name %s of the drop-in should end in .conf", quote(d.Name))
	case !v.fileName("drop-in", d.Name, maxComponent, d.Object):
	case strings.Contains(d.Name, "/"):
		v.error(RuleDropinName, d.Origin("name"), "the drop-in cannot be named %s: it would not be in the directory of its unit; a name has no slash", quote(d.Name))
	}
	v.instead(&d.ContentsFrom, d.Contents != nil, "contents", d.Object)
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
	// The parser takes many times the memory of the text.
	const longest = 1 << 20 // bytes
	if len(*contents) > longest {
		return strings.Contains(*contents, "[Install]"), true
	}
	// The parser would make a buffer like this one for each unit.
	if v.unitReader == nil {
		v.unitReader = bufio.NewReader(nil)
	}
	text := strings.NewReader(*contents)
	v.unitReader.Reset(text)
	sections, err := unit.DeserializeSections(v.unitReader)
	if err != nil {
		v.unitError(err, *contents, len(*contents)-text.Len()-v.unitReader.Buffered(), o)
		return false, false
	}
	for _, s := range sections {
		if strings.ContainsAny(s.Section, unit.SYSTEMD_NEWLINE) {
			v.warnOpenSection(*contents, strings.Index(*contents, "["+s.Section+"]"), o)
			return false, false
		}
		installable = installable || s.Section == "Install" && len(s.Entries) > 0
		for _, e := range s.Entries {
			v.noteDevice(s.Section, e.Name, e.Value, o.Origin("contents"))
		}
	}
	return installable, true
}

// warnOpenSection is about a section whose name goes on in other lines, up to a bracket
// there. That is a name for the parser, and so for the reference, which writes such a unit;
// systemd reads the text up to that line, and does not load a unit that has it.
func (v *validator) warnOpenSection(contents string, start int, o Object) {
	v.warn(RuleUnitSyntax, insideContents(o, start), "systemd cannot read line %d of this, and nothing after it: the name of the section has no closing bracket", lineNumber(contents, start))
}

// unitError reports what the parser has found, after so many bytes, at the line of the
// document if that is known. The contents that it may quote are not shown.
func (v *validator) unitError(err error, contents string, read int, o Object) {
	what, _, _ := strings.Cut(err.Error(), `: "`)
	start := lineStart(contents, read-1)
	switch {
	case errors.Is(err, unit.ErrLineTooLong):
		what, start = "it is longer than 2047 bytes", lineStart(contents, read)
	case errors.Is(err, io.EOF), strings.Contains(what, "newline"):
		what = "it is not of the form NAME=VALUE" + continuationHint(contents[:start])
	case strings.Contains(what, "end of section"):
		what, start = "the name of the section has no closing bracket", openSection(contents)
	case strings.Contains(what, "garbage"):
		what = "there is text after the closing bracket of the section"
	}
	v.error(RuleUnitSyntax, insideContents(o, start), "systemd cannot read line %d of this: %s", lineNumber(contents, start), what)
}

// insideContents is the place of the line of the contents that starts at an offset, if it
// is known.
func insideContents(o Object, start int) Origin {
	if at, ok := o.OriginInside("contents", start); ok {
		return at
	}
	return o.Origin("contents")
}

func lineNumber(text string, at int) int { return strings.Count(text[:at], "\n") + 1 }

// lineStart returns where the line with the byte at an offset starts.
func lineStart(text string, at int) int {
	return strings.LastIndexByte(text[:max(min(at, len(text)), 0)], '\n') + 1
}

// openSection returns where the line starts that opens a section which nothing closes.
func openSection(contents string) int {
	at := lineStart(contents, strings.LastIndexByte(contents, ']')+1)
	for line := range strings.Lines(contents[at:]) {
		if text := strings.TrimLeft(line, " \t"); strings.HasPrefix(text, "[") && !strings.Contains(text, "]") {
			break
		}
		at += len(line)
	}
	return min(at, lineStart(contents, len(contents)))
}

// continuationHint is for a line that was to continue the last one of the text before.
func continuationHint(before string) string {
	last := strings.TrimSuffix(before, "\n")
	if trimmed := strings.TrimRight(last, " \t\r"); trimmed != last && strings.HasSuffix(trimmed, `\`) {
		return "; a backslash that is followed by a blank, or by a carriage return, does not continue the line before"
	}
	return ""
}

const unitDirectory = "/etc/systemd/system/"

// unitFiles checks that no file is written by hand that a unit writes.
func (v *validator) unitFiles(c *Config) {
	written := map[string]Object{}
	for i := range c.Systemd.Units {
		u := &c.Systemd.Units[i]
		if NonZero(u.Contents) || NonZero(u.ContentsFrom.Source) {
			written[unitDirectory+u.Name] = u.Object
		}
		for n := range u.Dropins {
			if d := &u.Dropins[n]; NonZero(d.Contents) || NonZero(d.ContentsFrom.Source) {
				written[unitDirectory+u.Name+".d/"+d.Name] = d.Object
			}
		}
	}
	check := func(name string, o Object) {
		if !strings.HasPrefix(name, unitDirectory) {
			return // without looking it up, as there may be very many
		}
		if by, ok := written[name]; ok {
			v.error(RuleUnitFileTwice, o.Origin("path"), "%s is written already, by %s", quote(name), shortOrigin(by.Origin()))
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
	v.absentUnits(&c.Storage, written)
}

// machineID warns of a file by which systemd tells a first boot: with any other contents
// than "uninitialized" (machine-id(5)) it applies no presets.
func (v *validator) machineID(c *Config) {
	const name, argument = "/etc/machine-id", "systemd.condition_first_boot="
	preset := func(u Unit) bool { return u.Enabled != nil }
	told := func(a string) bool { return strings.HasPrefix(a, argument) }
	if !slices.ContainsFunc(c.Systemd.Units, preset) || slices.ContainsFunc(c.KernelArguments.ShouldExist, told) {
		return
	}
	warn := func(o Object) {
		v.warn(RuleMachineID, o.Origin("path"), "the units that this config enables and disables stay as they are in the image: with %s this is no first boot for systemd, which applies presets in that only", name)
	}
	for i := range c.Storage.Files {
		f := &c.Storage.Files[i]
		if f.Path == name && !strings.Contains(ValueOr(f.Contents.Source, ""), "uninitialized") {
			warn(f.Object)
		}
	}
	for i := range c.Storage.Links {
		if l := &c.Storage.Links[i]; l.Path == name {
			warn(l.Object)
		}
	}
}
