package report

import (
	"errors"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
)

// readAll returns the boxes in a text.
func readAll(text string) []FoundBox {
	var r BoxReader
	var found []FoundBox
	for line := range strings.Lines(text) {
		if box := r.Add(strings.TrimSuffix(line, "\n")); box != nil {
			found = append(found, *box)
		}
	}
	return found
}

func TestEachKindOfBoxIsRead(t *testing.T) {
	for kind := range headlines {
		want := Failure{"disks", kind, []Problem{{Operation: "stage 1", Cause: "a | b", Origin: config.Origin{Source: "x", Line: 1, Column: 2}}, {Cause: "b", Hint: "c"}}}.Box()
		got := readAll("before\n" + want + "between\n" + strings.ReplaceAll(want, "\n", "\n[ 1.0] kernel\n| half\n"))
		if len(got) != 2 || got[0] != (FoundBox{want, "disks", kind}) || got[1] != got[0] {
			t.Errorf("kind %v: got %+v", kind, got)
		}
	}
}

func TestWhatIsNoBox(t *testing.T) {
	box := Box("files", errors.New("no"))
	for name, text := range map[string]string{
		"another headline": strings.Replace(box, "Firstlight could", "Somebody could.", 1),
		"no end":           strings.TrimSuffix(box, boxRule+"\n"),
		"no beginning":     strings.TrimPrefix(box, boxRule+"\n"),
	} {
		if got := readAll(text); len(got) != 0 {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	lost := strings.TrimPrefix(box, boxRule+"\n") + "\n" + box
	if got := readAll(lost); len(got) != 1 || got[0].Text != box {
		t.Errorf("after half a box: got %+v", got)
	}
}
