package vm

import (
	"testing"

	"github.com/firstlight-os/firstlight/internal/qemu"
)

func TestThatAPortIsClosed(t *testing.T) {
	for data, want := range map[string]bool{
		`{"open": false, "id": "exits"}`:  true,
		`{"open": true, "id": "exits"}`:   false,
		`{"open": false, "id": "report"}`: false,
		`x`:                               false,
	} {
		if got := closes(qemu.Event{Name: "VSERPORT_CHANGE", Data: []byte(data)}, "exits"); got != want {
			t.Errorf("%s: got %v", data, got)
		}
	}
	if closes(qemu.Event{Name: "SHUTDOWN"}, "") {
		t.Error("the end of a machine is taken for that of a port")
	}
}
