package butane

import (
	"strings"
	"testing"
)

func TestPositionsInsideOfUnits(t *testing.T) {
	cfg, _, err := Parse([]byte("variant: fcos\nversion: 1.6.0\nsystemd:\n  units:\n    - name: a.service\n      contents: |\n        [Unit]\n        A=1\n"), "x")
	if err != nil {
		t.Fatal(err)
	}
	u := &cfg.Systemd.Units[0]
	at, ok := u.OriginInside("contents", strings.Index(*u.Contents, "A=1"))
	if want := "x, line 8, column 9 (systemd.units[0].contents)"; at.String() != want || !ok {
		t.Errorf("got %v, %v; want %s", at, ok, want)
	}
}
