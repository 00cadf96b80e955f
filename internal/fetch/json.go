package fetch

import (
	"strconv"

	"github.com/firstlight-os/firstlight/internal/json"
)

// JSONText finds a string, a number or a boolean in JSON text by the names that
// lead to it through objects. Where there is none, and where the text is no
// JSON, it is "". It is all that tokens and errors of object stores need.
func JSONText(text []byte, path ...string) string {
	var value any
	if json.Unmarshal(text, &value) != nil {
		return ""
	}
	for _, name := range path {
		object, ok := value.(map[string]any)
		if !ok {
			return ""
		}
		value = object[name]
	}
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return string(value)
	case bool:
		return strconv.FormatBool(value)
	}
	return ""
}
