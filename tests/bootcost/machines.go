package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
)

// A scenario is a machine that is booted with each agent.
type scenario struct {
	name, title string
	// config of a spec version that the reference knows, for a server of some URL.
	config func(server string) (string, error)
	disk   int64 // MiB of a second disk
	server bool
	twice  bool
	// What the goals are made of: the programs that the config asks for, and the writes
	// that have to be on the disk.
	programs, flushes, requests int
	share                       float64 // of the reference's seconds; 0 for no goal
}

var scenarios = []scenario{
	{name: "demo", title: "The demo: a partition table, ext4, btrfs, a user, files, units", config: demoConfig, disk: 1024, twice: true,
		programs: 3, flushes: 5, share: 0.5},
	{name: "files", title: "Files only: 20 files, 5 links, 5 units", config: filesConfig, twice: true, flushes: 2, share: 0.25},
	{name: "server", title: "A config server: a merged config, and 20 files from there", config: serverConfig, server: true, flushes: 2, requests: 21},
}

// demoConfig is that of "make demo", in the newest version of the spec that the reference
// of 2022 knows. Its filesystems do not write at times of their own: a busy machine has
// more of these.
func demoConfig(string) (string, error) {
	text, err := os.ReadFile("examples/first-light/config.ign")
	if err != nil {
		return "", err
	}
	config := string(text)
	for _, change := range [][2]string{
		{`"version": "3.4.0"`, `"version": "3.3.0"`},
		{`"format": "ext4",`, `"format": "ext4", "mountOptions": ["noinit_itable", "commit=600"],`},
		{`"format": "btrfs",`, `"format": "btrfs", "mountOptions": ["commit=600"],`},
	} {
		if strings.Count(config, change[0]) != 1 {
			return "", fmt.Errorf("the config of the demo is not as it was: %s is there %d times, not once", change[0], strings.Count(config, change[0]))
		}
		config = strings.Replace(config, change[0], change[1], 1)
	}
	return config, nil
}

const unit = `[Service]\nType=oneshot\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n`

func filesConfig(string) (string, error) {
	return document("", items(20, `{"path": "/etc/bootcost/f%d", "contents": {"source": "data:,hello"}}`), items(5, `{"path": "/etc/bootcost/l%d", "target": "/etc/hosts"}`),
		items(5, `{"name": "bootcost%d.service", "enabled": true, "contents": "`+unit+`"}`)), nil
}

// mergedPath is where the server has another config.
const mergedPath = "/merged.ign"

func serverConfig(server string) (string, error) {
	return document(fmt.Sprintf(`, "config": {"merge": [{"source": "%s%s"}]}`, server, mergedPath), "", "", ""), nil
}

func mergedConfig(server string) string {
	return document("", items(20, `{"path": "/etc/bootcost/f%d", "contents": {"source": "`+server+`/f%[1]d"}}`), "", "")
}

func document(ignition, files, links, units string) string {
	return fmt.Sprintf(`{"ignition": {"version": "3.3.0"%s}, "storage": {"files": [%s], "links": [%s]}, "systemd": {"units": [%s]}}`, ignition, files, links, units)
}

// items are objects with a number in them.
func items(n int, form string) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(form, i))
	}
	return strings.Join(all, ", ")
}

// fromMachine is where a machine finds the server.
const fromMachine = "http://10.0.2.2:%d"

// A server has configs and files, and counts.
type server struct {
	http.Server
	url              string
	requests, opened atomic.Int64
}

// serve starts a server on this machine.
func serve() (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{url: fmt.Sprintf(fromMachine, listener.Addr().(*net.TCPAddr).Port)}
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		if r.URL.Path == mergedPath {
			fmt.Fprint(w, mergedConfig(s.url))
			return
		}
		fmt.Fprintln(w, "contents of", r.URL.Path)
	})
	s.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.opened.Add(1)
		}
	}
	go s.Serve(listener) // ends when the server is closed
	return s, nil
}

// run boots the machine of a scenario with some images: once, or twice.
func (s scenario) run(ctx context.Context, m machine, dir string) (first, second costs, err error) {
	url := ""
	var at *server
	if s.server {
		if at, err = serve(); err != nil {
			return first, second, err
		}
		defer at.Close()
		url, m.network = at.url, true
	}
	if m.config, err = s.config(url); err != nil {
		return first, second, err
	}
	m.disk = s.disk
	one, two, err := m.boots(ctx, dir, s.twice)
	if err != nil {
		return first, second, err
	}
	if at != nil {
		one.requests, one.opened = int(at.requests.Load()), int(at.opened.Load())
	}
	if first, err = costsOf(one); err != nil || !s.twice {
		return first, second, err
	}
	second, err = costsOf(two)
	return first, second, err
}
