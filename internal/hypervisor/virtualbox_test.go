package hypervisor

import (
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A vbox is the driver and the service behind it, as strict as the real ones. It
// judges messages by the C structures, not by our constants.
type vbox struct {
	t          *testing.T
	properties map[string]string
	readOnly   bool
	// fault fails the ioctl of a number: with an errno, or with a status.
	fault map[uint32]error
	calls []string
}

// huge is a property that is larger than any config.
const huge = "huge"

type status int32

func (status) Error() string { return "status" }

func (v *vbox) u32(m []byte, at int) uint32 { return binary.LittleEndian.Uint32(m[at:]) }

func (v *vbox) ioctl(request uint32, m []byte) error {
	number := request & 0xff
	want := map[uint32]uint32{0: 3<<30 | 44<<16 | 'V'<<8, 4: 3<<30 | 156<<16 | 'V'<<8 | 4, 5: 3<<30 | 28<<16 | 'V'<<8 | 5, 7: 3<<30 | uint32(len(m))<<16 | 'V'<<8 | 7}[number]
	size := request >> 16 & 0x3fff
	if request != want || int(size) != len(m) || v.u32(m, 0) != size || v.u32(m, 4) != 0x10001 || v.u32(m, 8) != 0 || v.u32(m, 12) != 0 || v.u32(m, 16) != size || v.u32(m, 20) != 0 {
		v.t.Errorf("the request %#x with %d bytes has the header % x", request, len(m), m[:24])
		return syscall.EINVAL
	}
	var failed status
	if err := v.fault[number]; errors.As(err, &failed) {
		binary.LittleEndian.PutUint32(m[12:], uint32(failed))
		return nil
	} else if err != nil {
		return err
	}
	switch number {
	case 0:
		if v.u32(m, 24) != 0x10000 || v.u32(m, 28) != 0x10000 {
			v.t.Errorf("the version is % x", m[24:])
		}
	case 4:
		if v.u32(m, 24) != 2 || string(m[28:45]) != "VBoxGuestPropSvc\x00" {
			v.t.Errorf("connecting to % x", m[24:])
		}
		binary.LittleEndian.PutUint32(m[24:], 99)
	case 5, 7:
		if v.u32(m, 24) != 99 {
			v.t.Errorf("the client is %d", v.u32(m, 24))
		}
	}
	if number == 7 {
		binary.LittleEndian.PutUint32(m[12:], uint32(v.call(m[28:])))
	}
	return nil
}

// memory is what a parameter points to.
func (v *vbox) memory(parameter []byte, kind uint32) []byte {
	if v.u32(parameter, 0) != kind {
		v.t.Fatalf("a parameter is % x, want kind %d", parameter, kind)
	}
	address := uintptr(binary.LittleEndian.Uint64(parameter[8:]))
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&address)), v.u32(parameter, 4))
}

// call gets what follows the client: the function, the time, the number of
// parameters and these.
func (v *vbox) call(m []byte) int32 {
	name, ended := strings.CutSuffix(string(v.memory(m[12:], 5)), "\x00")
	function, count := v.u32(m, 0), binary.LittleEndian.Uint16(m[10:])
	if wait := v.u32(m, 4); !ended || wait == 0 || wait > 60_000 || m[8] != 0 || m[9] != 0 || int(count) != (len(m)-12)/16 {
		v.t.Errorf("a call is % x", m)
	}
	value, there := v.properties[name]
	switch {
	case !there:
		return -78
	case function == 4 && v.readOnly:
		return -10
	case function == 4 && count == 1:
		v.calls = append(v.calls, "delete "+name)
		delete(v.properties, name)
		return 0
	case function != 1 || count != 4 || v.u32(m, 44) != 2 || v.u32(m, 60) != 1:
		v.t.Errorf("a call is % x", m)
		return -1
	}
	binary.LittleEndian.PutUint32(m[64:], uint32(len(value)))
	if value == huge {
		binary.LittleEndian.PutUint32(m[64:], maxValue+1)
		return -41
	}
	if room := v.memory(m[28:], 4); len(room) < len(value) {
		return -41
	} else {
		copy(room, value)
	}
	return 0
}

func (v *vbox) connect(t *testing.T) *GuestProperties {
	t.Helper()
	p := &GuestProperties{ioctl: v.ioctl}
	if err := p.connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.disconnect(); err != nil {
			t.Error(err)
		}
	})
	return p
}

const flags = "\x00RDONLYGUEST\x00"

func TestGuestPropertiesAreRead(t *testing.T) {
	long := strings.Repeat("long ", 50000)
	p := (&vbox{t: t, properties: map[string]string{"empty": "\x00\x00", "/p": "value" + flags, "long": long + flags}}).connect(t)
	for name, want := range map[string]string{"none": "", "empty": "", "/p": "value", "long": long} {
		if got, err := p.Get(name); err != nil || got != want {
			t.Errorf("%s: got %.200q, %v, want %.200q", name, got, err, want)
		}
	}
}

func TestGuestPropertyThatCannotBeReadIsAnError(t *testing.T) {
	for name, tc := range map[string]struct {
		properties map[string]string
		fault      map[uint32]error
		want       string
	}{
		"no end":    {map[string]string{"/p": "value"}, nil, "reading /p: the answer has no end"},
		"too large": {map[string]string{"/p": huge}, nil, "reading /p: VirtualBox says -41"},
		"refused":   {nil, map[uint32]error{7: status(-5)}, "reading /p: VirtualBox says -5"},
		"driver":    {nil, map[uint32]error{7: syscall.EIO}, "reading /p: input/output error"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := (&vbox{t: t, properties: tc.properties, fault: tc.fault}).connect(t).Get("/p")
			says(t, err, tc.want)
		})
	}
}

func TestVirtualBoxThatDoesNotConnectIsAnError(t *testing.T) {
	for number, want := range map[uint32]string{0: "agreeing on a version with the driver: VirtualBox says -12", 4: "connecting to VBoxGuestPropSvc: VirtualBox says -12"} {
		p := &GuestProperties{ioctl: (&vbox{t: t, fault: map[uint32]error{number: status(-12)}}).ioctl}
		says(t, p.connect(), want)
	}
	device := filepath.Join(t.TempDir(), "vboxguest")
	_, err := OpenGuestProperties(device)
	says(t, err, "no such file")
	testkit.NoError(t, os.WriteFile(device, nil, 0o600))
	_, err = OpenGuestProperties(device)
	says(t, err, "agreeing on a version with the driver: inappropriate ioctl for device")
}

func TestGuestPropertiesAreDeleted(t *testing.T) {
	v := &vbox{t: t, properties: map[string]string{"/p": "c\x00\x00", "/other": "x\x00\x00"}}
	p := v.connect(t)
	for range 2 { // the second time there is nothing to do
		testkit.NoError(t, p.Delete("/p"))
	}
	if !slices.Equal(v.calls, []string{"delete /p"}) || !slices.Equal(slices.Collect(maps.Keys(v.properties)), []string{"/other"}) {
		t.Errorf("calls %q left %q", v.calls, v.properties)
	}
	v.readOnly = true
	says(t, p.Delete("/other"), "deleting /other: operation not permitted, it is read-only for the machine")
	v.fault = map[uint32]error{7: status(-5)}
	says(t, p.Delete("/other"), "deleting /other: VirtualBox says -5")
	v.fault = map[uint32]error{7: syscall.EIO}
	says(t, p.Delete("/other"), "deleting /other: input/output error")
}
