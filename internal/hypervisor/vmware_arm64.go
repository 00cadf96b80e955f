package hypervisor

import (
	"os"
	"strings"
)

// onVMware asks the firmware for the machine's maker: this processor has no
// instruction for it.
func onVMware() bool {
	maker, err := os.ReadFile("/sys/class/dmi/id/sys_vendor")
	return err == nil && strings.HasPrefix(string(maker), "VMware")
}
