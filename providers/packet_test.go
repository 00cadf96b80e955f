package providers

import (
	"encoding/json"
	"errors"
	"testing"

	ourjson "github.com/firstlight-os/firstlight/internal/json"
)

func TestPacketEventIsJSON(t *testing.T) {
	for failure, want := range map[error]string{
		nil:                              "[disks] Ignition status: finished successfully",
		errors.New("a \"b\\c\"\td \xff"): "[disks] Ignition error: a \"b\\c\"\td ?",
	} {
		text, err := ourjson.Marshal(newPacketEvent("disks", failure))
		var got struct{ State, Message string }
		if err == nil {
			err = json.Unmarshal(text, &got)
		}
		if err != nil || got.Message != want || (got.State == "failed") != (failure != nil) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
