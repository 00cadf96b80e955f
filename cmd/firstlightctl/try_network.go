//go:build linux && !portable

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/firstlight-os/firstlight/internal/emulator"
	"github.com/firstlight-os/firstlight/internal/qemu"
)

// defaultNetwork is QEMU's own: its first three bytes, of which the servers have others.
const defaultNetwork = "10.0.2"

// A tryNetwork is the network of a machine, with servers that only the machine reaches.
type tryNetwork struct {
	dir     string // for sockets
	options string // of QEMU
	servers []*http.Server
}

func (n *tryNetwork) close() {
	for _, s := range n.servers {
		s.Close()
	}
}

// network starts the servers: of --serve, and of a platform's metadata service at its real
// address, for which the machine gets an address in the same network.
func (o tryOptions) network(dir string, config []byte) (*tryNetwork, error) {
	n := &tryNetwork{dir: dir}
	base := defaultNetwork
	if service, ok := emulator.Find(o.platform); ok {
		host := service.Hosts[0] // IPv4
		bytes := strings.Split(host, ".")
		base = bytes[0] + "." + bytes[1] + ".2"
		n.options = fmt.Sprintf("net=%s.%s.0.0/16", bytes[0], bytes[1])
		if err := n.serve(host, service.Handler(string(config))); err != nil {
			return n, err
		}
	}
	if o.serve != "" {
		return n, n.serve(base+".100", http.FileServer(http.Dir(o.serve)))
	}
	return n, nil
}

// serve has a server at port 80 of an address. It listens on a socket in the directory of
// the machine, which is nobody else's, and QEMU connects to it by this program.
func (n *tryNetwork) serve(address string, h http.Handler) error {
	socket := filepath.Join(n.dir, fmt.Sprintf("server%d", len(n.servers)))
	listener, err := net.Listen("unix", socket)
	if errors.Is(err, syscall.EINVAL) {
		err = fmt.Errorf("%s is too long for a socket; set TMPDIR to a shorter directory", socket)
	}
	if err != nil {
		return fmt.Errorf("serving at http://%s/: %w", address, err)
	}
	server := &http.Server{Handler: h}
	n.servers = append(n.servers, server)
	go server.Serve(listener)
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("serving at http://%s/: %w", address, err)
	}
	for _, path := range []string{self, socket} {
		if strings.ContainsAny(path, " '\"\\") {
			return fmt.Errorf("serving at http://%s/: QEMU cannot use %q, which has a blank or a quotation mark", address, path)
		}
	}
	if n.options != "" {
		n.options += ","
	}
	n.options += qemu.Forward(address, 80, self, "try", "--"+connectFlag, socket)
	return nil
}

// connectFlag has this program be what QEMU starts for a connection of the machine.
const connectFlag = "connect"

// connect joins standard input and output with a socket. It ends when the server closes the connection.
func connect(socket string, stdin io.Reader, stdout io.Writer) error {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	defer c.Close()
	go func() {
		_, _ = io.Copy(c, stdin)
		_ = c.(*net.UnixConn).CloseWrite()
	}()
	_, err = io.Copy(stdout, c)
	return err
}
