package stages

import (
	"context"
	"testing"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/system/systemtest"
)

// systemd is what answers as systemd does, of some units; it is not there if they are nil.
func (b *bench) systemd(units []systemtest.Unit) {
	b.opts.SystemdSocket = b.path("no systemd")
	if units != nil {
		b.opts.SystemdSocket = systemtest.Systemd(b.t, units...)
	}
}

// Some user data can be read only once. A person who has repaired the machine in
// the emergency shell and runs the stages again must not get a machine without a
// config.
func TestReadOnceUserDataIsKeptUntilTheMachineIsProvisioned(t *testing.T) {
	calm := []systemtest.Unit{{State: "inactive"}}
	for _, c := range []struct {
		name          string
		systemd       []systemtest.Unit // nil: there is none
		written, kept bool
	}{
		{"all is well", calm, true, false},
		{"without systemd", nil, true, false},
		{"files has not passed", calm, false, true},
		{"without systemd files has not passed", nil, false, true},
		{"the emergency shell runs", []systemtest.Unit{{State: "active"}}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, `{`+version+`}`)
			b.systemd(c.systemd)
			b.must("fetch-offline")
			if c.written {
				b.must("files")
			}
			b.write("run/ignition/provider-zvm", "config")
			last := stages[len(stages)-1]
			p, err := newProcess(t.Context(), b.opts, last)
			if err != nil {
				t.Fatal(err)
			}
			p.env.Root = b.dir
			if err := p.mergeConfigs(context.Background()); err != nil {
				t.Fatal(err)
			}
			if err := last.run(context.Background(), p); err != nil {
				t.Fatal(err)
			}
			if got := system.Exists(b.path("run/ignition/provider-zvm")); got != c.kept {
				t.Errorf("it is there: %v, want %v", got, c.kept)
			}
		})
	}
}
