package providers

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/report"
)

// UserData is a config as it was found.
type UserData struct {
	Text []byte
	// Name says which config this is, in messages and in origins.
	Name string
	// Source is where it came from, in one word: cmdline, system or a platform ID.
	Source string
	// Files are what the platform hands over only once and the machine's own
	// system will look for; the files stage writes them.
	Files []OutputFile
	// Signature is where the signature of the text is, unless it begins with that.
	Signature Signature
	// also are other files of its drive, by their names.
	also map[string][]byte
}

// An OutputFile is written below the machine's root.
type OutputFile struct {
	Path string
	Text []byte
	Mode uint32
}

// deletedConfig is what ignition-rmcfg leaves where a platform cannot delete.
const deletedConfig = "{}"

// decode returns the user data with its text decoded, empty if there is no
// config.
func (d *UserData) decode(env *Env) (*UserData, error) {
	text, encodings, err := config.Unpack(d.Text, d.Name)
	if err != nil {
		return nil, &report.Error{Doing: "reading " + d.Name, Err: err}
	}
	if len(encodings) > 0 {
		env.Log.Info(fmt.Sprintf("%s was packed: %s", d.Name, strings.Join(encodings, ", ")))
	}
	if d.Source == env.Platform.ID && env.Settings.Is(distribution.ForeignUserData, "pass") {
		if what := config.ForeignUserData(text); what != "" {
			env.Log.Log(report.LevelNotice, fmt.Sprintf("%s is %s, which this image leaves to another program; this machine has no config", d.Name, what))
			text, d = nil, &UserData{Name: d.Name, Source: d.Source}
		}
	}
	deleted := string(bytes.TrimSpace(text)) == deletedConfig
	switch {
	case d.Source != env.Platform.ID && (len(text) == 0 || deleted):
		// The image or the kernel command line has promised a config here.
		return nil, report.Conflict(config.Origin{Source: d.Name, Line: 1, Column: 1}, "put a config there, or remove what points to it", "it is empty")
	case len(text) == 0 && len(d.Text) > 0:
		env.Log.Warn(d.Name + " has only white space or NULs; this machine has no config of its own")
	case deleted:
		env.Log.Warn(d.Name + " was used and deleted by an earlier first boot; this machine has no config of its own")
		text = nil
	}
	decoded := *d
	decoded.Text = text
	return &decoded, nil
}
