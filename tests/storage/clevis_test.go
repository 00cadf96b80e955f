package storage

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A tangServer is tangd with keys of its own. It can be out of reach.
type tangServer struct {
	t          testing.TB
	keys       string
	address    string
	thumbprint string
	listener   net.Listener
}

func newTang(t testing.TB) *tangServer {
	t.Helper()
	s := &tangServer{t: t, keys: t.TempDir(), address: "127.0.0.1:0"}
	run(t, "/usr/libexec/tangd-keygen", s.keys)
	keys, _ := filepath.Glob(s.keys + "/*.jwk")
	for _, key := range keys {
		if text, err := os.ReadFile(key); err == nil && strings.Contains(string(text), `"ES512"`) {
			s.thumbprint = run(t, "jose", "jwk", "thp", "-a", "S256", "-i", key)
		}
	}
	s.start()
	t.Cleanup(s.stop)
	return s
}

// start makes the server listen, at the same address as before.
func (s *tangServer) start() {
	s.t.Helper()
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.address, s.listener = listener.Addr().String(), listener
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go s.serve(c.(*net.TCPConn))
		}
	}()
}

// serve has tangd answer, which talks to its standard input and output.
func (s *tangServer) serve(c *net.TCPConn) {
	defer c.Close()
	f, err := c.File()
	if err != nil {
		return
	}
	defer f.Close()
	tangd := exec.Command("/usr/libexec/tangd", s.keys)
	tangd.Stdin, tangd.Stdout = f, f
	tangd.Run()
}

func (s *tangServer) stop() { s.listener.Close() }

// json is the server in a config. More is further members.
func (s *tangServer) json(more string) string {
	return fmt.Sprintf(`{"url": "http://%s", "thumbprint": %q%s}`, s.address, s.thumbprint, more)
}

// advertised is the server in a config, with its advertisement.
func (s *tangServer) advertised() string {
	s.t.Helper()
	answer, err := http.Get("http://" + s.address + "/adv")
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		s.t.Fatalf("%v %s", err, answer.Status)
	}
	inString, err := json.Marshal(string(text))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.json(`, "advertisement": ` + string(inString))
}

// asInInitramfs has pwmake, which clevis gets its keys from, look up no words in
// a dictionary that is not there: by the file that our dracut module installs.
func asInInitramfs(t testing.TB) {
	t.Helper()
	shell(t, "install -D -t /etc/security/pwquality.conf.d /share/ignition-luks.conf")
}

// clevisConfig is a config with a volume that clevis unlocks.
func clevisConfig(t testing.TB, device, clevis, more string) string {
	t.Helper()
	asInInitramfs(t)
	return volumeConfig(device, more+`, "clevis": {`+clevis+`}`)
}

// unlocks closes the volume and reports whether clevis opens it again.
func unlocks(t testing.TB, device string) bool {
	t.Helper()
	try("cryptsetup", "close", "vault")
	out, err := try("clevis", "luks", "unlock", "-d", device, "-n", "vault")
	if err != nil {
		t.Log(out)
	}
	return err == nil
}

// bound looks at a volume that clevis unlocks: how many slots have a key, what
// clevis says, and what the root gets.
func (b *boot) bound(device string, slots int, options string, pins ...string) {
	b.t.Helper()
	d := dumpOf(b.t, device)
	if len(d.JSON.Keyslots) != slots || len(d.JSON.Tokens) != 1 {
		b.t.Errorf("there are other slots and tokens than %d slots and one token:\n%s", slots, d.text)
	}
	list := run(b.t, "clevis", "luks", "list", "-d", device)
	for _, pin := range pins {
		if !strings.Contains(list, pin) {
			b.t.Errorf("%s is not what clevis lists: %s", pin, list)
		}
	}
	run(b.t, "cryptsetup", "status", "vault")
	b.must("files")
	want := fmt.Sprintf("vault UUID=%s none %s\n", d.header("UUID"), options)
	if got, err := os.ReadFile(b.root + "/etc/crypttab"); err != nil || string(got) != want {
		b.t.Errorf("crypttab is %q (%v) instead of %q", got, err, want)
	}
	if got, err := os.ReadFile(b.root + "/etc/luks/vault"); err == nil {
		b.t.Errorf("the root has a key of %d bytes", len(got))
	}
	b.must("umount")
	if got := dumpOf(b.t, device).mark(); got != "" {
		b.t.Errorf("the volume is still marked as %s", got)
	}
}

// otherThumbprint is that of no server.
const otherThumbprint = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

const (
	localAttach   = "luks,x-initrd.attach"
	networkAttach = "luks,_netdev,x-initrd.attach"
)

func TestTangUnlocksTheVolume(t *testing.T) {
	tang, disk := newTang(t), volumeDisk(t)
	// What a wrong config leaves is made again when it is fixed.
	wrong := strings.Replace(tang.json(""), tang.thumbprint, otherThumbprint, 1)
	newBoot(t, clevisConfig(t, disk, `"tang": [`+wrong+`]`, "")).refuses("disks", nil,
		"clevis luks bind", "Unable to fetch advertisement", "http://"+tang.address, "storage.luks[0]", "thumbprint")
	b := newBoot(t, clevisConfig(t, disk, `"tang": [`+tang.json("")+`]`, ""))
	b.must("disks")
	if got := dumpOf(t, disk).mark(); got == "" {
		t.Error("the volume is not marked before crypttab is written")
	}
	b.bound(disk, 1, networkAttach, `"t":1`, `"url":"http://`+tang.address+`"`)
	if !unlocks(t, disk) {
		t.Error("it cannot be unlocked")
	}
	tang.stop()
	if unlocks(t, disk) {
		t.Error("it can be unlocked without the server")
	}
}

func TestTangNeedNotBeThereWithItsAdvertisement(t *testing.T) {
	tang, disk := newTang(t), volumeDisk(t)
	server := tang.advertised()
	tang.stop()
	b := newBoot(t, clevisConfig(t, disk, `"tang": [`+server+`]`, sesame))
	if _, err := os.Stat(b.path("neednet")); err == nil {
		t.Error("it asks for the network")
	}
	b.must("disks")
	b.bound(disk, 2, networkAttach, `"url":"http://`+tang.address+`"`)
	shell(t, "echo -n 'open sesame' | cryptsetup open --test-passphrase --key-file - "+disk)
	tang.start()
	if !unlocks(t, disk) {
		t.Error("it cannot be unlocked when the server is there")
	}
}

func TestThresholdOfTwo(t *testing.T) {
	tang, disk := newTang(t), volumeDisk(t)
	b := newBoot(t, clevisConfig(t, disk, `"threshold": 2, "tpm2": true, "tang": [`+tang.json("")+`]`, ""))
	b.must("disks")
	b.bound(disk, 1, networkAttach, `"t":2`, `tpm2`, tang.address)
	tang.stop()
	if unlocks(t, disk) {
		t.Error("the TPM alone unlocks it")
	}
	tang.start()
	if !unlocks(t, disk) {
		t.Error("both do not unlock it")
	}
}

func TestPinOfTheConfig(t *testing.T) {
	tang, disk := newTang(t), volumeDisk(t)
	custom, err := json.Marshal(map[string]any{"pin": "tang", "needsNetwork": true,
		"config": fmt.Sprintf(`{"url": "http://%s", "thp": %q}`, tang.address, tang.thumbprint)})
	if err != nil {
		t.Fatal(err)
	}
	b := newBoot(t, clevisConfig(t, disk, `"custom": `+string(custom), ""))
	b.must("disks")
	b.bound(disk, 1, networkAttach, "1: tang", tang.address)
	if !unlocks(t, disk) {
		t.Error("it cannot be unlocked")
	}
}

func TestWhatClevisLacksIsReported(t *testing.T) {
	tang := newTang(t)
	forged := strings.Replace(tang.advertised(), tang.thumbprint, otherThumbprint, 1)
	away := strings.Replace(tang.json(""), "http://"+tang.address, nobody, 1)
	for _, c := range []struct {
		name, clevis string
		want         []string
	}{
		{"the advertisement has another thumbprint", `"tang": [` + forged + `]`, []string{"clevis luks bind", "did not sign the advertisement", "thumbprint"}},
		{"no server", `"tang": [` + away + `]`, []string{"asking the Tang server for its keys", "http://127.0.0.1:1", "connection refused", "storage.luks[0].clevis.tang[0].url"}},
		{"config of a pin that is no JSON", `"custom": {"pin": "tang", "config": "{hash"}`, []string{"clevis luks bind", "Configuration is malformed", "storage.luks[0].clevis"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := clevisConfig(t, volumeDisk(t), c.clevis, "")
			newBoot(t, config).refuses("disks", nil, c.want...)
		})
	}
}

func TestNoTPM(t *testing.T) {
	devices, _ := filepath.Glob("/dev/tpm*")
	if len(devices) == 0 {
		t.Fatal("the lab has no TPM")
	}
	for _, device := range devices {
		hidden := filepath.Join("/dev/shm", filepath.Base(device))
		shell(t, "mknod "+hidden+" c $(stat --format='0x%t 0x%T' "+device+"); rm "+device)
		t.Cleanup(func() { shell(t, "mknod "+device+" c $(stat --format='0x%t 0x%T' "+hidden+"); rm "+hidden) })
	}
	disk := volumeDisk(t)
	newBoot(t, clevisConfig(t, disk, `"tpm2": true`, "")).limited().refuses("disks", []string{disk},
		"waiting for /dev/tpmrm0", "it is not there after 3 s", "clevis takes a TPM 2.0 that the kernel manages", "storage.luks[0].clevis")
}
