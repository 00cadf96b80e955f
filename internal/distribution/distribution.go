// Package distribution reads the settings that a distribution makes for all its
// machines, in a file of the image: KEY=VALUE, one to a line. Lines that begin
// with # are comments. There are no quotes and no escapes; the words of a list are
// separated by blanks. docs/distributors.md says what the settings mean.
//
// The file is strict, as a setting that is passed over in silence would be noticed
// only on machines: what is not known is an error.
package distribution

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// File is the name of the settings file, beside the configs of the image, in Dir.
const (
	File = "distribution.conf"
	Dir  = "/usr/lib/ignition"
)

// A Key is a setting.
type Key int

// The keys, in the order of the table.
const (
	FirstBoot Key = iota
	FirstBootArguments
	ConfigURLArguments
	FwCfgNames
	GuestInfoNames
	ForeignUserData
	Spec2
	OEMDirectory
	MovedDirectories
	ReusedLabels
	KargsHelper
	SELinuxRelabel
	SSHKeys
	LuksKeyDirectory
	ResultFile
	Consoles
	ReportURL
	Metadata
	MetadataUser
	MetadataNetwork
	Network
	Measure
	ResetKeep
	ResetEtc
)

// What a value can be. Other forms are choices, with a comma between.
const (
	oneWord = "NAME"
	words   = "NAME..."
	onePath = "PATH"
	paths   = "PATH..."
	moves   = "OLD:NEW..."
	oneURL  = "URL"
)

// keys is the table of all settings: names, forms, and what holds without them.
var keys = [...]struct{ name, form, unset string }{
	FirstBoot:          {"FIRST_BOOT", "boot-file, credential, efi-variable, loader-entry, root-file, machine-id", "boot-file"},
	FirstBootArguments: {"FIRSTBOOT_ARGUMENTS", words, "ignition.firstboot"},
	ConfigURLArguments: {"CONFIG_URL_ARGUMENTS", words, "ignition.config.url"},
	FwCfgNames:         {"FW_CFG_NAMES", words, "opt/com.coreos/config"},
	GuestInfoNames:     {"GUESTINFO_NAMES", words, "guestinfo.ignition.config.data"},
	ForeignUserData:    {"FOREIGN_USER_DATA", "refuse, pass", "refuse"},
	Spec2:              {"SPEC2", "refuse, translate", "refuse"},
	OEMDirectory:       {"OEM_DIRECTORY", onePath, ""},
	MovedDirectories:   {"MOVED_DIRECTORIES", moves, ""},
	ReusedLabels:       {"REUSED_LABELS", words, ""},
	KargsHelper:        {"KARGS_HELPER", oneWord, "ignition-kargs-helper"},
	SELinuxRelabel:     {"SELINUX_RELABEL", "yes, no", "yes"},
	SSHKeys:            {"SSH_KEYS", "fragment, file", "fragment"},
	LuksKeyDirectory:   {"LUKS_KEY_DIRECTORY", onePath, "/etc/luks"},
	ResultFile:         {"RESULT_FILE", onePath, "/etc/.ignition-result.json"},
	Consoles:           {"CONSOLES", "report, quiet", "report"},
	ReportURL:          {"REPORT_URL", oneURL, ""},
	Metadata:           {"METADATA", "files, config", "files"},
	MetadataUser:       {"METADATA_USER", oneWord, "core"},
	MetadataNetwork:    {"METADATA_NETWORK", "none, networkd, networkmanager", "none"},
	Network:            {"NETWORK", "none, networkd, networkmanager, dracut", "none"},
	Measure:            {"MEASURE", "no, yes, required", "no"},
	ResetKeep:          {"RESET_KEEP", paths, ""},
	ResetEtc:           {"RESET_ETC", onePath, ""},
}

// ByName finds a key.
func ByName(name string) (Key, error) {
	var names []string
	for k := range keys {
		if keys[k].name == name {
			return Key(k), nil
		}
		names = append(names, keys[k].name)
	}
	return 0, fmt.Errorf("there is no setting %q; there are %s", name, strings.Join(names, ", "))
}

// Settings are those of a distribution. The zero value has the defaults.
type Settings struct{ values [len(keys)]string }

// Value returns what holds for a key.
func (s Settings) Value(k Key) string { return cmp.Or(s.values[k], keys[k].unset) }

// Words returns the words of a list.
func (s Settings) Words(k Key) []string { return strings.Fields(s.Value(k)) }

// Is reports whether a choice has a value.
func (s Settings) Is(k Key, value string) bool { return s.Value(k) == value }

// Read reads a settings file, which need not exist. The error has all that is
// wrong with it, each with its line.
func Read(name string) (Settings, error) {
	text, err := system.ReadFile(name, system.SettingsText)
	if errors.Is(err, fs.ErrNotExist) {
		return Settings{}, nil
	}
	if err != nil {
		return Settings{}, fmt.Errorf("reading the settings of the distribution: %w", err)
	}
	return Parse(string(text), name)
}

// Parse parses the text of a settings file. Messages call it name.
func Parse(text, name string) (Settings, error) {
	var s Settings
	var problems []error
	given := map[Key]int{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := s.set(line, number, given); err != nil {
			at := config.Origin{Source: name, Line: number, Column: 1}
			problems = append(problems, report.Conflict(at, "this file belongs to the image: tell those who made it", "%v", err))
		}
	}
	return s, errors.Join(problems...)
}

// set applies a line. Given has the lines of the keys before it.
func (s *Settings) set(line string, number int, given map[Key]int) error {
	name, value, ok := strings.Cut(line, "=")
	if !ok {
		return fmt.Errorf("%q is not of the form KEY=VALUE", line)
	}
	k, err := ByName(name)
	if err != nil {
		return err
	}
	if given[k] != 0 {
		return fmt.Errorf("%s was given before in line %d", name, given[k])
	}
	given[k] = number
	if !fits(value, keys[k].form) {
		return fmt.Errorf("setting %s: it is %q, and should be %s", name, value, strings.ReplaceAll(keys[k].form, ", ", " or "))
	}
	s.values[k] = value
	return nil
}

// fits reports whether a value is of a form.
func fits(value, form string) bool {
	fields := strings.Fields(value)
	switch form {
	case oneWord:
		return len(fields) == 1
	case oneURL:
		return len(fields) == 1 && config.CheckURL(value) == nil && (strings.HasPrefix(value, "http://") || strings.HasPrefix(value, "https://"))
	case words:
		return len(fields) > 0
	case onePath:
		return isPath(value)
	case paths:
		return len(fields) > 0 && !slices.ContainsFunc(fields, func(f string) bool { return !isPath(f) })
	case moves:
		for _, f := range fields {
			if old, moved, ok := strings.Cut(f, ":"); !ok || !isPath(old) || !isPath(moved) {
				return false
			}
		}
		return len(fields) > 0
	}
	for choice := range strings.SplitSeq(form, ", ") {
		if value == choice {
			return true
		}
	}
	return false
}

// isPath reports whether a value is an absolute path in its shortest form, of
// something below the root.
func isPath(value string) bool {
	return strings.HasPrefix(value, "/") && value != "/" && path.Clean(value) == value && !strings.ContainsAny(value, " \t")
}
