package doc

import (
	"reflect"
	"testing"
)

// A sample has a field of each sort that the spec has.
type sample struct {
	Object
	Name    string     `json:"name"`
	Level   int        `json:"level"`
	On      bool       `json:"on"`
	SizeMiB *int       `json:"sizeMiB"`
	Note    *string    `json:"note" spec:"since=3.2.0"`
	Given   *bool      `json:"given"`
	Tags    []string   `json:"tags" spec:"key=."`
	Options []string   `json:"options"`
	Inner   inner      `json:"inner"`
	Parts   []part     `json:"parts" spec:"key=number|label"`
	Left    []entry    `json:"left" spec:"key=path,shared"`
	Right   []entry    `json:"right" spec:"key=path,shared"`
	Headers []header   `json:"headers" spec:"key=name,removal=value"`
	Merge   []resource `json:"merge"`
	Data    resource   `json:"data"`
}

type inner struct {
	Object
	Deep deep `json:"deep"`
}

type deep struct {
	Object
	Value *string `json:"value"`
}

type part struct {
	Object
	Number int     `json:"number"`
	Label  *string `json:"label"`
	Size   *int    `json:"size"`
}

type entry struct {
	Object
	Path string `json:"path"`
	Mode *int   `json:"mode"`
}

type header struct {
	Object
	Name  string  `json:"name"`
	Value *string `json:"value"`
}

type resource struct {
	Object
	Hash *string `json:"hash" spec:"inReferences=3.1.0"`
}

var sampleType = reflect.TypeFor[sample]()

// filled is a sample from a text.
func filled(t *testing.T, text string) *sample {
	t.Helper()
	s := new(sample)
	Decode(reflect.ValueOf(s).Elem(), read(t, text))
	return s
}
