package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/check"
)

// large is a config of some size.
func large(n int) string {
	var b strings.Builder
	b.WriteString("variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n")
	for i := range n {
		fmt.Fprintf(&b, "    - path: /etc/app/conf.d/%d\n      contents:\n        inline: |\n          # part %d of %d\n          Setting%d = %x\n", i, i, n, i*7, i*i*i*12345)
	}
	return b.String()
}

func TestMachinesDecodePackedConfigs(t *testing.T) {
	for _, text := range []string{`{ "ignition": {"version": "3.4.0"} }` + "\n", large(100)} {
		var plain bytes.Buffer
		if status := run([]string{"pack", "--format=json", "-"}, strings.NewReader(text), &plain, new(bytes.Buffer)); status != exitOK {
			t.Fatal("json: status", status)
		}
		for _, format := range slices.Sorted(maps.Keys(check.PackFormats)) {
			var out, errs bytes.Buffer
			if status := run([]string{"pack", "--format", format, "-"}, strings.NewReader(text), &out, &errs); status != exitOK {
				t.Fatalf("%s: status %d\n%s", format, status, &errs)
			}
			got, encodings, err := config.Unpack(out.Bytes(), "")
			if err != nil || !bytes.Equal(got, plain.Bytes()) || format != "json" && len(encodings) != len(strings.Split(format, "+")) {
				t.Errorf("%s: decoded %d bytes of %d, %v, %v", format, len(got), plain.Len(), encodings, err)
			}
		}
	}
}

func TestPack(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		stdin  string
		status int
		says   []string
	}{
		"a small config":   {nil, large(10), exitOK, []string{"packed as gzip+base64: ", "fits:         aliyun, aws,"}},
		"a large one":      {[]string{"--format=base64"}, large(500), exitOK, []string{"packed as base64: ", "too large for: ", "aws (16384 bytes)"}},
		"for a platform":   {[]string{"--format=base64", "--platform=aws"}, large(500), exitError, []string{"it does not fit aws, which takes 16384 bytes", "ignition.config.replace"}},
		"that it fits":     {[]string{"--platform=aws"}, large(500), exitOK, []string{"fits: "}},
		"unknown platform": {[]string{"--platform=x"}, large(1), exitError, []string{`the platform "x" is not known`}},
		"unknown format":   {[]string{"--format=zip"}, large(1), exitError, []string{"--format=zip: the formats are base64, gzip, gzip+base64, json"}},
		"a broken config":  {nil, "variant: fcos\nversion: 1.6.0\nstorag: {}\nsystemd: {units: [{name: x}]}\n", exitRefused, []string{"systemd.units"}},
		"for OpenShift": {nil, "variant: openshift\nversion: 4.14.0\nmetadata: {name: x, labels: {machineconfiguration.openshift.io/role: worker}}\n",
			exitError, []string{"is for OpenShift"}},
		"no file": {[]string{"/none"}, "", exitError, []string{"reading the config: open /none"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			args := append([]string{"pack"}, c.args...)
			if name != "no file" {
				args = append(args, "-")
			}
			if status := run(args, strings.NewReader(c.stdin), &out, &errs); status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			for _, want := range c.says {
				if !strings.Contains(errs.String(), want) {
					t.Errorf("%q is not in\n%s", want, &errs)
				}
			}
			if (out.Len() > 0) != (c.status == exitOK) {
				t.Errorf("it has written %d bytes", out.Len())
			}
		})
	}
}
