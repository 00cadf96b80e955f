// Package distribution reads the settings that a distribution makes for all its
// machines, in a file of the image: KEY=VALUE, one to a line. Lines that begin
// with # are comments. There are no quotes and no escapes.
//
// The file is strict, as a setting that is passed over in silence would be noticed
// only on machines: what is not known is an error.
package distribution

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
)

// File is the name of the settings file, beside the configs of the image.
const File = "distribution.conf"

// Settings are those of a distribution. The zero value has the defaults.
type Settings struct {
	// TranslateSpec2 has configs of spec 2 translated, which are refused otherwise.
	TranslateSpec2 bool
}

// keys are the keys that there are, with what their values do.
var keys = map[string]func(s *Settings, value string) error{
	"SPEC2": choice("refuse", "translate", func(s *Settings) *bool { return &s.TranslateSpec2 }),
}

// choice is for a key with two values, of which the second sets a member.
func choice(off, on string, member func(*Settings) *bool) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		if value != off && value != on {
			return fmt.Errorf("it is %q, and should be %s or %s", value, off, on)
		}
		*member(s) = value == on
		return nil
	}
}

// Read reads a settings file, which need not exist. The error has all that is
// wrong with it, each with its line.
func Read(name string) (Settings, error) {
	text, err := os.ReadFile(name)
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
	given := map[string]int{}
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
func (s *Settings) set(line string, number int, given map[string]int) error {
	key, value, ok := strings.Cut(line, "=")
	apply := keys[key]
	switch {
	case !ok:
		return fmt.Errorf("%q is not of the form KEY=VALUE", line)
	case apply == nil:
		return fmt.Errorf("there is no setting %q; there are %s", key, strings.Join(slices.Sorted(maps.Keys(keys)), ", "))
	case given[key] != 0:
		return fmt.Errorf("%s was given before in line %d", key, given[key])
	}
	given[key] = number
	if err := apply(s, value); err != nil {
		return fmt.Errorf("setting %s: %w", key, err)
	}
	return nil
}
