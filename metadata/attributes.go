package metadata

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// attributePrefix begins the names of all attributes.
const attributePrefix = "AFTERBURN_"

// writeAttributes writes an EnvironmentFile of systemd.
func writeAttributes(_ context.Context, m *Machine, name string) error {
	const doing = "writing the attributes of this machine"
	all, err := m.Asker.Attributes()
	if err != nil {
		return &report.Error{Doing: doing, Err: err, Hint: platformHint}
	}
	var text strings.Builder
	for _, a := range all {
		if !isEnvironment(a.Value) {
			m.Log.Warn(fmt.Sprintf("the attribute %s is left out, as systemd would: its value %q has bytes that an environment variable cannot have", a.Name, system.PrintableLine(a.Value)))
			continue
		}
		text.WriteString(attributePrefix + a.Name + "=" + quoted(a.Value) + "\n")
	}
	if err := writeFile(name, text.String()); err != nil {
		return &report.Error{Doing: doing, Err: err, Hint: platformHint}
	}
	m.Log.Info(fmt.Sprintf("wrote %s to %s", system.Plural(len(all), "attribute"), name))
	return nil
}

// isEnvironment reports whether systemd takes a value for an environment variable.
func isEnvironment(value string) bool {
	return utf8.ValidString(value) && !strings.ContainsFunc(value, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' || r == 0x7f
	})
}

// quoted writes a value so that systemd, and a shell that reads the file, get exactly
// that. One that means itself is as it is. See systemd.exec(5), EnvironmentFile=.
func quoted(value string) string {
	if !strings.ContainsFunc(value, needsQuotes) {
		return value
	}
	return `"` + escapes.Replace(value) + `"`
}

// escapes are what a backslash goes before in double quotes.
var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`")

func needsQuotes(r rune) bool {
	isLetter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	return !isLetter && !(r >= '0' && r <= '9') && !strings.ContainsRune("_-+./:,@%=^", r)
}
