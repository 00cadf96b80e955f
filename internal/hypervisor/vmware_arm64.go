package hypervisor

import (
	"strings"

	"github.com/firstlight-os/firstlight/internal/system"
)

// onVMware asks the firmware for the machine's maker: this processor has no
// instruction for it.
func onVMware() bool {
	maker, err := system.ReadFile("/sys/class/dmi/id/sys_vendor", system.KernelText)
	return err == nil && strings.HasPrefix(string(maker), "VMware")
}
