// Package channels has the blackbox tests of what a hypervisor says to a machine
// other than by network: the agent's program in a machine of QEMU, whose kernel
// has the real drivers.
package channels

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/internal/trust"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// The config is large enough for its way to matter: fw_cfg by the kernel's file
// takes a time that grows with the square.
var config = `{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/etc/large","contents":{"source":"data:,` + strings.Repeat("0123456789abcdef", 20<<10) + `"}}]}}`

const diskText = "text of the disk"

func TestMain(m *testing.M) { os.Exit(vm.RunInLab(m, vm.TestGroup{Prepare: prepare})) }

func prepare(_ *vm.Lab, job *vm.Job, dir string) error {
	text, disk := filepath.Join(dir, "config.ign"), filepath.Join(dir, "disk")
	for name, content := range map[string]string{text: config, disk: diskText + strings.Repeat("\x00", 512-len(diskText))} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			return err
		}
	}
	key, signature := filepath.Join(dir, "release"), text+trust.Suffix
	for _, args := range [][]string{{"-q", "-t", "ed25519", "-N", "", "-f", key}, {"-q", "-Y", "sign", "-n", trust.Namespace, "-f", key, text}} {
		if out, err := exec.Command("ssh-keygen", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ssh-keygen: %w\n%s(tests/prepare installs it)", err, out)
		}
	}
	job.Devices = []string{"-fw_cfg", "name=opt/com.coreos/config,file=" + text, "-fw_cfg", "name=opt/com.coreos/config.sig,file=" + signature,
		"-fw_cfg", "name=opt/forged,string={}", "-fw_cfg", "name=opt/forged.sig,file=" + signature, "-fw_cfg", "name=opt/unsigned,string={}",
		"-drive", "if=none,id=ign,format=raw,readonly=on,file=" + disk, "-device", "virtio-blk-pci,serial=ignition,drive=ign"}
	tests := filepath.Join(dir, "providers.test")
	if out, err := exec.Command("go", "test", "-c", "-o", tests, "../../providers").CombinedOutput(); err != nil {
		return fmt.Errorf("building the tests of providers: %w\n%s", err, out)
	}
	job.Files = map[string]string{"providers.test": tests, "release.pub": key + ".pub"}
	return nil
}

// fetch runs a stage that gets the config, and gives what it has left and said.
func fetch(t *testing.T, platform string, wrapper ...string) (cache, log string) {
	t.Helper()
	begun := time.Now()
	cache, log, err := tryFetch(t, platform, wrapper...)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	t.Logf("%s took %v", platform, time.Since(begun).Round(time.Millisecond))
	return cache, log
}

func tryFetch(t *testing.T, platform string, wrapper ...string) (cache, log string, err error) {
	t.Helper()
	dir := t.TempDir()
	args := append(wrapper, "/share/firstlight", "--platform="+platform, "--stage=fetch-offline", "--log-to-stdout",
		"--config-cache="+filepath.Join(dir, "cache"), "--state-file="+filepath.Join(dir, "state"), "--neednet="+filepath.Join(dir, "neednet"))
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	text, cacheErr := os.ReadFile(filepath.Join(dir, "cache"))
	if err == nil {
		err = cacheErr
	}
	return string(text), string(out), err
}

// withoutPorts has a program read fw_cfg by the kernel's file.
var withoutPorts = []string{"setpriv", "--bounding-set=-sys_rawio", "--inh-caps=-sys_rawio"}

// isConfig compares a cached config with the one that was given.
func isConfig(t *testing.T, cache string) {
	t.Helper()
	var got, want struct {
		Storage struct {
			Files []struct {
				Path     string
				Contents struct{ Source string }
			}
		}
	}
	if err := json.Unmarshal([]byte(config), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(cache), &got); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the config is another one (%v): %.200q", err, cache)
	}
}

func TestFwCfgIsTheSameByPortsAndByFile(t *testing.T) {
	const slow = "the slow way, by the kernel's file: ioperm: operation not permitted"
	cache, log := fetch(t, "qemu")
	isConfig(t, cache)
	if strings.Contains(log, "the slow way") {
		t.Errorf("the ports were not used:\n%s", log)
	}
	cache, log = fetch(t, "qemu", withoutPorts...)
	isConfig(t, cache)
	if !strings.Contains(log, slow) {
		t.Errorf("%q is not in\n%s", slow, log)
	}
}

// An image with a key takes the config with the item of the signature beside it.
func TestSignatureInFwCfg(t *testing.T) {
	key := filepath.Join(trust.Dir, "release.pub")
	testkit.WriteFile(t, key, testkit.ReadFile(t, "/share/release.pub"))
	t.Cleanup(func() { os.Remove(key) })
	for _, wrapper := range [][]string{nil, withoutPorts} {
		cache, log := fetch(t, "qemu", wrapper...)
		isConfig(t, cache)
		testkit.Contains(t, "log", log, "user config (fw_cfg opt/com.coreos/config) is signed with the SSH key SHA256:")
	}
	settings := filepath.Join(distribution.Dir, distribution.File)
	t.Cleanup(func() { os.Remove(settings) })
	for name, want := range map[string]string{
		"opt/forged":   "the signature is not one of these bytes",
		"opt/unsigned": "it does not begin with a signature, and there is none at fw_cfg opt/unsigned.sig",
	} {
		testkit.WriteFile(t, settings, "FW_CFG_NAMES="+name+"\n")
		cache, log, err := tryFetch(t, "qemu")
		if err == nil || cache != "" {
			t.Errorf("%s: a config was taken: %q", name, cache)
		}
		testkit.Contains(t, "log", log, want)
	}
}

func TestDiskWithTheSerialNumber(t *testing.T) {
	tests := exec.Command("/share/providers.test", "-test.run=^TestDiskOfThisMachine$", "-test.v")
	tests.Env = append(os.Environ(), "FIRSTLIGHT_TEST_DISK="+diskText)
	if out, err := tests.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestDiskOfThisMachine") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Without a driver of the hypervisor the host's address leads to this machine
// itself. Both the driver and the server come after the agent.
func TestConfigOverVsock(t *testing.T) {
	failed := make(chan error, 1)
	go func() {
		time.Sleep(time.Second)
		failed <- serve(config)
	}()
	cache, log := fetch(t, "applehv")
	isConfig(t, cache)
	if err := <-failed; err != nil {
		t.Errorf("%v; the agent said:\n%s", err, log)
	}
}

// serve answers one request at the hypervisor's port.
func serve(body string) error {
	if out, err := exec.Command("modprobe", "vsock_loopback").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	time.Sleep(time.Second)
	listener, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(listener)
	if err := unix.Bind(listener, &unix.SockaddrVM{CID: unix.VMADDR_CID_ANY, Port: 1024}); err != nil {
		return err
	}
	if err := unix.Listen(listener, 1); err != nil {
		return err
	}
	fd, _, err := unix.Accept(listener)
	if err != nil {
		return err
	}
	conn := os.NewFile(uintptr(fd), "vsock")
	defer conn.Close()
	request := make([]byte, 4096)
	n, err := conn.Read(request)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(request[:n]), "GET / HTTP/1.1\r\nHost: d\r\n") {
		return fmt.Errorf("the request is %q", request[:n])
	}
	_, err = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return err
}
