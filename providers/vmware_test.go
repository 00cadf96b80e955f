package providers

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

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

func (x *esx) call(r *system.VMwareRegisters) error {
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

func (x *esx) message(part uint32, r *system.VMwareRegisters) uint32 {
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

func (x *esx) guestInfo(t *testing.T) *guestInfo {
	t.Helper()
	x.t = t
	g, err := openGuestInfo(func() bool { return true }, x.call)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if x.opened != 0 || x.mostOpened > 1 {
			t.Errorf("%d channels stay open, %d were at once", x.opened, x.mostOpened)
		}
	})
	return g
}

// ovf is an OVF environment with these attributes of properties.
func ovf(properties ...string) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<!-- <Property oe:key="guestinfo.ignition.config.data" oe:value="comment"/> -->
<Environment xmlns="http://schemas.dmtf.org/ovf/environment/1" xmlns:oe="http://schemas.dmtf.org/ovf/environment/1" oe:id="">
  <PlatformSection><Kind>VMware ESXi</Kind></PlatformSection>
  <PropertySection>
`)
	for _, p := range properties {
		b.WriteString("    <Property " + p + "/>\n")
	}
	b.WriteString("  </PropertySection>\n</Environment>\x00 trailing <garbage")
	return b.String()
}

func TestRequestsOfAllLengths(t *testing.T) {
	for n := range 70 {
		value := strings.Repeat("0123456789", 7)[:n]
		g := (&esx{variables: map[string]string{"x": value, "x" + value: "there"}}).guestInfo(t)
		for name, want := range map[string]string{"x": value, "x" + value: "there"} {
			if n == 0 {
				want = "there"
			}
			if got, err := g.get(name); err != nil || got != want {
				t.Errorf("%d: got %q, %v, want %q", n, got, err, want)
			}
		}
		if err := g.set("y", value); err != nil {
			t.Error(err)
		}
	}
}

func TestRequestsBeginAgainWhenTheMachineMoves(t *testing.T) {
	x := &esx{variables: map[string]string{"x": "value"}, moves: map[uint32]int{1: 1, 2: 1, 3: 1, 4: 1}}
	if got, err := x.guestInfo(t).get("x"); err != nil || got != "value" {
		t.Errorf("got %q, %v", got, err)
	}
	x = &esx{moves: map[uint32]int{3: 1000}}
	_, err := x.guestInfo(t).get("x")
	says(t, err, "reading VMware's variable x", "the machine was moved at that moment")
}

func TestConfigInGuestInfo(t *testing.T) {
	const data, encoding = "guestinfo.ignition.config.data", "guestinfo.ignition.config.data.encoding"
	b64 := base64.StdEncoding.EncodeToString
	zipped := "\x1f\x8b zipped"
	property := func(key, value string) string { return fmt.Sprintf("oe:key=%q oe:value=%q", key, value) }
	long := strings.Repeat("long ", 13001)
	for name, tc := range map[string]struct {
		variables map[string]string
		want      string
	}{
		"none":                {nil, ""},
		"encoding alone":      {map[string]string{encoding: "rot13"}, ""},
		"plain":               {map[string]string{data: "config"}, "config"},
		"empty encoding":      {map[string]string{data: "config", encoding: ""}, "config"},
		"long":                {map[string]string{data: long}, long},
		"base64":              {map[string]string{data: "Y29u\nZmln", encoding: "base64"}, "config"},
		"b64":                 {map[string]string{data: "Y29uZmln", encoding: "b64"}, "config"},
		"gzip":                {map[string]string{data: zipped, encoding: "gzip"}, zipped},
		"gz":                  {map[string]string{data: zipped, encoding: "gz"}, zipped},
		"gzip+base64":         {map[string]string{data: b64([]byte(zipped)), encoding: "gzip+base64"}, zipped},
		"gz+b64":              {map[string]string{data: b64([]byte(zipped)), encoding: "gz+b64"}, zipped},
		"OVF":                 {map[string]string{vmwareOVF: ovf(property(encoding, "b64"), property(data, "Y29uZmln"))}, "config"},
		"OVF of others":       {map[string]string{vmwareOVF: ovf(property("other", "x"))}, ""},
		"OVF that is junk":    {map[string]string{vmwareOVF: "<junk"}, ""},
		"variable before OVF": {map[string]string{data: "variable", vmwareOVF: ovf(property(data, "cHJvcGVydHk="), property(encoding, "b64"))}, "variable"},
		// The encoding of one with the data of the other would be wrong.
		"encoding of OVF only":       {map[string]string{data: "Y29uZmln", vmwareOVF: ovf(property(encoding, "b64"))}, "Y29uZmln"},
		"encoding of variables only": {map[string]string{encoding: "b64", vmwareOVF: ovf(property(data, "Y29uZmln"))}, "Y29uZmln"},
	} {
		t.Run(name, func(t *testing.T) {
			gives(t, tc.want)((&esx{variables: tc.variables}).guestInfo(t).fetch())
		})
	}
}

func TestDeletedGuestInfoIsAnEmptyObject(t *testing.T) {
	for name, variables := range map[string]map[string]string{
		"by us or the reference": {vmwareData: "e30K", vmwareEncoding: "base64"},
		"half":                   {vmwareData: "e30K", vmwareEncoding: "gzip+base64"},
		"plain":                  {vmwareData: " {}\n"},
	} {
		data, err := (&esx{variables: variables}).guestInfo(t).fetch()
		if err != nil || strings.TrimSpace(string(data.Text)) != deletedConfig {
			t.Errorf("%s: got %+v, %v", name, data, err)
		}
	}
}

func TestGuestInfoThatCannotBeReadIsAnError(t *testing.T) {
	text := func(s string) *string { return &s }
	for name, tc := range map[string]struct {
		x    esx
		want []string
	}{
		"encoding":  {esx{variables: map[string]string{vmwareData: "secret", vmwareEncoding: "rot13"}}, []string{"decoding guestinfo.ignition.config.data", `the encoding "rot13" is not known`, "use one of: base64, b64, gzip, gz, gzip+base64, gz+base64, gzip+b64, gz+b64"}},
		"base64":    {esx{variables: map[string]string{vmwareData: "secret!", vmwareEncoding: "b64"}}, []string{"decoding guestinfo.ignition.config.data", "it should be base64"}},
		"not gzip":  {esx{variables: map[string]string{vmwareData: "secret", vmwareEncoding: "gzip"}}, []string{`it is not compressed by gzip, as its encoding "gzip" says`}},
		"OVF":       {esx{variables: map[string]string{vmwareOVF: `<Environment guestinfo.ignition.config.data="`}}, []string{"reading VMware's variable guestinfo.ovfenv", "not well-formed XML", "vApp options"}},
		"no reply":  {esx{reply: text("")}, []string{"the hypervisor's reply has 0 bytes and is none that is known"}},
		"odd reply": {esx{reply: text("2 secret")}, []string{"the hypervisor's reply has 8 bytes and is none that is known"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tc.x.guestInfo(t).fetch()
			says(t, err, tc.want...)
			if strings.Contains(report.Box("fetch", err), "secret") {
				t.Error("the message tells the config")
			}
		})
	}
}

func TestHypervisorThatIsNotVMware(t *testing.T) {
	call := func(*system.VMwareRegisters) error { t.Error("called"); return nil }
	_, err := openGuestInfo(func() bool { return false }, call)
	says(t, err, "calling VMware's hypervisor", "this machine does not run under VMware", "ignition.platform.id")
	for _, registers := range []system.VMwareRegisters{{AX: 1<<32 - 1, BX: 0x564d5868}, {AX: 0, BX: 0x564d5868}, {AX: 6, BX: 1}} {
		_, err = openGuestInfo(func() bool { return true }, func(r *system.VMwareRegisters) error { *r = registers; return nil })
		says(t, err, "the hypervisor does not answer as VMware's does")
	}
	_, err = openGuestInfo(func() bool { return true }, func(*system.VMwareRegisters) error { return errors.New("a fault") })
	says(t, err, "a fault")
}

func TestRefusedPartsOfARequestAreErrors(t *testing.T) {
	for part := range uint32(6) {
		x := &esx{t: t, variables: map[string]string{"x": "value"}}
		_, err := vmware(func(r *system.VMwareRegisters) error {
			if r.CX>>16 == part {
				r.CX = 0
				return nil
			}
			return x.call(r)
		}).request("info-get x")
		says(t, err, fmt.Sprintf("the hypervisor refuses part %d of a request, with status 0x0", part))
	}
	x := &esx{t: t}
	_, err := vmware(func(r *system.VMwareRegisters) error {
		part := r.CX >> 16
		err := x.call(r)
		if part == 3 {
			r.CX, r.BX = 3<<16, 1<<31
		}
		return err
	}).request("info-get x")
	says(t, err, "the hypervisor has a reply of 2147483648 bytes")
}

func TestGuestInfoIsDeleted(t *testing.T) {
	before := ovf(`oe:key="a" oe:value="&lt;1&gt;"`, `oe:value="c" oe:key="guestinfo.ignition.config.data"`, `oe:key='guestinfo.ignition.config.data.encoding'   oe:value=''`, `oe:key="z"`)
	after := strings.Replace(strings.Replace(before, `<Property oe:value="c" oe:key="guestinfo.ignition.config.data"/>`, "", 1),
		`<Property oe:key='guestinfo.ignition.config.data.encoding'   oe:value=''/>`, "", 1)
	for name, tc := range map[string]struct {
		variables, want map[string]string
		log             string
	}{
		"nothing":    {map[string]string{}, map[string]string{}, ""},
		"both":       {map[string]string{vmwareData: "c", vmwareEncoding: "", vmwareOVF: before}, map[string]string{vmwareData: "e30K", vmwareEncoding: "base64", vmwareOVF: after}, "set " + vmwareData + " set " + vmwareEncoding + " set " + vmwareOVF},
		"variables":  {map[string]string{vmwareData: "c"}, map[string]string{vmwareData: "e30K", vmwareEncoding: "base64"}, "set " + vmwareData + " set " + vmwareEncoding},
		"before":     {map[string]string{vmwareData: "e30K", vmwareEncoding: "base64"}, map[string]string{vmwareData: "e30K", vmwareEncoding: "base64"}, ""},
		"half":       {map[string]string{vmwareData: "e30K", vmwareEncoding: "gzip"}, map[string]string{vmwareData: "e30K", vmwareEncoding: "base64"}, "set " + vmwareEncoding},
		"properties": {map[string]string{vmwareOVF: before}, map[string]string{vmwareOVF: after}, "set " + vmwareOVF},
		"of others":  {map[string]string{vmwareOVF: ovf(`oe:key="a"`)}, map[string]string{vmwareOVF: ovf(`oe:key="a"`)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			x := &esx{variables: tc.variables}
			g := x.guestInfo(t)
			for range 2 {
				if err := g.delete(newEnv(t)); err != nil {
					t.Error(err)
				}
			}
			if fmt.Sprint(x.variables) != fmt.Sprint(tc.want) || strings.Join(x.log, " ") != tc.log {
				t.Errorf("got %q by %q, want %q by %q", x.variables, x.log, tc.want, tc.log)
			}
			left := ""
			if tc.want[vmwareData] != "" {
				left = deletedConfig
			}
			gives(t, left)(g.fetch())
		})
	}
}

func TestGuestInfoThatCannotBeDeletedIsAnError(t *testing.T) {
	x := &esx{variables: map[string]string{vmwareData: "secret"}, forbidden: true}
	err := x.guestInfo(t).delete(newEnv(t))
	says(t, err, "deleting the config from VMware's variable guestinfo.ignition.config.data", `the hypervisor refuses: "0 Permission denied"`, "isolation.tools.setInfo.disable")
	x = &esx{variables: map[string]string{vmwareOVF: "<a guestinfo.ignition.config.data"}}
	says(t, x.guestInfo(t).delete(newEnv(t)), "reading VMware's variable guestinfo.ovfenv", "not well-formed XML")
	x = &esx{variables: map[string]string{}}
	g := x.guestInfo(t)
	x.fault = errors.New("a fault")
	says(t, g.delete(newEnv(t)), "a fault")
}
