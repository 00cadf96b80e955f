package providers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/network"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

const publicKey = "ssh-ed25519 AAAA me"

// A said is what an Asker says of a machine, in one text.
func said(a *Asker) string {
	var b strings.Builder
	attributes, err := a.Attributes()
	for _, at := range attributes {
		fmt.Fprintf(&b, "%s=%s\n", at.Name, at.Value)
	}
	if err != nil {
		fmt.Fprintf(&b, "attributes: %v\n", err)
	}
	hostname, err := a.Hostname()
	fmt.Fprintf(&b, "hostname %s %v\n", hostname, err)
	keys, known, err := a.Keys()
	fmt.Fprintf(&b, "keys %q %v %v\n", keys.Lines, known, err)
	return b.String()
}

// vendorData has keys for root only in its last part for cloud-init.
const vendorData = "Content-Type: multipart/mixed; boundary=\"==B==\"\r\nMIME-Version: 1.0\r\n\r\n" +
	"--==B==\r\nContent-Type: text/cloud-config\r\n\r\nssh_authorized_keys: [old]\r\n" +
	"--==B==\r\nContent-Type: text/x-shellscript\r\n\r\n#!/bin/sh\r\n# ssh_authorized_keys: [no]\r\n" +
	"--==B==\r\nContent-Type: text/cloud-config\r\nMIME-Version: 1.0\r\n\r\nssh_authorized_keys:\r\n  - " + publicKey + "\r\n--==B==--\r\n"

func TestDrivesWithMetadata(t *testing.T) {
	const data = "openstack/latest/meta_data.json"
	for name, tc := range map[string]struct {
		id, label string
		files     map[string]string
		want      string
	}{
		"ibmcloud": {"ibmcloud", "cidata", map[string]string{"meta-data": "instance-id: i:1\r\n# no key\n\nlocal-hostname: \"q\"\n", "vendor-data": vendorData},
			"IBMCLOUD_INSTANCE_ID=i:1\nIBMCLOUD_LOCAL_HOSTNAME=\"q\"\nhostname \"q\" <nil>\nkeys [\"" + publicKey + "\"] true <nil>\n"},
		"ibmcloud without keys": {"ibmcloud", "cidata", map[string]string{"meta-data": "instance-id: i", "vendor-data": ""},
			"IBMCLOUD_INSTANCE_ID=i\nhostname  <nil>\nkeys [] true <nil>\n"},
		"ibmcloud without a file": {"ibmcloud", "cidata", map[string]string{"meta-data": "instance-id: i"},
			"IBMCLOUD_INSTANCE_ID=i\nhostname  <nil>\nkeys [] true the drive has no file vendor-data\n"},
		"ibmcloud-classic": {"ibmcloud-classic", "config-2", map[string]string{data: `{"hostname": "h", "name": "n", "uuid": "u", "public_keys": {"a": "k"}}`},
			"IBMCLOUD_CLASSIC_INSTANCE_ID=u\nIBMCLOUD_CLASSIC_LOCAL_HOSTNAME=n\nhostname n <nil>\nkeys [] false <nil>\n"},
		"powervs": {"powervs", "config-2", map[string]string{data: `{"name": "n", "uuid": "u", "public_keys": {"b": "k2", "a": "k1"}}`},
			"POWERVS_INSTANCE_ID=u\nPOWERVS_LOCAL_HOSTNAME=n\nhostname n <nil>\nkeys [\"k2\" \"k1\"] true <nil>\n"},
		"powervs without a name": {"powervs", "config-2", map[string]string{data: `{"uuid": "u"}`},
			"attributes: reading the attribute POWERVS_LOCAL_HOSTNAME: the file " + data + " of the drive has no name\n" +
				"hostname  the file " + data + " of the drive has no name\nkeys [] true <nil>\n"},
		"openstack": {"openstack", "config-2", map[string]string{data: `{"hostname": "h.local", "uuid": "u", "public_keys": {"a": "k\n"}}`, "ec2/latest/meta-data.json": `{"instance-id": "i-1", "local-ipv4": "10.0.0.1", "public-ipv4": ""}`},
			"OPENSTACK_HOSTNAME=h.local\nOPENSTACK_INSTANCE_ID=i-1\nOPENSTACK_INSTANCE_UUID=u\nOPENSTACK_IPV4_LOCAL=10.0.0.1\nOPENSTACK_IPV4_PUBLIC=\nhostname h.local <nil>\nkeys [\"k\\n\"] true <nil>\n"},
		"openstack without ec2": {"openstack", "config-2", map[string]string{data: `{"hostname": "h", "uuid": "u"}`},
			"OPENSTACK_HOSTNAME=h\nOPENSTACK_INSTANCE_UUID=u\nhostname h <nil>\nkeys [] true <nil>\n"},
		"powervs without the file": {"powervs", "config-2", map[string]string{"openstack/latest/user_data": "x"}, strings.NewReplacer("E", "the drive labelled \"config-2\" has no file "+data).Replace("attributes: E\nhostname  E\nkeys [] false E\n")},
		"kubevirt": {"kubevirt", "config-2", map[string]string{data: `{"hostname": "h", "uuid": "u", "instance_type": "t", "public_keys": {"a": "k"}}`},
			"KUBEVIRT_INSTANCE_ID=u\nKUBEVIRT_HOSTNAME=h\nKUBEVIRT_INSTANCE_TYPE=t\nhostname h <nil>\nkeys [\"k\"] true <nil>\n"},
		"kubevirt with NoCloud": {"kubevirt", "cidata", map[string]string{"meta-data": "instance-id: i\nlocal-hostname: h\n",
			"network-config": "version: 2\nethernets:\n  eth0: {addresses: [192.0.2.7/24, 192.0.2.8/24, \"2001:db8::7/64\"]}\n"},
			"KUBEVIRT_INSTANCE_ID=i\nKUBEVIRT_HOSTNAME=h\nKUBEVIRT_IPV4=192.0.2.7\nKUBEVIRT_IPV6=2001:db8::7\nhostname h <nil>\nkeys [] true <nil>\n"},
		"kubevirt without a name": {"kubevirt", "cidata", map[string]string{"meta-data": "instance-id: i\n"},
			"attributes: the drive has no ID, or no hostname, of this machine\nhostname  <nil>\nkeys [] true <nil>\n"},
		"proxmoxve": {"proxmoxve", "cidata", map[string]string{"user-data": "#cloud-config\nhostname: h\nssh_authorized_keys:\n  - k1\n  - k2\n", "meta-data": "instance-id: i", "vendor-data": "",
			"network-config": "version: 1\nconfig:\n- {type: physical, name: eth0, mac_address: 'bc:24:11:00:00:01', subnets: [{type: static, address: 192.0.2.7/24}, {type: static, address: 192.0.2.8/24}]}\n"},
			"PROXMOXVE_INSTANCE_ID=i\nPROXMOXVE_HOSTNAME=h\nPROXMOXVE_IPV4=192.0.2.8\nhostname h <nil>\nkeys [\"k1\" \"k2\"] true <nil>\n"},
		"proxmoxve with a config": {"proxmoxve", "cidata", map[string]string{"user-data": plain, "meta-data": "instance-id: i"},
			"PROXMOXVE_INSTANCE_ID=i\nhostname  <nil>\nkeys [] true <nil>\n"},
		"cloudstack-configdrive": {"cloudstack-configdrive", "CONFIG-2", map[string]string{cloudStackMetadata + "instance_id.txt": "i\n", cloudStackMetadata + "local_hostname.txt": "h", cloudStackMetadata + "public_keys.txt": "# c\n\nk\n"},
			"CLOUDSTACK_INSTANCE_ID=i\nCLOUDSTACK_LOCAL_HOSTNAME=h\nhostname  <nil>\nkeys [\"k\"] true <nil>\n"},
	} {
		t.Run(name, func(t *testing.T) {
			env := newEnv(t)
			p, err := InstanceByID(tc.id)
			testkit.NoError(t, err)
			env.Platform = p
			attach(t, env, "vdb", image{"genisoimage -r -J", tc.label, tc.files}.bytes(t))
			testkit.Equal(t, "what is said", said(NewAsker(t.Context(), env, nil)), tc.want)
		})
	}
}

func TestMachinesWithoutADriveWithMetadata(t *testing.T) {
	for id, want := range map[string]string{
		"kubevirt":  "hostname  <nil>\nkeys [] false <nil>\n",
		"proxmoxve": "hostname  <nil>\nkeys [] false <nil>\n",
		"ibmcloud":  "waiting for the drive labelled \"cidata\": it has not appeared within 10s; there are: no block devices at all",
	} {
		synctest.Test(t, func(t *testing.T) {
			env, log := logged(t)
			p, err := InstanceByID(id)
			testkit.NoError(t, err)
			env.Platform = p
			got := said(NewAsker(t.Context(), env, nil))
			testkit.Contains(t, id, got, want)
			if warned := strings.Contains(log(), "nothing is known of this machine"); warned != !strings.Contains(want, "waiting") {
				t.Errorf("%s: the warnings are\n%s", id, log())
			}
		})
	}
}

// Before there is a network the drive is not waited for, and looked for again.
func TestDriveThatAServiceCanStandInFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := newEnv(t)
		p, err := InstanceByID("openstack")
		testkit.NoError(t, err)
		env.Platform, env.Fetch.Offline = p, true
		answers := new(Answers)
		begun := time.Now()
		_, err = NewAsker(t.Context(), env, answers).Hostname()
		if !errors.Is(err, fetch.ErrNeedNetwork) || time.Since(begun) > 2*time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		attach(t, env, "vdb", image{"genisoimage -r -J", "config-2", map[string]string{openStackMetadata: `{"hostname": "h"}`}}.bytes(t))
		hostname, err := NewAsker(t.Context(), env, answers).Hostname()
		testkit.NoError(t, err)
		testkit.Equal(t, "hostname", hostname, "h")
	})
}

func TestAnswersOfOneBoot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "answers")
	open := func(run string) *Answers {
		t.Helper()
		a, err := OpenAnswers(t.Context(), dir, run, nil)
		testkit.NoError(t, err)
		return a
	}
	a := open("first")
	a.add("url", reply{Text: "text"})
	testkit.NoError(t, a.Close(nil))
	info, err := os.Stat(filepath.Join(dir, answersFile))
	testkit.NoError(t, err)
	testkit.Equal(t, "mode", info.Mode().Perm(), os.FileMode(0o600))

	a = open("second")
	testkit.Equal(t, "an answer that another program had", a.said.Answers["url"].Text, "text")
	testkit.NoError(t, a.Close(context.Canceled))
	a = open("second")
	testkit.Equal(t, "that of a run that had failed", a.said.Answers["url"].Text, "text")
	testkit.NoError(t, a.Close(nil))
	a = open("second")
	testkit.Equal(t, "answers for the same run again", len(a.said.Answers), 0)
	testkit.NoError(t, a.Close(nil))

	for name, text := range map[string]string{"of another boot": `{"boot": "x", "answers": {"url": {"text": "t"}}}`, "broken": "{", "none": ""} {
		testkit.WriteFile(t, filepath.Join(dir, answersFile), text)
		a = open("third")
		testkit.Equal(t, "answers "+name, len(a.said.Answers), 0)
		testkit.NoError(t, a.Close(context.Canceled))
	}
}

func TestPlacesInDocuments(t *testing.T) {
	n, err := network.ReadDocument([]byte(`{"a": {"b": "x", "n": 7, "null": null}, "l": [{"v": "0"}, {}, {"v": "2"}], "s": ["p", "q"], "none": [], "m": {"r": ["k1", "k2"], "c": ["k3"]}}`), "d")
	testkit.NoError(t, err)
	for place, want := range map[string]string{
		"a/b": "-1 x", "a/n": "-1 7", "a/null": "", "a/c": "", "a": "", "a/b/c": "", "l/*/v": "0 0, 2 2", "s": "-1 p:q", "s/*": "0 p, 1 q",
		"none": "-1 ", "none/*": "", "m/*/*": "0 k1, 0 k2, 1 k3", "": "",
	} {
		var got []string
		for _, f := range selected(n, strings.Split(place, "/"), -1) {
			got = append(got, fmt.Sprintf("%d %s", f.index, f.text))
		}
		testkit.Equal(t, place, strings.Join(got, ", "), want)
	}
}

func TestInstancesOfPlatforms(t *testing.T) {
	for _, p := range metadataOnly {
		if _, err := ByID(p.ID); err == nil {
			t.Errorf("the kernel argument can be %s, which is no platform of configs", p.ID)
		}
	}
	_, err := InstanceByID("qemu")
	testkit.ErrorContains(t, "without metadata", err, `the platform "qemu" knows nothing of its machines beside their configs; these do: akamai, aliyun,`, "openstack-metadata")
	for _, p := range append(Platforms, metadataOnly...) {
		if p.Instance == nil {
			continue
		}
		prefix := ""
		for _, r := range p.Instance.attributes {
			before, _, _ := strings.Cut(r.name, "_")
			if prefix != "" && before != prefix {
				t.Errorf("%s has attributes of %s and %s", p.ID, prefix, before)
			}
			prefix = before
		}
	}
}

func TestAzuresRoleHasItsAddresses(t *testing.T) {
	for shared, want := range map[string]string{
		`<S><Incarnation instance="b"/><Instances><Instance id="a" address="10.0.0.1"/><Instance id="b" address="10.0.0.2"><InputEndpoints><Endpoint loadBalancedPublicAddress="192.0.2.1:22"/><Endpoint loadBalancedPublicAddress="192.0.2.2:80"/><Endpoint loadBalancedPublicAddress="x"/></InputEndpoints></Instance></Instances></S>`: "10.0.0.2 192.0.2.2 <nil>",
		`<S><Instances><Instance id="" address="10.0.0.1"/></Instances></S>`:                                                 "  <nil>",
		`<S><Incarnation instance="b"/><Instance id="b" address="here"/></S>`:                                                "here  the fabric's address of this machine is no IP address",
		`<S><Incarnation instance="b"/><Instance id="a"><Endpoint loadBalancedPublicAddress="192.0.2.2:80"/></Instance></S>`: "  <nil>",
	} {
		dynamic, virtual, err := roleAddresses(shared)
		testkit.Equal(t, shared, fmt.Sprint(dynamic, " ", virtual, " ", err), want)
	}
}

func TestAzuresFabricInALease(t *testing.T) {
	for text, want := range map[string]string{"OPTION_245=a83f8110\n": "168.63.129.16", "X=1\n OPTION_245=c0:00:02:01": "192.0.2.1", "OPTION_245=00": "", "": ""} {
		testkit.Equal(t, text, leaseFabric(text), want)
	}
}

// A machine that is not in the fabric yet has no addresses there.
func TestAzureWithoutARole(t *testing.T) {
	env, log := logged(t)
	p, err := InstanceByID("azure")
	testkit.NoError(t, err)
	env.Platform = p
	answers := new(Answers)
	for url, text := range map[string]string{"http://168.63.129.16/?comp=versions": "<V><Version>2012-11-30</Version></V>", "http://168.63.129.16" + azureGoalState: "<GoalState><RoleInstanceList/></GoalState>",
		azureInstanceMetadata.url + azureInstanceMetadata.attributes[0].at: "S"} {
		answers.add(url, reply{Text: text})
	}
	all, err := NewAsker(t.Context(), env, answers).Attributes()
	testkit.NoError(t, err)
	testkit.Equal(t, "attributes", all, []Attribute{{"AZURE_VMSIZE", "S"}})
	testkit.Contains(t, "the log", log(), "has no role for this machine")
}

func TestAzuresFabricOfAnotherVersion(t *testing.T) {
	a := asked(t, "azure", map[string]string{"http://168.63.129.16/?comp=versions": "<V><Version>2099-01-01</Version></V>"})
	_, err := a.goalState()
	testkit.ErrorContains(t, "another version", err, "the fabric at 168.63.129.16 has not the version 2012-11-30: it has 2099-01-01")
}

// Keys of Azure Stack are not readable, and what was written before must stay.
func TestAzureStacksKeysAreAnError(t *testing.T) {
	says := map[string]string{"http://168.63.129.16/?comp=versions": "<V><Version>2012-11-30</Version></V>", "http://168.63.129.16" + azureGoalState: "<GoalState><Certificates>http://x</Certificates></GoalState>"}
	_, known, err := asked(t, "azurestack", says).Keys()
	testkit.Equal(t, "known", known, true)
	testkit.ErrorContains(t, "keys", err, "encrypted certificates")
	says["http://168.63.129.16"+azureGoalState] = "<GoalState/>"
	keys, known, err := asked(t, "azurestack", says).Keys()
	testkit.Equal(t, "keys of none", fmt.Sprint(keys.Lines, known, err), "[] true <nil>")
}

func FuzzMultipart(f *testing.F) {
	for _, s := range []string{vendorData, "Content-Type: x; boundary=b\n\n--b\n\nx\n--b--", "boundary=", ": boundary=a\n\n--a\n\n--a", "\n\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, message string) {
		for _, p := range multipart(message) {
			if !strings.Contains(strings.ReplaceAll(message, "\r\n", "\n"), p.body) {
				t.Errorf("%q has no part %q", message, p.body)
			}
		}
	})
}

func FuzzAzureFabric(f *testing.F) {
	for _, s := range []string{"<S><Incarnation instance=\"b\"/><Instance id=\"b\" address=\"10.0.0.2\"/></S>", "<V><Version>1</Version>", "OPTION_245=a83f8110", "<"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, virtual, err := roleAddresses(text)
		if strings.ContainsAny(virtual+leaseFabric(text), "/@?# \n") {
			t.Errorf("%q has the address %q, or %q", text, virtual, leaseFabric(text))
		}
		if _, again := xmlTexts(text, "Version"); (again != nil) != (err != nil) && err != nil && !strings.Contains(err.Error(), "no IP address") {
			t.Errorf("%q: %v, but %v", text, err, again)
		}
	})
}

func FuzzMetadataLines(f *testing.F) {
	for _, s := range []string{"instance-id: i:1\nlocal-hostname: h", ":\n::", "\xff: \xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := asked(t, "ibmcloud", map[string]string{cidataMetadata: text, "drive cidata: vendor-data": text})
		_, err := a.Attributes()
		if hostname, hostErr := a.Hostname(); strings.Contains(hostname, "\n") || (err == nil) != (hostErr == nil) {
			t.Errorf("%q: %q, %v, %v", text, hostname, err, hostErr)
		}
	})
}

// Units that are for some platforms are for those that have what they do.
func TestUnitsAreForPlatformsThatKnow(t *testing.T) {
	condition := regexp.MustCompile(`(?m)^ConditionKernelCommandLine=\|ignition\.platform\.id=(.*)$`)
	canBeLocked := func(i *Instance) bool {
		addresses, _ := Platform{Instance: i}.ServiceAddresses()
		return len(addresses) > 0
	}
	for unit, has := range map[string]func(*Instance) bool{
		"../afterburn/afterburn-lock-metadata.service":              canBeLocked,
		"../afterburn/afterburn-sshkeys@.service":                   func(i *Instance) bool { return i.keys != "" || i.keysBy != nil },
		"../afterburn/afterburn-checkin.service":                    func(i *Instance) bool { return i.checkIn != nil },
		"../afterburn/afterburn-firstboot-checkin.service":          func(i *Instance) bool { return i.checkIn != nil },
		"../dracut/30afterburn/afterburn-ignition-fragment.service": func(i *Instance) bool { return i.admin != nil },
		"../dracut/30afterburn/afterburn-hostname.service":          func(i *Instance) bool { return i.hostname != "" || i.hostnameBy != nil },
	} {
		found := condition.FindAllStringSubmatch(testkit.ReadFile(t, unit), -1)
		if len(found) == 0 {
			t.Errorf("%s is for no platform", unit)
		}
		if strings.HasSuffix(unit, "-lock-metadata.service") {
			for _, p := range Platforms {
				isFor := slices.ContainsFunc(found, func(m []string) bool { return m[1] == p.ID })
				testkit.Equal(t, unit+" is for "+p.ID, isFor, canBeLocked(p.Instance))
			}
		}
		for _, m := range found {
			p, err := ByID(m[1])
			if err != nil || p.Instance == nil || !has(p.Instance) {
				t.Errorf("%s is for %s: %v", unit, m[1], err)
			}
		}
	}
}

// The dracut module puts its units, and the link to the agent, into an initramfs.
func TestDracutModuleOfAfterburn(t *testing.T) {
	dir := t.TempDir()
	const script = `set -eu
moddir=$1 initdir=$2 systemdsystemunitdir=/usr/lib/systemd/system
inst_multiple() { :; }
inst_simple() { mkdir -p "$initdir/${2%/*}"; cp "$1" "$initdir/$2"; }
mkdir -p "$initdir/usr/bin"
. "$moddir/module-setup.sh"
! check
[ "$(depends)" = "systemd network ignition" ]
install
`
	if out, err := exec.Command("bash", "-c", script, "bash", "../dracut/30afterburn", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	target, err := os.Readlink(filepath.Join(dir, "usr/bin/afterburn"))
	testkit.NoError(t, err)
	testkit.Equal(t, "the agent", target, "ignition")
	for _, unit := range []string{"afterburn-hostname.service", "afterburn-ignition-fragment.service", "afterburn-network-kargs.service"} {
		text := testkit.ReadFile(t, filepath.Join(dir, "usr/lib/systemd/system/ignition-complete.target.requires", unit))
		testkit.Equal(t, unit, text, testkit.ReadFile(t, "../dracut/30afterburn/"+unit))
	}
}
