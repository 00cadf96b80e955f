package providers

import (
	"encoding/binary"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"unsafe"

	"github.com/firstlight-os/firstlight/internal/system/systemtest"
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
		binary.LittleEndian.PutUint32(m[64:], maxConfig+1)
		return -41
	}
	if room := v.memory(m[28:], 4); len(room) < len(value) {
		return -41
	} else {
		copy(room, value)
	}
	return 0
}

func (v *vbox) connect(t *testing.T) *guestProperties {
	t.Helper()
	p := &guestProperties{ioctl: v.ioctl}
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

func TestConfigInAGuestProperty(t *testing.T) {
	const flags = "\x00RDONLYGUEST\x00"
	long := strings.Repeat("long ", 50000)
	for name, tc := range map[string]struct {
		properties map[string]string
		want       string
	}{
		"none":            {nil, ""},
		"empty":           {map[string]string{vboxConfig: "\x00\x00"}, ""},
		"plain":           {map[string]string{vboxConfig: "config" + flags}, "config"},
		"long":            {map[string]string{vboxConfig: long + flags}, long},
		"empty encoding":  {map[string]string{vboxConfig: "config" + flags, vboxEncoding: "\x00\x00"}, "config"},
		"encoded":         {map[string]string{vboxConfig: "Y29u\nZmln" + flags, vboxEncoding: "base64" + flags}, "config"},
		"encoding, alone": {map[string]string{vboxEncoding: "unknown" + flags}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := &vbox{t: t, properties: tc.properties}
			gives(t, tc.want)(v.connect(t).fetch())
		})
	}
}

func TestGuestPropertyThatCannotBeReadIsAnError(t *testing.T) {
	for name, tc := range map[string]struct {
		properties map[string]string
		fault      map[uint32]error
		want       []string
	}{
		"encoding":  {map[string]string{vboxConfig: "c\x00\x00", vboxEncoding: "rot13\x00\x00"}, nil, []string{`the encoding "rot13" is not known`, "use one of: base64, b64, gzip"}},
		"base64":    {map[string]string{vboxConfig: "c%\x00\x00", vboxEncoding: "b64\x00\x00"}, nil, []string{"decoding the property /Ignition/Config", "it should be base64"}},
		"no end":    {map[string]string{vboxConfig: "config"}, nil, []string{"reading /Ignition/Config: the answer has no end"}},
		"too large": {map[string]string{vboxConfig: huge}, nil, []string{"reading /Ignition/Config: VirtualBox says -41"}},
		"refused":   {nil, map[uint32]error{7: status(-5)}, []string{"reading /Ignition/Config/Encoding: VirtualBox says -5"}},
		"driver":    {nil, map[uint32]error{7: syscall.EIO}, []string{"reading /Ignition/Config/Encoding: input/output error"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := &vbox{t: t, properties: tc.properties, fault: tc.fault}
			_, err := v.connect(t).fetch()
			says(t, err, tc.want...)
		})
	}
}

func TestVirtualBoxThatDoesNotConnectIsAnError(t *testing.T) {
	for number, want := range map[uint32]string{0: "agreeing on a version with the driver: VirtualBox says -12", 4: "connecting to VBoxGuestPropSvc: VirtualBox says -12"} {
		p := &guestProperties{ioctl: (&vbox{t: t, fault: map[uint32]error{number: status(-12)}}).ioctl}
		says(t, p.connect(), want)
	}
	synctest.Test(t, func(t *testing.T) {
		env := newEnv(t)
		env.Run = &systemtest.Recorder{Answers: map[string]systemtest.Answer{"modprobe": {Err: errors.New("exit status 1"), Stdout: "no module"}}}
		_, err := fetchVirtualBox(t.Context(), env)
		says(t, err, "reading the config from VirtualBox's guest properties", "/dev/vboxguest has not appeared within", "modprobe: no module", "VBoxManage guestproperty enumerate")
		says(t, deleteVirtualBox(t.Context(), env), "deleting the config from VirtualBox's guest properties", "/dev/vboxguest has not appeared")
		testkit.WriteFile(t, filepath.Join(env.Root, vboxDevice), "no device")
		_, err = fetchVirtualBox(t.Context(), env)
		says(t, err, "agreeing on a version with the driver: inappropriate ioctl for device")
	})
}

func TestGuestPropertiesAreDeleted(t *testing.T) {
	v := &vbox{t: t, properties: map[string]string{vboxConfig: "c\x00\x00", vboxEncoding: "b64\x00\x00", "/other": "x\x00\x00"}}
	p := v.connect(t)
	for range 2 { // the second time there is nothing to do
		if err := p.deleteConfig(); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(v.calls, []string{"delete /Ignition/Config/Encoding", "delete /Ignition/Config"}) || !slices.Equal(slices.Collect(maps.Keys(v.properties)), []string{"/other"}) {
		t.Errorf("calls %q left %q", v.calls, v.properties)
	}
}

func TestGuestPropertyThatCannotBeDeletedIsAnError(t *testing.T) {
	v := &vbox{t: t, readOnly: true, properties: map[string]string{vboxConfig: "c\x00\x00"}}
	says(t, v.connect(t).deleteConfig(), "deleting /Ignition/Config: operation not permitted, it is read-only for the machine")
	v.fault = map[uint32]error{7: status(-5)}
	says(t, v.connect(t).deleteConfig(), "deleting /Ignition/Config/Encoding: VirtualBox says -5")
	v.fault = map[uint32]error{7: syscall.EIO}
	says(t, v.connect(t).deleteConfig(), "deleting /Ignition/Config/Encoding: input/output error")
}
