// Command collect runs in a machine, from early in the initramfs to the switch of the root,
// and writes each task that ends to a port of the machine, as a line of JSON.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/firstlight-os/firstlight/tests/bootcost/exits"
)

func main() {
	fmt.Fprintln(os.Stderr, "collect:", run())
	os.Exit(1)
}

// run ends with an error, or by systemd.
func run() error {
	l, err := exits.Listen()
	if err != nil {
		return err
	}
	if err := ready(); err != nil {
		return err
	}
	var port *os.File
	var waiting [][]byte
	for {
		tasks, err := l.Next()
		if err != nil {
			return err
		}
		for _, t := range tasks {
			line, err := json.Marshal(t)
			if err != nil {
				return err
			}
			waiting = append(waiting, append(line, '\n'))
		}
		if port == nil { // udev has not named it yet
			if port, err = os.OpenFile("/dev/virtio-ports/exits", os.O_WRONLY, 0); errors.Is(err, os.ErrNotExist) {
				continue
			}
		}
		if err != nil {
			return err
		}
		for _, line := range waiting {
			if _, err := port.Write(line); err != nil {
				return err
			}
		}
		waiting = nil
	}
}

// ready tells systemd that the units after this one can start (sd_notify(3)).
func ready() error {
	c, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte("READY=1"))
	return err
}
