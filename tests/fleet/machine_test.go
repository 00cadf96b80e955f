package fleet_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/providers"
)

const (
	configURL = "http://config.example/machine.ign"
	fileURL   = "http://config.example/motd"
	recordURL = "http://config.example/records"
	// fetchTimeout is that of the agent's flag, sendTime that of stages/send.go.
	fetchTimeout = 2 * time.Minute
	sendTime     = 8 * time.Second
)

// A machine is one of a fleet: its network, and how its first boot went.
type machine struct {
	server *server
	policy policy
	log    *report.Logger
	starts time.Time
	online time.Time // when DHCP has answered
	broken *link     // nil for one that is whole

	conns []net.Conn
	mu    sync.Mutex

	provisioned time.Time // zero if it has given up
	err         error
	reported    bool
}

// boot does what the stages do of a first boot that needs the network: fetch gets the config,
// files its files, and the last stage sends the record. Each is a process with a client of
// its own.
func (m *machine) boot(ctx context.Context) {
	time.Sleep(time.Until(m.starts))
	defer m.disconnect()
	record := &report.Record{Version: report.RecordVersion, Platform: "metal", Machine: report.Machine{Architecture: "amd64"}}
	stage := func(name string, last bool, run func() error) {
		if m.err != nil {
			return
		}
		began := time.Now()
		m.err = run()
		record.Add(report.Stage{Stage: name, Started: began, Seconds: time.Since(began).Seconds(), Waits: m.log.Waits(), Warnings: m.log.Warnings()}, last)
		m.disconnect()
	}
	var cfg *config.Config
	stage("fetch", false, func() (err error) { cfg, err = m.fetch(ctx); return err })
	stage("files", true, func() error { return m.files(ctx, cfg) })
	if m.err != nil {
		return
	}
	m.provisioned = time.Now()
	m.reported = m.send(ctx, record) == nil
}

func (m *machine) client() *fetch.Client {
	c := fetch.New(m.log, fetchTimeout)
	c.Dial = m.dial
	c.Clock.AwaitNetwork = m.awaitNetwork
	if m.policy != nil {
		c.Clock.Sleep = m.policy.sleeper()
	}
	return c
}

func (m *machine) fetch(ctx context.Context) (*config.Config, error) {
	c := m.client()
	env := &providers.Env{Log: m.log, Fetch: c, IMDS: imds.New(c), Arguments: map[string]string{"ignition.config.url": configURL}, Timeout: fetchTimeout}
	data, err := providers.UserConfig(ctx, env)
	if err != nil {
		return nil, err
	}
	cfg, _, err := butane.ParseAny(data.Text, data.Name)
	if err != nil {
		return nil, err
	}
	references := config.Resolver{Configure: func(settings config.Ignition) error { return c.Configure(ctx, settings) }}
	return references.Resolve(cfg)
}

func (m *machine) files(ctx context.Context, cfg *config.Config) error {
	c := m.client()
	if err := c.Configure(ctx, cfg.Ignition); err != nil {
		return err
	}
	for _, f := range cfg.Storage.Files {
		if err := c.Fetch(ctx, f.Contents, io.Discard); err != nil {
			return err
		}
	}
	return nil
}

func (m *machine) send(ctx context.Context, record *report.Record) error {
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	return m.client().Post(ctx, recordURL, text)
}

// disconnect is the end of a process.
func (m *machine) disconnect() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, conn := range m.conns {
		conn.Close()
	}
	m.conns = nil
}

// dial is the machine's network.
func (m *machine) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if time.Now().Before(m.online) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: m.server.Addr(), Err: syscall.ENETUNREACH}
	}
	if m.broken != nil {
		if err := m.broken.handshake(ctx); err != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Addr: m.server.Addr(), Err: err}
		}
	}
	conn, err := m.server.dial(ctx)
	if err != nil {
		return nil, err
	}
	if m.broken != nil {
		conn = m.broken.cut(conn)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conns = append(m.conns, conn)
	return conn, nil
}

// awaitNetwork stands for that of package system, which listens to the kernel.
func (m *machine) awaitNetwork(ctx context.Context, d time.Duration) error {
	if left := time.Until(m.online); left > 0 {
		d = min(d, left)
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return ctx.Err()
}

// A link loses packets, and connections break off.
type link struct{ random *rand.Rand }

const (
	// lost is the share of first packets that are lost.
	lost = 0.2
	// longest is how many bytes a connection carries at most: four answers or five.
	longest = 2500
)

// handshake takes as long as the kernel's: it sends the first packet again after 1 s, 2 s, 4 s.
func (l *link) handshake(ctx context.Context) error {
	for again := time.Second; l.random.Float64() < lost; again *= 2 {
		select {
		case <-time.After(again):
		case <-ctx.Done():
			return os.ErrDeadlineExceeded
		}
	}
	return nil
}

func (l *link) cut(conn net.Conn) net.Conn { return &brokenConn{conn, l.random.IntN(longest)} }

// A brokenConn is reset after some bytes.
type brokenConn struct {
	net.Conn
	left int
}

func (c *brokenConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		c.Close()
		return 0, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// fleetConfig is the config of all machines.
func fleetConfig(hash string) []byte {
	return fmt.Appendf(nil, `{"ignition": {"version": "3.4.0"},
"storage": {"files": [{"path": "/etc/motd", "mode": 420, "contents": {"source": %q, "verification": {"hash": %q}}}]}}`, fileURL, hash)
}
