package vm

import (
	"encoding/json"
	"net"
	"path/filepath"

	"github.com/firstlight-os/firstlight/internal/qemu"
)

// statistics asks a machine that has ended for the statistics of its disks, and lets QEMU
// end only then.
type statistics struct {
	listener net.Listener
	port     string
	asked    chan asked
}

type asked struct {
	blocks, then map[string]qemu.BlockStatistic
	err          error
}

func newStatistics(dir, port string) (*statistics, error) {
	listener, err := net.Listen("unix", filepath.Join(dir, "monitor"))
	if err != nil {
		return nil, err
	}
	s := &statistics{listener, port, make(chan asked, 1)}
	go func() { s.asked <- s.ask() }()
	return s, nil
}

// arguments have QEMU connect to us.
func (s *statistics) arguments() []string {
	return []string{"-no-shutdown", "-qmp", "unix:" + s.listener.Addr().String()}
}

func (s *statistics) ask() (a asked) {
	conn, err := s.listener.Accept()
	if err != nil {
		return asked{err: err}
	}
	m, err := qemu.NewMonitor(conn)
	if err != nil {
		return asked{err: err}
	}
	// QEMU is to end whatever has happened: it does not take the end of the connection
	// for a reason to.
	defer m.Close()
	defer m.Execute("quit", nil)
	for {
		event, err := m.Next()
		switch {
		case err != nil:
			return asked{err: err}
		case event.Name == "SHUTDOWN":
			a.blocks, a.err = m.BlockStatistics()
			return a
		case closes(event, s.port):
			if a.then, err = m.BlockStatistics(); err != nil {
				return asked{err: err}
			}
		}
	}
}

// closes reports whether an event is that the machine closes a port.
func closes(event qemu.Event, port string) bool {
	var change struct {
		ID   string
		Open bool
	}
	return event.Name == "VSERPORT_CHANGE" && json.Unmarshal(event.Data, &change) == nil && change.ID == port && !change.Open
}

// get has the statistics of a machine that has ended.
func (s *statistics) get(r *Result) error {
	a := <-s.asked
	r.Blocks, r.BlocksThen = a.blocks, a.then
	return a.err
}
