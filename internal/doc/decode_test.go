package doc

import (
	"fmt"
	"math"
	"testing"
)

func TestFillingEachSortOfField(t *testing.T) {
	s := filled(t, `{"name":"n","level":-5,"on":true,"sizeMiB":9223372036854775807,"note":"","given":false,
		"tags":["a","b"],"options":[],"inner":{"deep":{"value":"v"}},"left":[{"path":"/a","mode":0},{"path":"/b"}]}`)
	if s.Name != "n" || s.Level != -5 || !s.On || *s.SizeMiB != math.MaxInt64 || *s.Note != "" || *s.Given {
		t.Errorf("scalars: %+v", s)
	}
	if fmt.Sprint(s.Tags) != "[a b]" || s.Options == nil || len(s.Options) > 0 || s.Parts != nil {
		t.Errorf("lists: %q, %#v, %#v", s.Tags, s.Options, s.Parts)
	}
	if *s.Inner.Deep.Value != "v" {
		t.Errorf("an object: %+v", s.Inner)
	}
	if len(s.Left) != 2 || s.Left[0].Path != "/a" || *s.Left[0].Mode != 0 || s.Left[1].Path != "/b" || s.Left[1].Mode != nil {
		t.Errorf("objects in a list: %+v", s.Left)
	}
}

func TestWhatIsAbsentStaysUnset(t *testing.T) {
	s := filled(t, `{}`)
	if s.Name != "" || s.Level != 0 || s.On || s.SizeMiB != nil || s.Note != nil || s.Given != nil || s.Tags != nil || s.Left != nil {
		t.Errorf("%+v", s)
	}
}

// Optional values are made many at a time; they must not be each other's.
func TestOptionalValuesAreApart(t *testing.T) {
	text := `{"left":[`
	for i := range 100 {
		text += fmt.Sprintf(`{"path":"/%d","mode":%d},`, i, i)
	}
	s := filled(t, text+`{"path":"/x"}]}`)
	*s.Left[1].Mode = -1
	for i, e := range s.Left[2:100] {
		if *e.Mode != i+2 {
			t.Fatalf("the mode of %s is %d", e.Path, *e.Mode)
		}
	}
	if *s.Left[0].Mode != 0 || *s.Left[1].Mode != -1 {
		t.Error("the first modes are wrong")
	}
}

// An empty item was null, see the cleaner of package config.
func TestEmptyItems(t *testing.T) {
	n := read(t, `{"tags":["a",null]}`)
	n.Member("tags").Items[1].Kind = String
	s := filled(t, string(n.AppendJSON(nil)))
	if len(s.Tags) != 2 || s.Tags[1] != "" {
		t.Errorf("%q", s.Tags)
	}
}

func TestObjectsKnowWhetherTheyAreGiven(t *testing.T) {
	s := filled(t, "{\"inner\":\n{}}")
	if !s.IsPresent() || !s.Inner.IsPresent() || s.Inner.Deep.IsPresent() || s.Data.IsPresent() {
		t.Error("what is given and what is not is mixed up")
	}
	if got := s.Inner.Deep.Origin().String(); got != "test, line 2, column 1 (inner)" {
		t.Errorf("an absent object is at %s", got)
	}
	if NodeOf(s.Inner.Object).Line != 2 || NodeOf(s.Data.Object) != NodeOf(s.Object) {
		t.Error("an object does not have the node that it was made from")
	}
}
