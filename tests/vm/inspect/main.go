// Command inspect runs inside a test machine and writes what it sees to the
// virtio serial port of the test.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/firstlight-os/firstlight/tests/vm/vmreport"
)

func main() {
	initramfs := flag.Bool("initramfs", false, "the boot has ended in the initramfs")
	flag.Parse()
	if err := send(vmreport.Collect(*initramfs)); err != nil {
		fmt.Fprintln(os.Stderr, "inspect:", err)
		os.Exit(1)
	}
}

// send writes to the port, which udev names; without udev it is the only one.
func send(m *vmreport.Machine) error {
	ports, _ := filepath.Glob("/dev/vport*p1")
	ports = append([]string{"/dev/virtio-ports/report"}, ports...)
	var err error
	for _, port := range ports {
		var f *os.File
		if f, err = os.OpenFile(port, os.O_WRONLY, 0); err != nil {
			continue
		}
		if err = json.NewEncoder(f).Encode(m); err != nil {
			return err
		}
		return f.Close()
	}
	return err
}
