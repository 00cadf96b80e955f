package json

import "strconv"

// Text returns a string, a number or a boolean of a JSON document as text, by the
// names that lead to it through objects. It is "" if there is none, and if the
// document is not JSON.
func Text(text []byte, path ...string) string {
	var value any
	if Unmarshal(text, &value) != nil {
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
	case Number:
		return string(value)
	case bool:
		return strconv.FormatBool(value)
	}
	return ""
}
