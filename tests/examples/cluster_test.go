//go:build soak

package examples

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

func TestClusterOutlivesAMachineThatIsMadeAnew(t *testing.T) {
	c := newCluster(t)
	for i := range c.members {
		c.members[i].boot(t)
	}
	replicas := fmt.Sprintf(`{"name": "words", "subjects": ["words"], "storage": "file", "num_replicas": %d}`, len(c.members))
	c.eventually(t, "making a stream on all machines", func() error { return c.members[0].ask("$JS.API.STREAM.CREATE.words", replicas, nil) })
	c.eventually(t, "keeping a message", func() error { return c.members[0].ask("words", "one", nil) })

	lost := c.members[1]
	lost.kill()
	c.eventually(t, "keeping a message without a machine", func() error { return c.members[2].ask("words", "two", nil) })
	lost.boot(t)
	c.eventually(t, "having all messages on all machines", func() error { return lost.hasAll(len(c.members), 2) })
	var stored struct{ Message struct{ Data []byte } }
	testkit.NoError(t, lost.ask("$JS.API.STREAM.MSG.GET.words", `{"last_by_subj": "words"}`, &stored))
	testkit.Equal(t, "message", string(stored.Message.Data), "two")

	stranger := *lost
	stranger.certificates = nil
	testkit.ErrorContains(t, "a client without a certificate", stranger.ask("words", "three", nil), "certificate required")
}

// A cluster is the machines of the example, in a network of their own.
type cluster struct {
	members []*member
}

// A member is a machine, as a client sees it.
type member struct {
	name, config string
	lan          string
	port         int // of the host, which leads to the server
	authority    *x509.CertPool
	certificates []tls.Certificate

	up    chan struct{}
	ended chan string // what there is to say about a machine that has ended
	kill  func()
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	h, lan := newHost(t, programs(t, "cluster")), newLAN(t)
	files := clusterConfigs(t, firstlightctl(t), h.fetching)
	authority := x509.NewCertPool()
	authority.AppendCertsFromPEM([]byte(testkit.ReadFile(t, filepath.Join(files, "ca.crt"))))
	client, err := tls.LoadX509KeyPair(filepath.Join(files, "client.crt"), filepath.Join(files, "client.key"))
	testkit.NoError(t, err)
	c := &cluster{}
	for _, name := range nodes {
		text := testkit.ReadFile(t, filepath.Join(files, name+".ign"))
		m := &member{name: name, config: h.config(text, setup{name: name, after: "After=nats.service\n"}), lan: lan, port: freePort(t), authority: authority,
			certificates: []tls.Certificate{client}, up: make(chan struct{}), ended: make(chan string, 2)}
		h.whenUp(name, func(ctx context.Context) {
			m.up <- struct{}{}
			<-ctx.Done() // it runs until it is killed
		})
		c.members = append(c.members, m)
	}
	return c
}

// boot is a first boot, of a machine with an empty disk.
func (m *member) boot(t *testing.T) {
	t.Helper()
	img, err := images()
	testkit.NoError(t, err)
	o := newMachine(t, img, m.config)
	o.Memory, o.Forward = 768, map[int]int{m.port: 4222}
	o.Devices = []string{"-netdev", "socket,id=lan," + m.lan, "-device", "virtio-net-pci,netdev=lan,mac=52:54:00:00:00:0" + strings.TrimPrefix(m.name, "node")}
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		res, err := vm.Start(ctx, o, dir)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			m.ended <- err.Error()
		default:
			m.ended <- res.Report + vm.Tail(res.Journal, 60)
		}
	}()
	m.kill = func() { cancel(); <-finished }
	t.Cleanup(m.kill)
	select {
	case <-m.up:
	case text := <-m.ended:
		t.Fatalf("%s has ended:\n%s", m.name, text)
	}
}

// limit is more than a busy host takes.
const limit = time.Hour

// eventually repeats what a cluster may not be ready for.
func (c *cluster) eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	for until := time.Now().Add(limit); ; time.Sleep(2 * time.Second) {
		err := f()
		if err == nil {
			return
		}
		for _, m := range c.members {
			select {
			case text := <-m.ended:
				t.Fatalf("%s: %s has ended:\n%s", what, m.name, text)
			default:
			}
		}
		if time.Now().After(until) {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// hasAll reports what a stream lacks: replicas on all machines, with all messages. One that
// was sent again for want of an answer may be there twice.
func (m *member) hasAll(machines, messages int) error {
	var stream struct {
		State   struct{ Messages int }
		Cluster struct {
			Leader   string
			Replicas []struct {
				Name             string
				Current, Offline bool
			}
		}
	}
	if err := m.ask("$JS.API.STREAM.INFO.words", "", &stream); err != nil {
		return err
	}
	current := []string{stream.Cluster.Leader}
	for _, r := range stream.Cluster.Replicas {
		if r.Current && !r.Offline {
			current = append(current, r.Name)
		}
	}
	if len(current) != machines || !slices.Contains(current, m.name) || stream.State.Messages < messages {
		return fmt.Errorf("%s says that %q have %d messages", m.name, current, stream.State.Messages)
	}
	return nil
}

// ask sends a request to the server and decodes the answer, which may be nil. It speaks
// the protocol of NATS, in a connection of its own.
func (m *member) ask(subject, request string, answer any) error {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", m.port))
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	// The greeting is in the clear.
	if _, err := readLine(conn); err != nil {
		return err
	}
	secure := tls.Client(conn, &tls.Config{ServerName: m.name, RootCAs: m.authority, Certificates: m.certificates})
	fmt.Fprintf(secure, "CONNECT {\"verbose\": false, \"pedantic\": false, \"lang\": \"go\", \"version\": \"1\"}\r\nSUB answer 1\r\nPUB %s answer %d\r\n%s\r\n", subject, len(request), request)
	for {
		line, err := readLine(secure)
		if err != nil {
			return err
		}
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "-ERR":
			return fmt.Errorf("%s: %s", subject, line)
		case words[0] == "PING":
			fmt.Fprint(secure, "PONG\r\n")
		case words[0] == "MSG":
			text, err := readLine(secure)
			if err != nil {
				return err
			}
			return decode(text, answer)
		}
	}
}

// decode reads an answer of JetStream, which may be an error.
func decode(text string, answer any) error {
	var failure struct {
		Error *struct{ Description string }
	}
	if err := json.Unmarshal([]byte(text), &failure); err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	if failure.Error != nil {
		return fmt.Errorf("%s", failure.Error.Description)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal([]byte(text), answer)
}

// readLine reads no byte more than a line: what follows the first one is encrypted.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); ; line = append(line, b[0]) {
		if _, err := r.Read(b); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
	}
}

// newLAN returns the options of a network that joins machines: what one sends, all others
// get.
func newLAN(t *testing.T) string {
	t.Helper()
	hub, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	testkit.NoError(t, err)
	var done sync.WaitGroup
	done.Add(1)
	go func() {
		defer done.Done()
		ports := map[string]*net.UDPAddr{}
		frame := make([]byte, 1<<16)
		for {
			n, from, err := hub.ReadFromUDP(frame)
			if err != nil {
				return
			}
			ports[from.String()] = from
			for _, to := range ports {
				if to.String() != from.String() {
					hub.WriteToUDP(frame[:n], to) // of a machine that is killed nobody reads
				}
			}
		}
	}()
	t.Cleanup(func() { hub.Close(); done.Wait() })
	return fmt.Sprintf("udp=%v,localaddr=127.0.0.1:0", hub.LocalAddr())
}
