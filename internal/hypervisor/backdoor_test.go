package hypervisor

import (
	"strings"
	"testing"
)

func TestBackdoorElsewhereIsAnErrorNotAFault(t *testing.T) {
	r := vmwareRegisters{AX: 0x564d5868, BX: ^uint32(0x564d5868), CX: 10, DX: 0x5658}
	err := callBackdoor(&r)
	if onVMware() {
		if err != nil || r.BX != 0x564d5868 {
			t.Errorf("got %v, %x", err, r)
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), "the hypervisor does not allow this to programs") && !strings.Contains(err.Error(), "unsupported") {
		t.Errorf("got %v, %x", err, r)
	}
}
