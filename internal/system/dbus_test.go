package system_test

import (
	"encoding/binary"
	"path/filepath"
	"slices"
	"testing"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/system/systemtest"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestUnitsActive(t *testing.T) {
	idle := systemtest.Unit{Name: "emergency.target", State: "inactive"}
	with := func(u systemtest.Unit) []systemtest.Unit { return []systemtest.Unit{idle, u, idle} }
	for name, c := range map[string]struct {
		units []systemtest.Unit
		want  bool
	}{
		"no unit":         {nil, false},
		"all inactive":    {with(idle), false},
		"one is active":   {with(systemtest.Unit{Name: "a", State: "active"}), true},
		"one starts":      {with(systemtest.Unit{Name: "some", State: "activating"}), true},
		"one has a job":   {with(systemtest.Unit{Name: "a.service", State: "inactive", Job: 412}), true},
		"one has failed":  {with(systemtest.Unit{Name: "a.service", State: "failed"}), false},
		"one is stopping": {with(systemtest.Unit{Name: "a.service", State: "deactivating"}), false},
	} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			signal := systemtest.Message(order, 4, []byte("not what was asked"))
			socket := systemtest.Answering(t, slices.Concat(signal, systemtest.UnitsMessage(order, c.units...)))
			if got, err := system.UnitsActive(t.Context(), socket, "a.service", "b.target"); err != nil || got != c.want {
				t.Errorf("%s, %s: got %v, %v, want %v", name, order, got, err, c.want)
			}
		}
	}
}

func TestSystemdThatDoesNotAnswer(t *testing.T) {
	_, err := system.UnitsActive(t.Context(), filepath.Join(t.TempDir(), "none"), "a.service")
	testkit.ErrorContains(t, "without systemd", err, "no such file or directory")
	whole := systemtest.UnitsMessage(binary.LittleEndian, systemtest.Unit{Name: "a.service", State: "active"})
	long := slices.Clone(whole)
	long[24]++ // the length of the list
	for name, c := range map[string]struct {
		answer []byte
		want   string
	}{
		"nothing":          {nil, "EOF"},
		"half of it":       {whole[:len(whole)/2], "unexpected EOF"},
		"another protocol": {[]byte("HTTP/1.1 400 Bad Request\r\n"), "is not a message of D-Bus"},
		"too long":         {append([]byte("l\x02\x00\x01\xff\xff\xff\xff"), make([]byte, 8)...), "is not a message of D-Bus"},
		"a list cut off":   {long, "the answer of systemd is cut off"},
		"an error":         {systemtest.Message(binary.LittleEndian, 3, []byte("\x0c\x00\x00\x00Not\x1b allowed\x00")), "systemd: Not? allowed"},
	} {
		active, err := system.UnitsActive(t.Context(), systemtest.Answering(t, c.answer), "a.service")
		if active {
			t.Errorf("%s: a unit is active", name)
		}
		testkit.ErrorContains(t, name, err, c.want)
	}
}
