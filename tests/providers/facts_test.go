package providers_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/sandbox"
)

// An unlikeMachine is one that boots with the example examples/machines.
type unlikeMachine struct {
	platform string
	says     map[string]string // besides what the example of the platform says
	mac      string
	address  string
	// files are what it has, and units those that are enabled.
	files map[string]string
	units string
	// devices are those of filesystems, and skipped the entries for others.
	devices string
	skipped []string
}

var unlikeMachines = []unlikeMachine{
	{platform: "aws", mac: "52:54:00:00:00:01", address: "198.18.0.1",
		files:   map[string]string{"hostname": "ip-10-9-0-4.xx.internal\n", "server.conf": "# ${fact:address} is the one of the default route\nlisten = 198.18.0.1:8080\nmachine = aws/i-0abc (52:54:00:00:00:01)\n"},
		units:   "server.service var-lib-server.mount",
		devices: "/dev/disk/by-partlabel/data", skipped: []string{`storage.filesystems[1] ("/var/lib/server"): platform is "aws", not "hetzner"`}},
	{platform: "digitalocean", mac: "52:54:00:00:00:02", address: "198.18.0.2",
		files: map[string]string{"hostname": "web1\n", "server.conf": "listen = 203.0.113.10:8080\nmachine = digitalocean/qq9 (52:54:00:00:00:02)\n"},
		units: "server.service", skipped: []string{`storage.files[1] ("/etc/server.conf"): platform is "digitalocean", not "[!d]*"`}},
	{platform: "exoscale", mac: "52:54:00:00:00:03", address: "198.18.0.3",
		files: map[string]string{"hostname": "exo1\n", "server.conf": "# ${fact:address} is the one of the default route\nlisten = 198.18.0.3:8080\nmachine = exoscale/ei (52:54:00:00:00:03)\n",
			"systemd/system/server.service": "[Service]\nExecStart=/usr/bin/server --zone ch\n[Install]\nWantedBy=multi-user.target\n"},
		units: "server.service"},
	{platform: "hetzner", says: map[string]string{"/hetzner/v1/metadata": "hostname: h1\ninstance-id: 42\nregion: eu-central\n"}, mac: "52:54:00:00:00:04", address: "198.18.0.4",
		files: map[string]string{"hostname": "h1\n", "server.conf": "# ${fact:address} is the one of the default route\nlisten = 198.18.0.4:8080\nmachine = hetzner/42 (52:54:00:00:00:04)\n",
			"server.conf.d/europe.conf": "logs = https://logs.eu-central.example.com/h1\n"},
		units:   "server.service var-lib-server.mount",
		devices: "/dev/disk/by-id/scsi-0HC_Volume_1"},
	{platform: "vultr", mac: "52:54:00:00:00:05", address: "198.18.0.5",
		files: map[string]string{"hostname": "up1\n", "server.conf": "# ${fact:address} is the one of the default route\nlisten = 198.18.0.5:8080\nmachine = vultr/00ab (52:54:00:00:00:05)\n"},
		units: "server.service", skipped: []string{`systemd.units[2] ("server-on-arm.service"): architecture is`}},
}

// One config makes five unlike machines: each has its files, units and devices, and has
// asked its platform for nothing twice.
func TestOneConfigMakesUnlikeMachines(t *testing.T) {
	text := testkit.ReadFile(t, "../../examples/machines/config.bu")
	translated, problems, err := butane.Translate([]byte(text), "config.bu", butane.Options{})
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	for _, m := range unlikeMachines {
		t.Run(m.platform, func(t *testing.T) {
			service := exampleOf(t, m.platform).instance
			for uri, text := range m.says {
				service.says[uri] = text
			}
			serve(t, service)
			m.route(t)
			dir := t.TempDir()
			in := func(name string) string { return filepath.Join(dir, name) }
			testkit.WriteFile(t, in("cmdline"), "ignition.firstboot")
			testkit.WriteFile(t, in("image/user.ign"), string(translated.JSON))
			testkit.WriteFile(t, in("root/etc/passwd"), "root:x:0:0::/root:/bin/sh\n")
			testkit.WriteFile(t, in("root/etc/group"), "root:x:0:\n")
			log := ""
			for _, stage := range []string{"fetch-offline", "fetch", "files"} {
				log += m.stage(t, in, stage)
			}
			m.has(t, in)
			for _, want := range m.skipped {
				testkit.Contains(t, "the log", log, "skipped "+want)
			}
			for request, count := range service.count() {
				if most := 1 + 2*strings.Count(request[:3], "PUT"); count > most {
					t.Errorf("%s was asked %d times", request, count)
				}
			}
		})
	}
}

// route gives the machine a network with a default route.
func (m unlikeMachine) route(t *testing.T) {
	t.Helper()
	for _, args := range []string{"link add fact0 address " + m.mac + " type bridge", "link set fact0 up", "address add " + m.address + "/24 dev fact0", "route add default via 198.18.0.254 dev fact0"} {
		testkit.NoError(t, ip(strings.Fields(args)...))
	}
	t.Cleanup(func() { testkit.NoError(t, ip("link", "del", "fact0")) })
	// The one that is mounted shows the interfaces of another namespace.
	testkit.NoError(t, unix.Mount("sysfs", "/sys", "sysfs", 0, ""))
	t.Cleanup(func() { testkit.NoError(t, unix.Unmount("/sys", unix.MNT_DETACH)) })
}

// stage runs one of the agent, and returns its log.
func (m unlikeMachine) stage(t *testing.T, in func(string) string, stage string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), sandbox.Agent(), "-platform", m.platform, "-stage", stage, "-log-to-stdout", "-root", in("root"),
		"-config-cache", in("run/ignition/ignition.json"), "-state-file", in("run/ignition/state"), "-neednet", in("run/ignition/neednet"), "-fetch-timeout", "20s")
	cmd.Env = append(os.Environ(), "IGNITION_KERNEL_CMDLINE_PATH="+in("cmdline"), "IGNITION_SYSTEM_RUNTIME_CONFIG_DIR="+in("image"),
		"IGNITION_SYSTEM_LOCAL_CONFIG_DIR="+in("none"), "IGNITION_SYSTEM_CONFIG_DIR="+in("none"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", stage, err, out)
	}
	if stage == "fetch-offline" && !fileExists(in("run/ignition/neednet")) {
		t.Errorf("fetch-offline wants no network:\n%s", out)
	}
	return string(out)
}

// has compares what the stages have left.
func (m unlikeMachine) has(t *testing.T, in func(string) string) {
	t.Helper()
	for name, want := range m.files {
		testkit.Equal(t, name, testkit.ReadFile(t, in("root/etc/"+name)), want)
	}
	if _, wanted := m.files["server.conf.d/europe.conf"]; !wanted && fileExists(in("root/etc/server.conf.d")) {
		t.Error("it is in Europe")
	}
	var enabled []string
	for line := range strings.Lines(testkit.ReadFile(t, in("root/etc/systemd/system-preset/20-ignition.preset"))) {
		enabled = append(enabled, strings.TrimPrefix(strings.TrimSpace(line), "enable "))
	}
	slices.Sort(enabled)
	testkit.Equal(t, "units", strings.Join(enabled, " "), m.units)
	var cached struct {
		Ignition struct{ Version string }
		Storage  struct{ Disks, Filesystems []struct{ Device string } }
	}
	text := testkit.ReadFile(t, in("run/ignition/ignition.json"))
	testkit.NoError(t, json.Unmarshal([]byte(text), &cached))
	var devices []string
	for _, f := range cached.Storage.Filesystems {
		devices = append(devices, f.Device)
	}
	testkit.Equal(t, "devices", strings.Join(devices, " "), m.devices)
	testkit.Equal(t, "disks", len(cached.Storage.Disks), strings.Count(m.devices, "by-partlabel"))
	testkit.Equal(t, "conditions or placeholders are left", strings.Contains(text, `"when"`) || strings.Contains(text, `"facts"`), false)
	record := testkit.ReadFile(t, in("run/ignition/record.json"))
	testkit.Contains(t, "the record", record, `"skipped":[{"origin":{"source":"`, `"name":"server-on-arm.service","fact":"`)
}

// A machine of another platform has no such facts: the boot stops before anything is
// written, and says what there is.
func TestMachineWithoutTheFactsOfAConfig(t *testing.T) {
	serve(t, exampleOf(t, "vultr").instance)
	const cfg = `{"ignition": {"version": "3.6.0+firstlight.1"}, "firstlight": {"facts": true}, "storage": {"files": [{"path": "/etc/%s"}]}}`
	for text, want := range map[string]string{
		"${fact:zone}":                   `learning the fact "zone": the platform vultr does not tell it`,
		"${fact:instance-id}-${fact:mc}": `there is no fact "mc"; did you mean "mac"?`,
	} {
		o := boot{platform: "vultr", image: fmt.Sprintf(cfg, text), patience: 20e9}.run(t)
		testkit.Equal(t, "there is a config", o.cached, false)
		testkit.Contains(t, "the box", o.box, want, "(storage.files[0].path)")
	}
	o := boot{platform: "vultr", image: fmt.Sprintf(cfg, "${fact:zone}"), patience: 20e9}.run(t)
	testkit.Contains(t, "the hint", o.box, "facts that this machine can have: platform, architecture, hostname, instance-id, region, address, mac, serial")
}

// What each platform says of a machine, as facts: those that have attributes by the names
// of Afterburn, and those that the program does not have.
func TestFactsOfPlatforms(t *testing.T) {
	const azure = "/metadata/instance?api-version=2021-08-01&extended=true"
	for name, tc := range map[string]struct {
		platform, facts string
		says            map[string]string
		service         *instance // that of the platform's example, if nil
	}{
		"akamai": {platform: "akamai", facts: "instance-id=77 region=zz-1 public-ipv4=203.0.113.7 public-ipv6=2001:db8::7"},
		"azure": {platform: "azure", facts: "hostname=vm1 instance-id=13f56399-bd52 region=westeurope zone=2 private-ipv4=10.0.0.4 private-ipv6=fd00::4 public-ipv4=198.51.100.7",
			says: map[string]string{azure: `{"compute":{"location":"westeurope","name":"vm1","vmId":"13f56399-bd52","zone":"2"},"network":{"interface":[{"ipv4":{"ipAddress":[
				{"privateIpAddress":"10.0.0.4","publicIpAddress":"198.51.100.7"},{"privateIpAddress":"10.0.0.5","publicIpAddress":""}]},"ipv6":{"ipAddress":[{"privateIpAddress":"fd00::4"}]}}]}}`}},
		"azure without a zone": {platform: "azure", facts: "instance-id=v region=l zone=!Azure has none for this machine",
			says: map[string]string{azure: `{"compute":{"location":"l","vmId":"v","zone":""},"network":{}}`}},
		"azure without an address": {platform: "azure", facts: "private-ipv4=!Azure has none for this machine",
			says: map[string]string{azure: `{"compute":{"location":"l","vmId":"v"}}`}},
		"azure without an ID": {platform: "azure", facts: "instance-id=!has no compute.vmId", says: map[string]string{azure: `{"compute":{}}`}},
		"gcp": {platform: "gcp", facts: "hostname=g1.c.p.internal instance-id=4152 region=us-east1 zone=us-east1-b private-ipv4=10.2.0.3",
			says: map[string]string{"/computeMetadata/v1/instance/id": "4152", "/computeMetadata/v1/instance/zone": "projects/1/zones/us-east1-b"}},
		"gcp without a zone": {platform: "gcp", facts: "region=!Google Compute Engine has none for this machine"},
		"gcp with a zone of its own": {platform: "gcp", facts: "zone=edge region=!Google Compute Engine has none for this machine",
			says: map[string]string{"/computeMetadata/v1/instance/zone": "edge"}},
		"openstack": {platform: "openstack", facts: "hostname=os1.local instance-id=u-1 zone=nova",
			service: exampleOf(t, "openstack-metadata").instance, says: map[string]string{"/openstack/2012-08-10/meta_data.json": `{"uuid":"u-1","availability_zone":"nova"}`}},
		"cloudstack": {platform: "cloudstack", facts: "instance-id=ci zone=z1 private-ipv4=10.1.1.1",
			service: exampleOf(t, "cloudstack-metadata").instance, says: map[string]string{"/latest/meta-data/availability-zone": "z1"}},
	} {
		t.Run(name, func(t *testing.T) {
			service := tc.service
			if service == nil {
				service = exampleOf(t, tc.platform).instance
			}
			for uri, text := range tc.says {
				service.says[uri] = text
			}
			newMachine(t)
			atLease(t, "SERVER_ADDRESS=127.0.0.1\n")
			serve(t, service)
			wantFacts(t, tc.platform, tc.facts)
		})
	}
	t.Run("packet", func(t *testing.T) {
		(&metal{metadata: metalMachine}).start(t)
		wantFacts(t, "packet", "hostname=p1 instance-id=x1 zone=ewr1 public-ipv4=203.0.113.3 public-ipv6=2001:db8:: private-ipv4=10.0.0.3")
	})
}

// wantFacts boots with a config that has a file for each fact. What begins with ! is the
// rest of the text, and a failure that stops the boot.
func wantFacts(t *testing.T, platform, facts string) {
	t.Helper()
	facts, failure, fails := strings.Cut(facts, "!")
	var files, want []string
	for fact := range strings.FieldsSeq(facts) {
		name, value, _ := strings.Cut(fact, "=")
		files = append(files, fmt.Sprintf(`{"path": "/%s/${fact:%[1]s}"}`, name))
		want = append(want, fmt.Sprintf(`"path":"/%s/%s"`, name, value))
	}
	config := `{"ignition": {"version": "3.6.0+firstlight.1"}, "firstlight": {"facts": true}, "storage": {"files": [` + strings.Join(files, ",") + `]}}`
	o := boot{platform: platform, image: config, patience: 20e9}.run(t)
	if fails {
		testkit.Equal(t, "there is a config", o.cached, false)
		testkit.Contains(t, "the box", o.box, failure)
		return
	}
	testkit.Contains(t, "the config", o.config+o.box, want...)
}
