package providers

import (
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/xmltext"
)

// An ovfProperty is an element that stands at [begin, end) of a document.
type ovfProperty struct {
	key, value string
	begin, end int
}

// ovfProperties finds the elements Environment/PropertySection/Property of an OVF
// environment. What follows the outermost element does not matter.
// https://www.dmtf.org/standards/ovf
func ovfProperties(document string) ([]ovfProperty, error) {
	const property = 3 // depth
	var found []ovfProperty
	var path []string // names of open elements
	for d := xmltext.NewDecoder(document); ; {
		begin := d.Offset()
		token, err := d.Next()
		if err != nil { // the root element has not ended
			return nil, err
		}
		switch token.Kind {
		case xmltext.Start:
			path = append(path, token.Name)
			if len(path) == property && path[1] == "PropertySection" && path[2] == "Property" {
				found = append(found, ovfProperty{token.Attributes["key"], token.Attributes["value"], begin, 0})
			}
		case xmltext.End:
			if n := len(found); len(path) == property && n > 0 && found[n-1].end == 0 {
				found[n-1].end = d.Offset()
			}
			if path = path[:len(path)-1]; len(path) == 0 {
				return found, nil
			}
		}
	}
}

// cutProperties is the document without those of its properties that have one
// of these keys, and otherwise as it was, byte by byte.
func cutProperties(document string, properties []ovfProperty, keys ...string) string {
	var rest strings.Builder
	at := 0
	for _, p := range properties {
		if slices.Contains(keys, p.key) {
			rest.WriteString(document[at:p.begin])
			at = p.end
		}
	}
	rest.WriteString(document[at:])
	return rest.String()
}
