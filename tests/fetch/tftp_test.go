package fetch_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"

	"github.com/firstlight-os/firstlight/config"
)

// A tftpServer serves one text under one name (RFC 1350, 2347, 2348), with the
// faults of networks and of old servers.
type tftpServer struct {
	text string
	// options: "" grants them, "ignore" does as if there were none, "refuse"
	// answers with an error, "lie" grants more than was asked for.
	options string
	refuse  string // an error, "CODE TEXT", for every request
	lose    func(n int) bool
	twice   bool // sends all data twice
	noise   bool // strangers and garbage in between
	deadAt  int  // block after which the first transfer goes silent

	t    *testing.T
	conn *net.UDPConn
	mu   sync.Mutex
	sent int
	got  []string // requests, and errors
}

func (s *tftpServer) start(t *testing.T) (url string) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s.t, s.conn = t, conn
	t.Cleanup(func() { conn.Close() })
	go func() {
		buffer := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFromUDP(buffer)
			if err != nil {
				return
			}
			go s.transfer(from, string(buffer[:n]))
		}
	}()
	return "tftp://" + conn.LocalAddr().String()
}

func (s *tftpServer) note(text string) (nth int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, text)
	return len(s.got)
}

func (s *tftpServer) noted() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(slices.Compact(slices.Clone(s.got)), " | ") // packets may be sent twice
}

// transfer answers a request from a port of its own.
func (s *tftpServer) transfer(client *net.UDPAddr, request string) {
	fields := strings.Split(strings.TrimPrefix(request, "\x00\x01"), "\x00")
	first := s.note(strings.TrimSpace(strings.Join(fields, " "))) == 1
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return
	}
	defer conn.Close()
	size := 512
	switch withOptions := len(fields) > 3; {
	case s.refuse != "":
		s.send(conn, client, s.failure(s.refuse))
		return
	case fields[0] != "/dir/f":
		s.send(conn, client, s.failure("1 File not found"))
		return
	case withOptions && s.options == "refuse":
		s.send(conn, client, s.failure("8 no options here"))
		return
	case withOptions && s.options != "ignore":
		size, _ = strconv.Atoi(fields[3])
		if s.options == "lie" {
			size++
		}
		if !s.exchange(conn, client, 0, fmt.Appendf([]byte{0, 6}, "blksize\x00%d\x00", size)) {
			return
		}
	}
	s.blocks(conn, client, size, first)
}

func (s *tftpServer) blocks(conn *net.UDPConn, client *net.UDPAddr, size int, first bool) {
	for block := 1; ; block++ {
		from, to := min((block-1)*size, len(s.text)), min(block*size, len(s.text))
		if first && s.deadAt > 0 && block > s.deadAt {
			return
		}
		packet := append(binary.BigEndian.AppendUint16([]byte{0, 3}, uint16(block)), s.text[from:to]...)
		if s.noise {
			s.disturb(conn, client, block)
		}
		if !s.exchange(conn, client, uint16(block), packet) || to-from < size {
			return
		}
	}
}

// disturb sends what a client must not take.
func (s *tftpServer) disturb(conn *net.UDPConn, client *net.UDPAddr, block int) {
	if stranger, err := net.ListenUDP("udp4", nil); err == nil && block > 1 {
		stranger.WriteToUDP(append(binary.BigEndian.AppendUint16([]byte{0, 3}, uint16(block)), "stranger"...), client)
		stranger.Close()
	}
	if block > 1 {
		conn.WriteToUDP([]byte("\x00\x03\x00"), client)
		conn.WriteToUDP(append(binary.BigEndian.AppendUint16([]byte{0, 3}, uint16(block+7)), "future"...), client)
	}
}

func (s *tftpServer) failure(text string) []byte {
	number, words, _ := strings.Cut(text, " ")
	code, _ := strconv.Atoi(number)
	return append(binary.BigEndian.AppendUint16([]byte{0, 5}, uint16(code)), words+"\x00"...)
}

func (s *tftpServer) send(conn *net.UDPConn, client *net.UDPAddr, packet []byte) {
	s.mu.Lock()
	s.sent++
	lost := s.lose != nil && s.lose(s.sent)
	s.mu.Unlock()
	if !lost {
		conn.WriteToUDP(packet, client)
	}
	if s.twice {
		conn.WriteToUDP(packet, client)
	}
}

// exchange sends a packet until it is acknowledged, or for a minute.
func (s *tftpServer) exchange(conn *net.UDPConn, client *net.UDPAddr, block uint16, packet []byte) bool {
	buffer := make([]byte, 2048)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		s.send(conn, client, packet)
		conn.SetReadDeadline(time.Now().Add(60 * time.Millisecond))
		for {
			n, _, err := conn.ReadFromUDP(buffer)
			if err != nil {
				break
			}
			if buffer[1] == 5 {
				s.note("error: " + strings.TrimRight(string(buffer[4:n]), "\x00"))
				return false
			}
			if buffer[1] == 4 && binary.BigEndian.Uint16(buffer[2:]) == block {
				return true
			}
		}
	}
	return false
}

func TestTFTP(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 6000)
	every := func(k int) func(int) bool { return func(n int) bool { return n%k == 0 } }
	const plain, asked = "/dir/f octet", "/dir/f octet blksize 1428"
	for name, tc := range map[string]struct {
		server *tftpServer
		noted  string
	}{
		"with options":          {&tftpServer{text: long}, asked},
		"options ignored":       {&tftpServer{text: long, options: "ignore"}, asked},
		"options refused":       {&tftpServer{text: long, options: "refuse"}, asked + " | " + plain},
		"full last block":       {&tftpServer{text: long[:1428*3]}, asked},
		"full plain block":      {&tftpServer{text: long[:512*3], options: "ignore"}, asked},
		"empty":                 {&tftpServer{}, asked},
		"one byte":              {&tftpServer{text: "x"}, asked},
		"lost packets":          {&tftpServer{text: long, lose: every(5)}, asked},
		"all packets twice":     {&tftpServer{text: long, twice: true}, asked},
		"garbage and strangers": {&tftpServer{text: long, noise: true}, asked},
		"server dies":           {&tftpServer{text: long, deadAt: 20}, asked},
	} {
		t.Run(name, func(t *testing.T) {
			url := tc.server.start(t)
			c, log := newClient(t)
			if tc.server.deadAt > 0 {
				c.StallTimeout = 1500 * time.Millisecond
			}
			got, err := get(t, c, resource(url+"/dir/f"))
			if err != nil || got != tc.server.text {
				t.Errorf("got %d of %d bytes, %v\n%s", len(got), len(tc.server.text), err, log)
			}
			if noted := tc.server.noted(); noted != tc.noted {
				t.Errorf("the server has got %q, want %q", noted, tc.noted)
			}
		})
	}
}

func TestTFTPFailures(t *testing.T) {
	s := &tftpServer{}
	url := s.start(t)
	c, _ := newClient(t)
	fails(t, c, resource(url+"/none"), "fetching "+url+"/none: TFTP: the server says: File not found (code 1)")
	if _, err := get(t, c, resource(url+"/none")); !errors.Is(err, fetch.ErrNotFound) {
		t.Errorf("it is not ErrNotFound: %v", err)
	}
	s = &tftpServer{refuse: "2 Access\x1b violation"}
	fails(t, c, resource(s.start(t)+"/dir/f"), "TFTP: the server says: Access? violation (code 2)")

	s = &tftpServer{text: "x", options: "lie"}
	url = s.start(t)
	c.StallTimeout = 60 * time.Millisecond
	hasten(c)
	fails(t, c, resource(url+"/dir/f"), "TFTP: no answer from "+strings.TrimPrefix(url, "tftp://")+" to the request for /dir/f\nthis has been so for 3h")
}

func TestTFTPServerIsToldWhenATransferIsGivenUp(t *testing.T) {
	s := &tftpServer{text: strings.Repeat("x", 1<<20)}
	url := s.start(t)
	c, _ := newClient(t)
	if _, err := c.Bytes(t.Context(), resource(url+"/dir/f"), config.Limit{Bytes: 5000}); err == nil || !strings.Contains(err.Error(), "it is larger than") {
		t.Errorf("got %v", err)
	}
	for end := time.Now().Add(time.Minute); !strings.Contains(s.noted(), "error: the transfer was given up"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the server has got %q", s.noted())
		}
	}
}
