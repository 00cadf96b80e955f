package report

import (
	"fmt"
	"strings"

	"github.com/firstlight-os/firstlight/config"
)

// Warning is a warning about a value of a config as it stands in the journal: the place
// in the reference's form, which programs cut off to compare messages, and last the
// document, which people need.
func Warning(at config.Origin, message string) string {
	place := ""
	if at.Path != "" {
		place = " at $." + strings.NewReplacer("[", ".", "]", "").Replace(at.Path)
	}
	if at.Line > 0 {
		place += fmt.Sprintf(", line %d col %d", at.Line, at.Column)
	}
	if at.Source != "" {
		message += " (" + at.Source + ")"
	}
	return "warning" + place + ": " + message
}
