package providers

import (
	"encoding/xml"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/xmltext"
)

// An ovfProperty is an element that stands at [begin, end) of a document.
type ovfProperty struct {
	key, value string
	begin, end int64
}

// ovfProperties finds the elements Environment/PropertySection/Property of an OVF
// environment. What follows the outermost element does not matter.
// https://www.dmtf.org/standards/ovf
func ovfProperties(document string) ([]ovfProperty, error) {
	const property = 3 // depth
	var found []ovfProperty
	var path []string // names of open elements
	for d := xmltext.NewDecoder(document); ; {
		begin := d.InputOffset()
		token, err := xmltext.NextToken(d)
		if err != nil { // the root element has not ended
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			path = append(path, t.Name.Local)
			if len(path) == property && path[1] == "PropertySection" && path[2] == "Property" {
				found = append(found, ovfProperty{xmlAttribute(t, "key"), xmlAttribute(t, "value"), begin, 0})
			}
		case xml.EndElement:
			if n := len(found); len(path) == property && n > 0 && found[n-1].end == 0 {
				found[n-1].end = d.InputOffset()
			}
			if path = path[:len(path)-1]; len(path) == 0 {
				return found, nil
			}
		}
	}
}

// xmlAttribute is the value of an attribute, in whatever namespace.
func xmlAttribute(e xml.StartElement, name string) string {
	i := slices.IndexFunc(e.Attr, func(a xml.Attr) bool { return a.Name.Local == name && a.Name.Space != "xmlns" })
	if i < 0 {
		return ""
	}
	return e.Attr[i].Value
}

// cutProperties is the document without those of its properties that have one
// of these keys, and otherwise as it was, byte by byte.
func cutProperties(document string, properties []ovfProperty, keys ...string) string {
	var rest strings.Builder
	at := int64(0)
	for _, p := range properties {
		if slices.Contains(keys, p.key) {
			rest.WriteString(document[at:p.begin])
			at = p.end
		}
	}
	rest.WriteString(document[at:])
	return rest.String()
}
