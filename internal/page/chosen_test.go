package page

import (
	"strings"
	"testing"
)

const chosen = "variant: firstlight\nversion: 1.0.0\nstorage:\n  disks:\n    - as: data\n      match: {serial: S1}\n      wipe_table: true\n      partitions: [{label: data}]\n"

// A chosen disk is drawn as any other, and its translation knows its places.
func TestChosenDisksAreShown(t *testing.T) {
	p := new(Page)
	a := p.Check([]byte(chosen), Options{})
	if a.Refused || len(a.Problems) > 0 || a.Language != "Butane firstlight 1.0.0" || !strings.Contains(a.Output, `"version": "3.6.0+firstlight.1"`) {
		t.Fatalf("%s: %v\n%s", a.Language, a.Problems, a.Output)
	}
	found := map[string]string{}
	for i := 0; i+3 < len(a.Origins); i += 4 {
		found[cut(a.Output, a.Origins[i], a.Origins[i+1])] = cut(chosen, a.Origins[i+2], a.Origins[i+3])
	}
	for value, from := range map[string]string{`"S1"`: "S1", `"/dev/firstlight/data"`: "data", "true": "true"} {
		if found[value] != from {
			t.Errorf("%s comes from %q, want %q", value, found[value], from)
		}
	}
	if d := p.Details([]byte(chosen), Options{}); len(d.Disks) != 1 || d.Disks[0].Device != "/dev/firstlight/data" || len(d.Disks[0].Parts) != 1 || len(d.Conflicts) > 0 {
		t.Errorf("%+v", d)
	}
	a = p.Check([]byte(chosen), Options{To: "3.4.0"})
	if !a.Refused || len(a.Problems) != 1 || a.Problems[0].Line != 5 || !strings.Contains(a.Problems[0].Message, "an extension of Firstlight") {
		t.Errorf("in version 3.4.0: %v", a.Problems)
	}
}
