package qemu

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"time"
)

// monitorPatience is how long QEMU may take to answer.
const monitorPatience = 10 * time.Second

// maxAnswer is the longest line of a monitor, in bytes: statistics of a hundred disks.
const maxAnswer = 1 << 20

// A Monitor is a connection to the monitor of a machine (QMP).
type Monitor struct {
	conn  net.Conn
	lines *bufio.Scanner
	// events came while an answer was waited for.
	events []Event
}

// An Event is something that has happened to a machine.
type Event struct {
	Name string
	// Data depends on the name.
	Data json.RawMessage
}

// NewMonitor greets over a connection, which is the monitor's then.
func NewMonitor(conn net.Conn) (*Monitor, error) {
	m := &Monitor{conn: conn, lines: bufio.NewScanner(conn)}
	m.lines.Buffer(nil, maxAnswer)
	if err := m.greet(); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// greet is greeted first; events may come between the answers to commands.
func (m *Monitor) greet() error {
	if err := m.conn.SetReadDeadline(time.Now().Add(monitorPatience)); err != nil {
		return err
	}
	if !m.lines.Scan() {
		return fmt.Errorf("the monitor of QEMU does not greet: %w", m.lines.Err())
	}
	return m.Execute("qmp_capabilities", nil)
}

// Close releases the connection.
func (m *Monitor) Close() error { return m.conn.Close() }

// A message of the monitor is one of these.
type monitorMessage struct {
	Event  string
	Data   json.RawMessage
	Return json.RawMessage
	Error  *struct{ Desc string }
}

func (m *Monitor) next() (message monitorMessage, err error) {
	if !m.lines.Scan() {
		return message, fmt.Errorf("the monitor of QEMU does not answer: %v", m.lines.Err())
	}
	return message, json.Unmarshal(m.lines.Bytes(), &message)
}

// Execute runs a command without arguments. What it returns goes into result, unless that
// is nil.
func (m *Monitor) Execute(command string, result any) error {
	if err := m.conn.SetDeadline(time.Now().Add(monitorPatience)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(m.conn, "{\"execute\": %q}\n", command); err != nil {
		return err
	}
	for {
		answer, err := m.next()
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", command, err)
		case answer.Error != nil:
			return fmt.Errorf("%s: QEMU says: %s", command, answer.Error.Desc)
		case answer.Return != nil && result == nil:
			return nil
		case answer.Event != "":
			m.events = append(m.events, Event{answer.Event, answer.Data})
		case answer.Return != nil:
			return json.Unmarshal(answer.Return, result)
		}
	}
}

// Next waits for the next event, however long that takes.
func (m *Monitor) Next() (Event, error) {
	if len(m.events) > 0 {
		first := m.events[0]
		m.events = m.events[1:]
		return first, nil
	}
	if err := m.conn.SetDeadline(time.Time{}); err != nil {
		return Event{}, err
	}
	for {
		message, err := m.next()
		if err != nil || message.Event != "" {
			return Event{message.Event, message.Data}, err
		}
	}
}

// PressPowerButton asks the system in a machine to shut down, by the monitor of the
// machine.
func PressPowerButton(ctx context.Context, monitor string) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", monitor)
	if err != nil {
		return err
	}
	m, err := NewMonitor(c)
	if err != nil {
		return err
	}
	defer m.Close()
	return m.Execute("system_powerdown", nil)
}

// A BlockStatistic is what a machine has done with a disk.
type BlockStatistic struct {
	ReadBytes    int64 `json:"rd_bytes"`
	WrittenBytes int64 `json:"wr_bytes"`
	Reads        int64 `json:"rd_operations"`
	Writes       int64 `json:"wr_operations"`
	Flushes      int64 `json:"flush_operations"`
}

// BlockStatistics are those of all disks, by the IDs of their drives.
func (m *Monitor) BlockStatistics() (map[string]BlockStatistic, error) {
	var disks []struct {
		Device string
		Stats  BlockStatistic
	}
	if err := m.Execute("query-blockstats", &disks); err != nil {
		return nil, err
	}
	all := map[string]BlockStatistic{}
	for _, d := range disks {
		all[d.Device] = d.Stats
	}
	return all, nil
}
