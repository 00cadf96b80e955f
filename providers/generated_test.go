package providers

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/providers/limits"
)

var update = flag.Bool("update", false, "write what is generated from the table of platforms")

// TestGeneratedTextsAreCurrent compares the texts between two marks in other
// files with what the table makes of them.
func TestGeneratedTextsAreCurrent(t *testing.T) {
	for file, generated := range map[string]struct{ begin, text, end string }{
		"../docs/platforms.md":                 {"<!-- overview, by go generate -->\n", overview(), "<!-- end -->\n"},
		"../docs/metadata.md":                  {"<!-- instances, by go generate -->\n", instances(), "<!-- end -->\n"},
		"../dracut/30ignition/module-setup.sh": {"# platforms, by go generate\n", moduleList(), "# end\n"},
	} {
		old, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, begun := strings.Cut(string(old), generated.begin)
		_, after, ended := strings.Cut(rest, generated.end)
		if !begun || !ended {
			t.Fatalf("%s: the marks are missing", file)
		}
		text := before + generated.begin + generated.text + generated.end + after
		if text == string(old) {
			continue
		}
		if !*update {
			t.Errorf("%s is not what the table of platforms says: run go generate ./providers", file)
		} else if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// overview is a row for each platform.
func overview() string {
	var b strings.Builder
	b.WriteString("| platform | | where the config is | network | limit | no config |\n|---|---|---|---|---|---|\n")
	for _, p := range Platforms {
		name, network := p.Name, "no"
		if p.Docs != "" {
			name = fmt.Sprintf("[%s](%s)", p.Name, p.Docs)
		}
		if p.Experimental {
			name += ", experimental"
		}
		switch other, service := strings.CutSuffix(p.Location, metadataService); {
		case service && other == "":
			network = "needed"
		case service:
			network = "unless it is on the " + strings.Fields(other)[len(strings.Fields(other))-1]
			network = strings.TrimSuffix(network, ",")
		}
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s | %s | %s |\n", p.ID, p.ID, name, p.Location, network, limitText(limits.Platforms[p.ID]), p.NoConfig)
	}
	return b.String()
}

func limitText(l limits.Limit) string {
	text := fmt.Sprintf("%d bytes", l.Bytes)
	switch {
	case l.Bytes == 0:
		return ""
	case l.Bytes%(1<<20) == 0:
		text = fmt.Sprintf("%d MiB", l.Bytes>>20)
	case l.Bytes%(1<<10) == 0:
		text = fmt.Sprintf("%d KiB", l.Bytes>>10)
	}
	if l.Encoded {
		text += " base64"
	}
	return text
}

// moreAttributes are the names of attributes that no row describes, by ID.
var moreAttributes = map[string][]string{
	"azure":     {"AZURE_IPV4_DYNAMIC", "AZURE_IPV4_VIRTUAL"},
	"hetzner":   {"HETZNER_PUBLIC_IPV6"},
	"ibmcloud":  {"IBMCLOUD_INSTANCE_ID", "IBMCLOUD_LOCAL_HOSTNAME"},
	"kubevirt":  {"KUBEVIRT_INSTANCE_ID", "KUBEVIRT_HOSTNAME", "KUBEVIRT_INSTANCE_TYPE", "KUBEVIRT_IPV4", "KUBEVIRT_IPV6"},
	"packet":    {"PACKET_IPV4_PUBLIC_n", "PACKET_IPV4_PUBLIC_GATEWAY_n", "PACKET_IPV4_PRIVATE_n", "PACKET_IPV4_PRIVATE_GATEWAY_n", "PACKET_IPV6_PUBLIC_n", "PACKET_IPV6_PUBLIC_GATEWAY_n", "PACKET_IPV6_PRIVATE_n", "PACKET_IPV6_PRIVATE_GATEWAY_n"},
	"proxmoxve": {"PROXMOXVE_HOSTNAME", "PROXMOXVE_IPV4", "PROXMOXVE_IPV6"},

	"vagrant-virtualbox": {"VAGRANT_VIRTUALBOX_HOSTNAME", "VAGRANT_VIRTUALBOX_PRIVATE_IPV4"},
}

// instances is a row for each platform that knows something of its machines, and the
// names of the attributes of each.
func instances() string {
	var b, names, facts strings.Builder
	var without []string
	b.WriteString("| platform | asked | attributes | hostname | SSH keys | network | check-in | locked at |\n|---|---|---|---|---|---|---|---|\n")
	mark := func(has bool) string {
		if has {
			return "yes"
		}
		return ""
	}
	for _, p := range append(slices.Clone(Platforms), metadataOnly...) {
		i := p.Instance
		if i == nil {
			without = append(without, p.ID)
			continue
		}
		var attributes []string
		for with := i; with != nil; with = with.otherwise {
			for _, r := range with.attributes {
				name := r.name
				if strings.Contains(r.at, "*") {
					name += "_n"
				}
				if !slices.Contains(attributes, name) {
					attributes = append(attributes, name)
				}
			}
		}
		attributes = append(attributes, moreAttributes[p.ID]...)
		isID := func(other Platform) bool { return other.ID == p.ID }
		var known []string
		for _, s := range factSources {
			if s.machine == nil && i.hasFact(&s) && !slices.ContainsFunc(metadataOnly, isID) {
				known = append(known, factOf(&s, attributes))
			}
		}
		if len(known) == 0 && !slices.ContainsFunc(metadataOnly, isID) {
			without = append(without, p.ID)
		}
		if len(known) > 0 {
			fmt.Fprintf(&facts, "| `%s` | %s |\n", p.ID, strings.Join(known, ", "))
		}
		asked := "service"
		switch {
		case i.drive != nil && i.otherwise != nil && i.otherwise.drive == nil:
			asked = "drive, service"
		case i.drive != nil:
			asked = "drive"
		case i == vagrantInstance:
			asked = "nobody else"
		case i.service == nil && i.url == "" && i.find == nil:
			asked = "hypervisor"
		}
		var network []string
		for what, has := range map[string]bool{"files": i.network != nil, "kernel arguments": i.kargs != nil, "netplan": i.netplan != nil} {
			if has {
				network = append(network, what)
			}
		}
		slices.Sort(network)
		var locked []string
		addresses, _ := p.ServiceAddresses()
		for _, a := range addresses {
			locked = append(locked, a.Addr().String())
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s | %s |\n", p.ID, asked, mark(len(attributes) > 0), mark(i.hostname != "" || i.hostnameBy != nil),
			mark(i.keys != "" || i.keysBy != nil), strings.Join(network, ", "), mark(i.checkIn != nil), strings.Join(locked, ", "))
		if len(attributes) > 0 {
			fmt.Fprintf(&names, "| `%s` | `%s` |\n", p.ID, strings.Join(attributes, "`, `"))
		}
	}
	return b.String() + "\nThe names of attributes have `AFTERBURN_` in front. _n is a number from 0 on.\n\n| platform | attributes |\n|---|---|\n" + names.String() +
		"\n[Facts](extensions/facts.md) of configs are the hostname, some of these attributes, and what else a platform tells.\n\n| platform | facts |\n|---|---|\n" + facts.String() +
		"\nOf the facts of a platform these tell none: `" + strings.Join(without, "`, `") + "`. Their machines have the others, and the hostname of the kernel argument `systemd.hostname`.\n"
}

// factOf names a fact and the attributes that it is taken from.
func factOf(s *factSource, attributes []string) string {
	text := "`" + s.name + "`"
	var from []string
	for rank := range s.attributes {
		for _, name := range attributes {
			if s.rank(strings.TrimSuffix(name, "_n")) == rank {
				from = append(from, "`"+name+"`")
			}
		}
	}
	if len(from) > 0 {
		text += " (" + strings.Join(from, ", else ") + ")"
	}
	return text
}

// moduleList is an array of bash.
func moduleList() string {
	var modules []string
	for _, p := range Platforms {
		modules = append(modules, p.Modules...)
	}
	slices.Sort(modules)
	return "platform_modules=(\n    " + strings.Join(slices.Compact(modules), "\n    ") + "\n)\n"
}

func TestLimitsAreOfThePlatformsThatThereAre(t *testing.T) {
	for _, p := range Platforms {
		if _, ok := limits.Platforms[p.ID]; !ok {
			t.Errorf("%s is missing", p.ID)
		}
	}
	if got, want := len(limits.Platforms), len(Platforms); got != want {
		t.Errorf("got limits of %d platforms, want %d", got, want)
	}
}
