package providers_test

import (
	"errors"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/providers"
	"github.com/firstlight-os/firstlight/tests/sandbox"
)

// A wholeBoot is a first boot on a platform with a metadata service: all that asks it, from
// the first unit in the initramfs to the last of the booted system.
type wholeBoot struct {
	// platform is what the kernel command line says, and provider what the units have
	// in its place.
	platform, provider string
	service            http.Handler
	count              func() map[string]int
	userData           string // its URI; "" if it is on a drive, which this machine has not
	again              string // what is asked twice: it changes while the machine boots
	example            example
}

// wholeBoots are those of all platforms with services.
func wholeBoots(t *testing.T) []wholeBoot {
	var all []wholeBoot
	for _, e := range examples() {
		e = exampleOf(t, e.platform)
		b := wholeBoot{platform: e.platform, service: e.instance, count: e.instance.count, example: e}
		config := config(e.platform)
		switch e.platform {
		case "openstack-metadata":
			b.platform, b.userData = "openstack", "/openstack/latest/user_data"
		case "cloudstack-metadata":
			b.platform, b.provider, b.userData = "cloudstack", e.platform, "/latest/user-data"
		case "azurestack":
			b.again = "GET /machine/?comp=goalstate"
		default:
			emulation := find(t, e.platform)
			b.userData, config = emulation.URI, emulation.UserData(config)
			maps.Copy(e.instance.says, emulation.Also)
			switch e.platform {
			case "azure":
				b.again = "GET /machine/?comp=goalstate"
			case "hetzner":
				e.instance.says["/hetzner/v1/metadata/network-config"] = `config: [{type: physical, name: eth0, mac_address: "96:00:00:aa:bb:cc", subnets: [{type: dhcp, ipv4: true}]}]`
			}
		}
		if b.userData != "" {
			e.instance.says[b.userData] = config
		}
		all = append(all, b)
	}
	metal, e := packetExample(t)
	return append(all, wholeBoot{platform: "packet", service: metal, count: metal.count, userData: "/userdata", example: e})
}

// Each thing is asked once in a whole boot, whoever wants to know it: the fetch stages for
// the config and for what the platform knows, the other stages, and the units of afterburn.
func TestEachPathIsAskedOnceInAWholeBoot(t *testing.T) {
	tested := map[string]bool{}
	for _, b := range wholeBoots(t) {
		tested[b.platform], tested[b.provider] = true, true
		t.Run(b.platform, func(t *testing.T) {
			m := newMachine(t)
			m.ownEtc(t)
			atLease(t, "SERVER_ADDRESS=127.0.0.1\n")
			testkit.WriteFile(t, "/run/systemd/netif/state", "DNS=192.0.2.53\n")
			if metal, isPacket := b.service.(*metal); isPacket {
				metal.start(t)
			} else {
				serve(t, b.service)
			}
			// A host that is slow would have the other one asked as well.
			if i := slices.IndexFunc(emulations, func(e emulation) bool { return e.Platform == b.platform }); i >= 0 && len(emulations[i].Hosts) > 1 {
				without(t, withPrefix(emulations[i].Hosts[1]))
			}
			b.run(t, m)
			b.example.wants(t, m)
			count := b.count()
			if b.userData != "" {
				testkit.Equal(t, "requests of the user data", count["GET "+b.userData], 1)
			}
			for request, times := range count {
				switch most := 1; {
				case strings.HasPrefix(request, "PUT "): // a token for each program
				case request == b.again && times == 2:
				case strings.HasSuffix(request, "/events"): // one for each stage
				case times > most:
					t.Errorf("%s was asked %d times", request, times)
				}
			}
		})
	}
	for _, p := range providers.Platforms {
		e := slices.ContainsFunc(emulations, func(e emulation) bool { return e.Platform == p.ID })
		if e && p.Instance != nil && !tested[p.ID] {
			t.Errorf("%s is not tested", p.ID)
		}
	}
}

// ownEtc gives the machine an /etc that the tests may write to.
func (m machine) ownEtc(t *testing.T) {
	t.Helper()
	testkit.NoError(t, errors.Join(os.Mkdir("/run/upper", 0o755), os.Mkdir("/run/work", 0o755)))
	hosts := testkit.ReadFile(t, "/etc/hosts") // it is mounted, and not in the overlay
	testkit.NoError(t, unix.Mount("overlay", "/etc", "overlay", 0, "lowerdir=/etc,upperdir=/run/upper,workdir=/run/work"))
	t.Cleanup(func() { testkit.NoError(t, unix.Unmount("/etc", unix.MNT_DETACH)) })
	testkit.WriteFile(t, "/etc/hosts", hosts)
	testkit.WriteFile(t, "/etc/passwd", testkit.ReadFile(t, m.in("passwd")))
	testkit.NoError(t, os.MkdirAll("/etc/cmdline.d", 0o755))
}

// run runs the programs in the order of their units.
func (b wholeBoot) run(t *testing.T, m machine) {
	t.Helper()
	b.prepare(t, m)
	from := "--cmdline"
	if b.provider != "" {
		from = "--provider=" + b.provider
	}
	afterburn := func(args ...string) {
		t.Helper()
		if status, printed := m.afterburn(t, args...); status != 0 {
			t.Fatalf("afterburn %s: status %d: %s", args, status, printed)
		}
	}
	afterburn("exp", "rd-network-kargs", from, "--default-value=ip=auto")
	for _, stage := range []string{"fetch-offline", "fetch", "kargs", "disks", "mount", "files"} {
		b.stage(t, m, stage)
	}
	afterburn(from, "--hostname="+m.in("hostname"))
	b.stage(t, m, "umount")
	afterburn(from, "--attributes="+m.in("attributes"))
	afterburn(from, "--ssh-keys=core")
	afterburn(from, "--check-in")
}

func (b wholeBoot) stage(t *testing.T, m machine, stage string) {
	t.Helper()
	b.agent(t, m, "-platform", b.platform, "-stage", stage)
}

func (b wholeBoot) agent(t *testing.T, m machine, args ...string) {
	t.Helper()
	if out, err := b.command(t, m, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", args, err, out)
	}
}

// fails runs the agent, which is to fail, and returns what it prints.
func (b wholeBoot) fails(t *testing.T, m machine, args ...string) string {
	t.Helper()
	out, err := b.command(t, m, args...).CombinedOutput()
	if err == nil {
		t.Fatalf("%s passed:\n%s", args, out)
	}
	return string(out)
}

func (b wholeBoot) command(t *testing.T, m machine, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), sandbox.Agent(), append(args, "-log-to-stdout", "-root", m.in("root"), "-fetch-timeout", "20s")...)
	none := filepath.Join(m.dir, "none")
	cmd.Env = append(os.Environ(), "PATH="+m.in("bin")+":"+os.Getenv("PATH"), "IGNITION_KERNEL_CMDLINE_PATH="+m.in("cmdline"),
		"IGNITION_SYSTEM_RUNTIME_CONFIG_DIR="+none, "IGNITION_SYSTEM_LOCAL_CONFIG_DIR="+none, "IGNITION_SYSTEM_CONFIG_DIR="+m.in("image"))
	return cmd
}

// prepare makes the image, and the root that is written to.
func (b wholeBoot) prepare(t *testing.T, m machine) {
	t.Helper()
	testkit.WriteFile(t, m.in("cmdline"), "ignition.firstboot firstlight.network_timeout=20 ignition.platform.id="+b.platform)
	testkit.WriteFile(t, m.in("image/distribution.conf"), "METADATA=config\nMETADATA_NETWORK=networkd\n")
	if b.userData == "" {
		testkit.WriteFile(t, m.in("image/user.ign"), config(b.platform))
	}
	testkit.WriteFile(t, m.in("root/etc/passwd"), "root:x:0:0::/root:/bin/sh\ncore:x:0:0::/home/core:/bin/sh\n")
	testkit.WriteFile(t, m.in("root/etc/group"), "root:x:0:\n")
	for name, script := range map[string]string{"useradd": "", "usermod": "", "passwd": ""} {
		m.program(t, name, script)
	}
}

// program is one of the machine that does nothing but run a script.
func (m machine) program(t *testing.T, name, script string) {
	t.Helper()
	testkit.WriteFile(t, m.in("bin/"+name), "#!/bin/sh\n"+script+"\n")
	testkit.NoError(t, os.Chmod(m.in("bin/"+name), 0o755))
}
