package providers

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
)

// An esx is a hypervisor that holds variables.
type esx struct {
	variables map[string]string
	forbidden bool // setting variables is
	fault     error
	log       []string
}

func (x *esx) Get(name string) (string, error) { return x.variables[name], x.fault }

func (x *esx) Set(name, value string) error {
	if x.forbidden {
		return errors.New("the hypervisor refuses")
	}
	x.log = append(x.log, "set "+name)
	x.variables[name] = value
	return x.fault
}

// The names that there are without settings of a distribution.
const (
	vmwareData   = "guestinfo.ignition.config.data"
	dataEncoding = vmwareData + vmwareEncoding
)

func (x *esx) guestInfo() *guestInfo { return &guestInfo{x, []string{vmwareData}} }

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

func TestConfigInGuestInfo(t *testing.T) {
	const data, encoding = vmwareData, dataEncoding
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
			gives(t, tc.want)((&esx{variables: tc.variables}).guestInfo().fetch(t.Context(), newEnv(t)))
		})
	}
}

func TestDeletedGuestInfoIsAnEmptyObject(t *testing.T) {
	for name, variables := range map[string]map[string]string{
		"by us or the reference": {vmwareData: "e30K", dataEncoding: "base64"},
		"half":                   {vmwareData: "e30K", dataEncoding: "gzip+base64"},
		"plain":                  {vmwareData: " {}\n"},
	} {
		data, err := (&esx{variables: variables}).guestInfo().fetch(t.Context(), newEnv(t))
		if err != nil || strings.TrimSpace(string(data.Text)) != deletedConfig {
			t.Errorf("%s: got %+v, %v", name, data, err)
		}
	}
}

func TestGuestInfoThatCannotBeReadIsAnError(t *testing.T) {
	for name, tc := range map[string]struct {
		x    esx
		want []string
	}{
		"encoding": {esx{variables: map[string]string{vmwareData: "secret", dataEncoding: "rot13"}}, []string{"decoding guestinfo.ignition.config.data", `the encoding "rot13" is not known`, "use one of: base64, b64, gzip, gz, gzip+base64, gz+base64, gzip+b64, gz+b64"}},
		"base64":   {esx{variables: map[string]string{vmwareData: "secret!", dataEncoding: "b64"}}, []string{"decoding guestinfo.ignition.config.data", "it should be base64"}},
		"not gzip": {esx{variables: map[string]string{vmwareData: "secret", dataEncoding: "gzip"}}, []string{`it is not compressed by gzip, as its encoding "gzip" says`}},
		"OVF":      {esx{variables: map[string]string{vmwareOVF: `<Environment guestinfo.ignition.config.data="`}}, []string{"reading VMware's variable guestinfo.ovfenv", "not well-formed XML", "vApp options"}},
		"fault":    {esx{fault: errors.New("a fault")}, []string{"reading VMware's variable guestinfo.ignition.config.data", "a fault", "ignition.platform.id"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tc.x.guestInfo().fetch(t.Context(), newEnv(t))
			says(t, err, tc.want...)
			if strings.Contains(report.Box("fetch", err), "secret") {
				t.Error("the message tells the config")
			}
		})
	}
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
		"both":       {map[string]string{vmwareData: "c", dataEncoding: "", vmwareOVF: before}, map[string]string{vmwareData: "e30K", dataEncoding: "base64", vmwareOVF: after}, "set " + vmwareData + " set " + dataEncoding + " set " + vmwareOVF},
		"variables":  {map[string]string{vmwareData: "c"}, map[string]string{vmwareData: "e30K", dataEncoding: "base64"}, "set " + vmwareData + " set " + dataEncoding},
		"before":     {map[string]string{vmwareData: "e30K", dataEncoding: "base64"}, map[string]string{vmwareData: "e30K", dataEncoding: "base64"}, ""},
		"half":       {map[string]string{vmwareData: "e30K", dataEncoding: "gzip"}, map[string]string{vmwareData: "e30K", dataEncoding: "base64"}, "set " + dataEncoding},
		"properties": {map[string]string{vmwareOVF: before}, map[string]string{vmwareOVF: after}, "set " + vmwareOVF},
		"of others":  {map[string]string{vmwareOVF: ovf(`oe:key="a"`)}, map[string]string{vmwareOVF: ovf(`oe:key="a"`)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			x := &esx{variables: tc.variables}
			g := x.guestInfo()
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
			gives(t, left)(g.fetch(t.Context(), newEnv(t)))
		})
	}
}

func TestGuestInfoThatCannotBeDeletedIsAnError(t *testing.T) {
	x := &esx{variables: map[string]string{vmwareData: "secret"}, forbidden: true}
	err := x.guestInfo().delete(newEnv(t))
	says(t, err, "deleting the config from VMware's variable guestinfo.ignition.config.data", "the hypervisor refuses", "isolation.tools.setInfo.disable")
	x = &esx{variables: map[string]string{vmwareOVF: "<a guestinfo.ignition.config.data"}}
	says(t, x.guestInfo().delete(newEnv(t)), "reading VMware's variable guestinfo.ovfenv", "not well-formed XML")
	x = &esx{variables: map[string]string{}}
	g := x.guestInfo()
	x.fault = errors.New("a fault")
	says(t, g.delete(newEnv(t)), "a fault")
}
