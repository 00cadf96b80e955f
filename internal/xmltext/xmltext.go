// Package xmltext reads single values of small XML documents: descriptions on drives
// of virtual machines, and errors of object stores. encoding/xml decodes them token by
// token, so that a document may be of any form and may end after the value.
//
// It imports nothing of this module.
package xmltext

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// NewDecoder reads a document in UTF-8, whatever encoding it names.
func NewDecoder(document string) *xml.Decoder {
	d := xml.NewDecoder(strings.NewReader(document))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	return d
}

// NextToken returns io.EOF at the end of a document. Other errors do not quote it,
// since it may hold secrets.
func NextToken(d *xml.Decoder) (xml.Token, error) {
	token, err := d.Token()
	if err != nil && err != io.EOF {
		line, _ := d.InputPos()
		err = fmt.Errorf("this is not well-formed XML (line %d)", line)
	}
	return token, err
}

// Element returns the text of the first element of a name, in whatever namespace; ""
// if there is none, or if it has elements in it.
func Element(document, name string) (text string, err error) {
	inside := false
	for d := NewDecoder(document); ; {
		token, err := NextToken(d)
		if err == io.EOF {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if inside {
				return "", nil
			}
			inside = t.Name.Local == name
		case xml.CharData:
			if inside {
				text += string(t)
			}
		case xml.EndElement:
			if inside {
				return text, nil
			}
		}
	}
}
