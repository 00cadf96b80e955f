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
