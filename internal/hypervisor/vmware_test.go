package hypervisor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// says checks that an error says all of this.
func says(t *testing.T, err error, want ...string) {
	t.Helper()
	testkit.ErrorContains(t, "the error", err, want...)
}

// An esx is a hypervisor that holds variables and answers calls in registers. It
// judges them by numbers of its own.
type esx struct {
	t         *testing.T
	variables map[string]string
	forbidden bool // setting variables is
	// moves is how many calls are from a move of the machine, at each part of a
	// request.
	moves map[uint32]int
	// replies take the place of its own.
	reply *string

	open       bool
	size       int
	in, out    []byte
	log        []string
	fault      error
	opened     int
	mostOpened int
}

func (x *esx) call(r *vmwareRegisters) error {
	if x.fault != nil {
		return x.fault
	}
	command, part, port, channel := r.CX&0xffff, r.CX>>16, r.DX&0xffff, r.DX>>16
	if r.AX != 0x564d5868 || port != 0x5658 {
		x.t.Fatalf("called with %x", *r)
	}
	switch command {
	case 10:
		r.AX, r.BX, r.CX = 6, 0x564d5868, 4
		return nil
	case 0x1e:
	default:
		x.t.Fatalf("command %d", command)
	}
	if part != 0 && (channel != 7 || r.SI != 0x11 || r.DI != 0x22 || !x.open) {
		x.t.Errorf("part %d is said to no open channel: %x", part, *r)
	}
	if x.moves[part] > 0 {
		x.moves[part]--
		r.CX = 0x10 << 16
		return nil
	}
	r.CX = x.message(part, r) << 16
	return nil
}

func (x *esx) message(part uint32, r *vmwareRegisters) uint32 {
	const ok, reply = 1, 2
	switch part {
	case 0:
		if r.BX != 0xc9435052 {
			x.t.Errorf("the protocol is %#x", r.BX)
		}
		x.open, x.in, x.out = true, nil, nil
		r.DX, r.SI, r.DI = 7<<16, 0x11, 0x22
		if x.opened++; x.opened > x.mostOpened {
			x.mostOpened = x.opened
		}
	case 1:
		x.size, x.in = int(r.BX), nil
	case 2:
		x.hear(binary.LittleEndian.AppendUint32(nil, r.BX))
	case 3:
		r.BX, r.DX = uint32(len(x.out)), 1<<16
		if x.out != nil {
			return ok | reply
		}
	case 4:
		var four [4]byte
		copy(four[:], x.out)
		x.out = x.out[min(4, len(x.out)):]
		r.BX = binary.LittleEndian.Uint32(four[:])
	case 5:
		if len(x.out) > 0 {
			x.t.Errorf("%d bytes of the reply were not taken", len(x.out))
		}
	case 6:
		x.open = false
		x.opened--
	default:
		return 0
	}
	return ok
}

// hear takes four bytes of a request, and answers when it is whole.
func (x *esx) hear(four []byte) {
	x.in = append(x.in, four...)
	if len(x.in) < x.size {
		return
	}
	for _, b := range x.in[x.size:] {
		if b != 0 {
			x.t.Errorf("the request ends with % x", x.in[x.size:])
		}
	}
	x.out = []byte(x.answer(string(x.in[:x.size])))
}

func (x *esx) answer(request string) string {
	if x.reply != nil {
		return *x.reply
	}
	if name, ok := strings.CutPrefix(request, "info-get "); ok {
		if value, ok := x.variables[name]; ok {
			return "1 " + value
		}
		return "0 No value found"
	}
	words := strings.SplitN(request, " ", 3)
	if words[0] != "info-set" || len(words) != 3 {
		return "0 Unknown command"
	}
	if x.forbidden {
		return "0 Permission denied"
	}
	x.log = append(x.log, "set "+words[1])
	x.variables[words[1]] = words[2]
	return "1 "
}

func (x *esx) connect(t *testing.T) VMware {
	t.Helper()
	x.t = t
	v, err := openVMware(func() bool { return true }, x.call)
	testkit.NoError(t, err)
	t.Cleanup(func() {
		if x.opened != 0 || x.mostOpened > 1 {
			t.Errorf("%d channels stay open, %d were at once", x.opened, x.mostOpened)
		}
	})
	return v
}

func TestRequestsOfAllLengths(t *testing.T) {
	for n := range 70 {
		value := strings.Repeat("0123456789", 7)[:n]
		g := (&esx{variables: map[string]string{"x": value, "x" + value: "there"}}).connect(t)
		for name, want := range map[string]string{"x": value, "x" + value: "there"} {
			if n == 0 {
				want = "there"
			}
			if got, err := g.Get(name); err != nil || got != want {
				t.Errorf("%d: got %q, %v, want %q", n, got, err, want)
			}
		}
		if err := g.Set("y", value); err != nil {
			t.Error(err)
		}
	}
}

func TestRequestsBeginAgainWhenTheMachineMoves(t *testing.T) {
	x := &esx{variables: map[string]string{"x": "value"}, moves: map[uint32]int{1: 1, 2: 1, 3: 1, 4: 1}}
	if got, err := x.connect(t).Get("x"); err != nil || got != "value" {
		t.Errorf("got %q, %v", got, err)
	}
	x = &esx{moves: map[uint32]int{3: 1000}}
	_, err := x.connect(t).Get("x")
	says(t, err, "the machine was moved at that moment")
}

func TestHypervisorThatIsNotVMware(t *testing.T) {
	call := func(*vmwareRegisters) error { t.Error("called"); return nil }
	_, err := openVMware(func() bool { return false }, call)
	says(t, err, "this machine does not run under VMware")
	for _, registers := range []vmwareRegisters{{AX: 1<<32 - 1, BX: 0x564d5868}, {AX: 0, BX: 0x564d5868}, {AX: 6, BX: 1}} {
		_, err = openVMware(func() bool { return true }, func(r *vmwareRegisters) error { *r = registers; return nil })
		says(t, err, "the hypervisor does not answer as VMware's does")
	}
	_, err = openVMware(func() bool { return true }, func(*vmwareRegisters) error { return errors.New("a fault") })
	says(t, err, "a fault")
}

func TestRefusedPartsOfARequestAreErrors(t *testing.T) {
	for part := range uint32(6) {
		x := &esx{t: t, variables: map[string]string{"x": "value"}}
		_, err := VMware(func(r *vmwareRegisters) error {
			if r.CX>>16 == part {
				r.CX = 0
				return nil
			}
			return x.call(r)
		}).request("info-get x")
		says(t, err, fmt.Sprintf("the hypervisor refuses part %d of a request, with status 0x0", part))
	}
	x := &esx{t: t}
	_, err := VMware(func(r *vmwareRegisters) error {
		part := r.CX >> 16
		err := x.call(r)
		if part == 3 {
			r.CX, r.BX = 3<<16, 1<<31
		}
		return err
	}).request("info-get x")
	says(t, err, "the hypervisor has a reply of 2147483648 bytes")
}

func TestRepliesThatAreNotKnownAreErrors(t *testing.T) {
	for reply, want := range map[string]string{"": "the hypervisor's reply has 0 bytes and is none that is known", "2 secret": "the hypervisor's reply has 8 bytes and is none that is known"} {
		_, err := (&esx{reply: &reply}).connect(t).Get("x")
		says(t, err, want)
	}
	x := &esx{variables: map[string]string{"x": ""}, forbidden: true}
	says(t, x.connect(t).Set("x", "y"), `the hypervisor refuses: "0 Permission denied"`)
	v := x.connect(t)
	x.fault = errors.New("a fault")
	_, err := v.Get("x")
	says(t, err, "a fault")
}
