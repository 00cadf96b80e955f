package causes

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// provoke makes a machine what each row needs. What is not here needs nothing but its
// config.
var provoke = map[string]func(*machine){
	"hash": func(m *machine) { m.serve(http.StatusOK, "other contents\n") },
	"no config": func(m *machine) {
		m.serve(http.StatusNotFound, "")
		m.arguments = m.fill("ignition.config.url=http://SERVER/machine.ign")
	},
	"403":        func(m *machine) { m.serve(http.StatusForbidden, "") },
	"404":        func(m *machine) { m.serve(http.StatusNotFound, "") },
	"500":        func(m *machine) { m.serve(http.StatusInternalServerError, "the database is down\n") },
	"dns":        noSuchName,
	"route":      func(m *machine) { m.plugIn() },
	"carrier":    noCarrier,
	"expired":    func(m *machine) { notNow(m, -2) },
	"clock":      clockIn1970,
	"authority":  func(m *machine) { notNow(m, 0) },
	"login page": loginPage,
	"cut off":    func(m *machine) { m.config, _, _ = strings.Cut(m.config, Mark); m.config += Mark },
	"partition": func(m *machine) {
		shell(m.T, "sgdisk -n 1:2048:+32M -c 1:old "+m.disk(64)+" >/dev/null; udevadm settle")
	},
	"filesystem": func(m *machine) { shell(m.T, "mkfs.ext4 -q -L old "+m.disk(64)+"; udevadm settle") },
	"file":       func(m *machine) { m.write("root/etc/motd", "welcome\n") },
	"user": func(m *machine) {
		m.write("root/etc/passwd", testkit.ReadFile(m, m.path("root/etc/passwd"))+"core:x:1000:1000::/home/core:/bin/sh\n")
	},
	"small disk": func(m *machine) { m.disk(64) },
	"busy disk":  busyDisk,
	"helper":     noHelper,
	"disk":       func(m *machine) { m.disk(64) },
	"tang":       func(m *machine) { m.disk(64); m.places["SERVER"] = closedPort(m) },
	"full":       func(m *machine) { m.mount("srv", "size=64k", 0); m.serve(http.StatusOK, strings.Repeat("x", 120_000)) },
	"read-only":  func(m *machine) { m.mount("srv", "", unix.MS_RDONLY) },
	"selinux":    badPolicy,
}

// serve answers each request by a status and a text.
func (m *machine) serve(status int, text string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, text)
	}))
	m.Cleanup(server.Close)
	m.places["SERVER"] = server.Listener.Addr().String()
}

// serveTLS serves with a certificate that is valid in a span of time, and has an authority
// sign it, which is valid now.
func (m *machine) serveTLS(from, to time.Time) {
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Example Authority"}, NotBefore: time.Now().AddDate(-1, 0, 0),
		NotAfter: time.Now().AddDate(1, 0, 0), IsCA: true, BasicConstraintsValid: true}
	server := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "files.example.com"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: from, NotAfter: to}
	keys := [2]*ecdsa.PrivateKey{}
	var chain [2][]byte
	for i, template := range []*x509.Certificate{authority, server} {
		var err error
		keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		testkit.NoError(m, err)
		chain[1-i], err = x509.CreateCertificate(rand.Reader, template, authority, keys[i].Public(), keys[0])
		testkit.NoError(m, err)
	}
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: chain[:], PrivateKey: keys[1]}}}
	srv.StartTLS()
	m.Cleanup(srv.Close)
	m.places["SERVER"] = srv.Listener.Addr().String()
	m.places["AUTHORITY"] = "data:;base64," + base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain[1]}))
}

func clockIn1970(m *machine) {
	now := time.Now()
	m.serveTLS(now.AddDate(0, -1, 0), now.AddDate(0, 1, 0))
	run(m.T, "date", "-s", "@3600")
	m.Cleanup(func() { run(m.T, "date", "-s", fmt.Sprintf("@%d", now.Unix())) })
}

// notNow serves with a certificate that is valid for a month, so many months from now.
func notNow(m *machine, months int) {
	m.serveTLS(time.Now().AddDate(0, months, 0), time.Now().AddDate(0, months+1, 0))
}

// badPolicy has an SELinux policy that setfiles does not accept. What it prints is what that of
// SELinux 3.4 prints.
func badPolicy(m *machine) {
	const at = "root/etc/selinux/targeted/contexts/files/file_contexts"
	m.write("root/etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=targeted\n")
	m.write(at, "/srv(/.*\tsystem_u:object_r:var_t:s0\n")
	m.write("bin/setfiles", fmt.Sprintf("#!/bin/sh\necho 'setfiles: %[1]s:  line 1 has invalid regex /srv(/.*:  REGEX back-end error: At offset 9: missing closing parenthesis' >&2\necho '%[1]s: Invalid argument' >&2\nexit 1\n", m.path(at)))
	testkit.NoError(m, os.Chmod(m.path("bin/setfiles"), 0o755))
	m.env = append(m.env, "PATH="+m.path("bin")+":"+os.Getenv("PATH"))
}

// noSuchName has a name server say that no name exists.
func noSuchName(m *machine) {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:53")
	testkit.NoError(m, err)
	m.Cleanup(func() { conn.Close() })
	go func() {
		query := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(query)
			if err != nil {
				return
			}
			query[2] |= 0x80                // this is a response
			query[3] = query[3]&0xf0 | 0x03 // NXDOMAIN
			conn.WriteTo(query[:n], from)
		}
	}()
	m.write("resolv.conf", "nameserver 127.0.0.1\n")
	m.bind("resolv.conf", "/etc/resolv.conf")
	m.plugIn()
	run(m.T, "ip", "route", "add", "default", "via", "198.51.100.1")
}

// bind puts a file of this machine's in the place of one of the lab.
func (m *machine) bind(name, at string) {
	m.Helper()
	if err := unix.Mount(m.path(name), at, "", unix.MS_BIND, ""); err != nil {
		m.Fatal(err)
	}
	m.Cleanup(func() { unix.Unmount(at, unix.MNT_DETACH) })
}

// noCarrier has a network card without a cable.
func noCarrier(m *machine) {
	shell(m.T, "ip link add eth7 type veth peer name plug; ip link set eth7 up")
	m.Cleanup(func() { run(m.T, "ip", "link", "delete", "eth7") })
}

// plugIn gives the machine a network card with an address and a cable.
func (m *machine) plugIn() {
	noCarrier(m)
	shell(m.T, "ip link set plug up; ip address add 198.51.100.7/24 dev eth7")
}

func loginPage(m *machine) {
	m.serve(http.StatusOK, "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in to use the network.</body></html>\n")
	m.arguments = m.fill("ignition.config.url=http://SERVER/machine.ign")
}

// disk attaches an empty disk of a size in MiB.
func (m *machine) disk(mib int64) string {
	m.Helper()
	file := m.path("disk")
	testkit.NoError(m, os.WriteFile(file, nil, 0o600))
	testkit.NoError(m, os.Truncate(file, mib<<20))
	disk := run(m.T, "losetup", "--find", "--show", "--partscan", file)
	m.Cleanup(func() { shell(m.T, "umount "+disk+"* 2>/dev/null || true; losetup --detach "+disk+"; udevadm settle") })
	m.places["DISK"] = disk
	return disk
}

func busyDisk(m *machine) {
	disk := m.disk(64)
	shell(m.T, "mkfs.ext4 -q "+disk)
	testkit.NoError(m, os.Mkdir(m.path("mnt"), 0o755))
	run(m.T, "mount", disk, m.path("mnt"))
}

// noHelper hides mkfs.xfs.
func noHelper(m *machine) {
	m.disk(512)
	testkit.NoError(m, os.Mkdir(m.path("bin"), 0o755))
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if program, err := exec.LookPath(e.Name()); err == nil && e.Name() != "mkfs.xfs" {
				os.Symlink(program, m.path("bin/"+e.Name()))
			}
		}
	}
	m.env = append(m.env, "PATH="+m.path("bin"))
}

func closedPort(m *machine) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.NoError(m, err)
	defer l.Close()
	return l.Addr().String()
}

// mount puts a tmpfs below the root.
func (m *machine) mount(at, options string, flags uintptr) {
	m.Helper()
	at = m.path("root/" + at)
	testkit.NoError(m, os.MkdirAll(at, 0o755))
	if err := unix.Mount("tmpfs", at, "tmpfs", flags, options); err != nil {
		m.Fatal(err)
	}
	m.Cleanup(func() { unix.Unmount(at, unix.MNT_DETACH) })
}

// squeeze takes the frame and all blanks from a text: where a box breaks its lines does not
// matter.
func squeeze(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "|", " ")), "")
}
