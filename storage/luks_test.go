package storage

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/dataurl"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// luks is a config with one volume on a.img.
func luks(members string) string {
	if members != "" {
		members = ", " + members
	}
	return `"luks": [{"name": "secret", "device": "DIR/a.img"` + members + `}]`
}

const givenKey = `"keyFile": {"source": "data:,pass%20word"}`

// luksFormat makes a volume with the key of givenKey.
func (b *testMachine) luksFormat(args ...string) {
	b.t.Helper()
	b.disk("a.img", 32)
	b.write("key", "pass%20word")
	b.run("cryptsetup", append([]string{"luksFormat", "-q", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file", b.path("key"), b.path("a.img")}, args...)...)
}

// unopened forgets that a volume is open: what is open on a file cannot be seen.
func (b *testMachine) unopened() {
	b.t.Helper()
	if err := os.Remove(b.path("dev/mapper/secret")); err != nil {
		b.t.Fatal(err)
	}
}

func (b *testMachine) header(t *testing.T) *blkprobe.LUKSHeader {
	t.Helper()
	return probeFile(t, b.path("a.img"))[0].LUKS
}

func TestHeadersOfLUKSAreReadAsCryptsetupWritesThem(t *testing.T) {
	const uuid = "0e6bb2ea-1d2c-4a0c-8d5f-000000000001"
	b := newTestMachine(t)
	b.luksFormat("--type", "luks2", "--label", "l", "--subsystem", "s", "--uuid", uuid)
	const want = `{2 ` + uuid + ` l s []}`
	if got := fmt.Sprint(*b.header(t)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// cryptsetup stores flags when it opens a volume, which it cannot here.
	if err := system.Zero(rw(t, b.path("a.img")), 0, 4096); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(*b.header(t)); got != want {
		t.Errorf("the second header: got %s, want %s", got, want)
	}
	b.luksFormat("--type", "luks1", "--uuid", uuid)
	if got := fmt.Sprint(*b.header(t)); got != "{1 "+uuid+"   []}" {
		t.Errorf("LUKS1: got %s", got)
	}
}

const openIt = "cryptsetup luksOpen DIR/a.img secret --key-file - --persistent"

// Each case is the config and what is run for it.
var luksCases = []struct {
	name, config, commands string
	kept                   string // the key that the files stage gets; * is a generated one
}{
	{"a key of the config", luks(givenKey), `
cryptsetup luksFormat --type luks2 --key-file - --subsystem firstlight-unfinished DIR/a.img
` + openIt + `
cryptsetup config DIR/a.img --label  --subsystem `, "pass%20word"},
	{"a generated key", luks(""), `
cryptsetup luksFormat --type luks2 --key-file - --subsystem firstlight-unfinished DIR/a.img
` + openIt, "*"},
	{"all members", luks(givenKey + `, "label": "l", "uuid": "0e6bb2ea-1d2c-4a0c-8d5f-000000000001", "discard": true, "options": ["--cipher", "aes-xts-plain64"], "openOptions": ["--perf-same_cpu_crypt"]`), `
cryptsetup luksFormat --type luks2 --key-file - --subsystem firstlight-unfinished --label l --uuid 0e6bb2ea-1d2c-4a0c-8d5f-000000000001 --cipher aes-xts-plain64 DIR/a.img
` + openIt + ` --allow-discards --perf-same_cpu_crypt
cryptsetup config DIR/a.img --label l --subsystem `, "pass%20word"},
	{"a subsystem of the config", luks(givenKey + `, "options": ["--subsystem", "theirs"]`), `
cryptsetup luksFormat --type luks2 --key-file - --subsystem theirs DIR/a.img
` + openIt, "pass%20word"},
	{"a TPM", luks(`"clevis": {"tpm2": true}`), `
cryptsetup luksFormat --type luks2 --key-file - --subsystem firstlight-unfinished DIR/a.img
` + openIt + `
clevis luks bind -f -k KEY -d DIR/a.img sss {"pins":{"tpm2":{}},"t":1}
cryptsetup luksClose secret
clevis luks unlock -d DIR/a.img -n secret
cryptsetup luksRemoveKey DIR/a.img -`, ""},
	{"a TPM and a key of the config", luks(givenKey + `, "clevis": {"tpm2": true}`), `
cryptsetup luksFormat --type luks2 --key-file - --subsystem firstlight-unfinished DIR/a.img
` + openIt + `
clevis luks bind -f -k KEY -d DIR/a.img sss {"pins":{"tpm2":{}},"t":1}
cryptsetup luksClose secret
clevis luks unlock -d DIR/a.img -n secret`, "pass%20word"},
	{"a Tang server whose keys are known is not asked", luks(`"clevis": {"tang": [{"url": "http://t", "thumbprint": "x", "advertisement": "{\"payload\": \"p\"}"}]}`), `
cryptsetup luksFormat --type luks2 --key-file - --subsystem firstlight-unfinished DIR/a.img
` + openIt + `
clevis luks bind -f -k KEY -d DIR/a.img sss {"pins":{"tang":[{"url":"http://t","thp":"x","adv":{"payload":"p"}}]},"t":1}
cryptsetup luksRemoveKey DIR/a.img -`, ""},
	{"a pin of its own", luks(`"clevis": {"custom": {"pin": "tang", "config": "{\"url\": \"http://t\"}", "needsNetwork": true}}`), `
cryptsetup luksFormat --type luks2 --key-file - --subsystem firstlight-unfinished DIR/a.img
` + openIt + `
clevis luks bind -f -k KEY -d DIR/a.img tang {"url": "http://t"}
cryptsetup luksRemoveKey DIR/a.img -`, ""},
	{"a threshold that the TPM alone does not reach", luks(`"clevis": {"tpm2": true, "threshold": 2, "tang": [{"url": "http://t", "thumbprint": "x", "advertisement": "{}"}]}`), `
cryptsetup luksFormat --type luks2 --key-file - --subsystem firstlight-unfinished DIR/a.img
` + openIt + `
clevis luks bind -f -k KEY -d DIR/a.img sss {"pins":{"tang":[{"url":"http://t","thp":"x","adv":{}}],"tpm2":{}},"t":2}
cryptsetup luksRemoveKey DIR/a.img -`, ""},
}

func TestVolumes(t *testing.T) {
	for _, c := range luksCases {
		t.Run(c.name, func(t *testing.T) {
			b, x := newFakeTools(t)
			b.disk("a.img", 32)
			keyFile := ""
			x.before = func(cmd system.Command, _ string) {
				if strings.HasPrefix(cmd.String(), "clevis luks bind") {
					keyFile = cmd.Args[4]
					checkKeyFile(t, keyFile)
				}
			}
			if err := b.execute(c.config); err != nil {
				t.Fatal(err)
			}
			got := x.lines()
			if keyFile != "" {
				got = strings.ReplaceAll(got, strings.ReplaceAll(keyFile, b.dir, "DIR"), "KEY")
			}
			if want := strings.TrimPrefix(c.commands, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			checkKept(t, b, c.kept)
			checkSecrets(t, b, x)
		})
	}
}

// checkKeyFile makes sure that nobody else can read a key.
func checkKeyFile(t *testing.T, name string) {
	t.Helper()
	for path, want := range map[string]fs.FileMode{name: 0o600, filepath.Dir(name): fs.ModeDir | 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want mode %v", path, info, err, want)
		}
	}
	if key, err := os.ReadFile(name); err != nil || len(key) == 0 {
		t.Errorf("the key file holds %d bytes, %v", len(key), err)
	}
}

func checkKept(t *testing.T, b *testMachine, want string) {
	t.Helper()
	coded, known := strings.CutPrefix(b.m.Keys["secret"], "data:;base64,")
	key, err := base64.StdEncoding.DecodeString(coded)
	if err != nil || known != (want != "") {
		t.Fatalf("the key is kept as %q", b.m.Keys["secret"])
	}
	if want == "*" && len(key) != 2*keySize || want != "*" && string(key) != want {
		t.Errorf("the key that is kept has %d bytes: %.20q", len(key), key)
	}
}

// checkSecrets looks for keys where they can be seen.
func checkSecrets(t *testing.T, b *testMachine, x *fakeTools) {
	t.Helper()
	for _, c := range x.commands {
		for _, secret := range c.Secrets {
			if len(secret) > 0 && (strings.Contains(c.String(), secret) || strings.Contains(b.log.String(), secret)) {
				t.Errorf("a secret is in the log: %s", c)
			}
		}
		if c.Stdin != nil && (len(c.Secrets) == 0 || c.Secrets[0] != string(c.Stdin)) {
			t.Errorf("the key of %s would not be hidden in its output", c)
		}
	}
	if left, err := os.ReadDir(b.path("scratch")); err == nil && len(left) > 0 {
		t.Errorf("files are left behind: %v", left)
	}
}

func TestWhatClevisGetsIsHiddenAlsoWhereItIsRepeated(t *testing.T) {
	for name, tc := range map[string]struct{ clevis, secret string }{
		"Tang":           {`{"tang": [{"url": "http://user:pass%2Fword@tang/?token", "thumbprint": "x", "advertisement": "{}"}]}`, "pass%2Fword"},
		"query":          {`{"tang": [{"url": "http://tang/?token", "thumbprint": "x", "advertisement": "{}"}]}`, "token"},
		"another pin":    {`{"custom": {"pin": "x", "config": "{\"a\": {\"b\": \"12345678\"}}"}}`, "12345678"},
		"no JSON at all": {`{"custom": {"pin": "x", "config": "12345678"}}`, "12345678"},
	} {
		b, x := newFakeTools(t)
		b.disk("a.img", 32)
		if err := b.execute(luks(`"clevis": ` + tc.clevis)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		bound := false
		for _, c := range x.commands {
			if c.Name != "clevis" || c.Args[1] != "bind" {
				continue
			}
			bound = true
			if !slices.Contains(c.Secrets, tc.secret) || strings.Contains(c.String(), tc.secret) {
				t.Errorf("%s: %q is not among the secrets %q of %s", name, tc.secret, c.Secrets, c)
			}
		}
		if !bound {
			t.Errorf("%s: clevis was not called", name)
		}
	}
}

func TestConfigsOfCustomPinsAreHidden(t *testing.T) {
	b, x := newFakeTools(t)
	b.disk("a.img", 32)
	if err := b.execute(luks(`"clevis": {"custom": {"pin": "tang", "config": "{\"password\": \"p\"}"}}`)); err != nil {
		t.Fatal(err)
	}
	for _, c := range x.commands {
		if strings.Contains(c.String(), "password") {
			t.Errorf("it is shown: %s", c)
		}
	}
}

func TestTangServersAreAskedBeforeClevisDoes(t *testing.T) {
	const server = `"clevis": {"tang": [{"url": "http://tang.example/x", "thumbprint": "x"}]}`
	b, x := newFakeTools(t)
	b.disk("a.img", 32)
	err := b.execute(luks(server))
	if report.Explain(err)[0].Origin.Path != "storage.luks[0].clevis.tang[0].url" ||
		!strings.HasSuffix(err.Error(), "asking the Tang server for its keys: no route to http://tang.example/x/adv") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(x.lines(), "clevis") {
		t.Errorf("clevis ran: %s", x.lines())
	}
}

func TestAKeyIsKeptWhenALaterStepFails(t *testing.T) {
	b, x := newFakeTools(t)
	b.disk("a.img", 32)
	x.fail = map[string]error{"cryptsetup luksOpen": errors.New("exit status 5")}
	if err := b.execute(luks("")); err == nil {
		t.Fatal("it succeeded")
	}
	checkKept(t, b, "*")
}

func TestAVolumeThatClevisCannotUnlockFails(t *testing.T) {
	b, x := newFakeTools(t)
	b.disk("a.img", 32)
	x.fail = map[string]error{"clevis luks unlock": errors.New("exit status 1")}
	err := b.execute(luks(`"clevis": {"tpm2": true}`))
	if !strings.Contains(err.Error(), "trying whether clevis can unlock it: clevis luks unlock") || report.Explain(err)[0].Hint != "check that the Tang servers can be reached and that the machine has the TPM" {
		t.Errorf("got %v", err)
	}
	if strings.Contains(x.lines(), "luksRemoveKey") {
		t.Error("the only key that works was removed")
	}
}

// A TPM that is slow may still be busy with its own tests.
func TestTPMThatIsLateIsWaitedFor(t *testing.T) {
	for name, clevis := range map[string]string{
		"tpm2": `"tpm2": true`, "pin tpm2": `"custom": {"pin": "tpm2", "config": "{}"}`, "pin sss": `"custom": {"pin": "sss", "config": "{\"t\": 1, \"pins\": {\"tpm2\": {}}}"}`,
	} {
		t.Run(name, func(t *testing.T) {
			b, x := newFakeTools(t)
			b.disk("a.img", 32)
			if err := os.Remove(b.path("dev/tpmrm0")); err != nil {
				t.Fatal(err)
			}
			_, err := b.plan(luks(`"clevis": {` + clevis + `}`))
			if err == nil || x.lines() != "" {
				t.Fatalf("got %v after %s", err, x.lines())
			}
			p := report.Explain(err)[0]
			if want := "waiting for " + b.path("dev/tpmrm0") + ": it is not there after 0.05 s; clevis takes a TPM 2.0 that the kernel manages"; err.Error() != want ||
				p.Origin.Path != "storage.luks[0].clevis" || !strings.Contains(p.Hint, "give the virtual machine one") {
				t.Errorf("got %v, %+v", err, p)
			}
			b.m.Timeout = time.Minute
			time.AfterFunc(10*time.Millisecond, func() { b.write("dev/tpmrm0", "") })
			if err := b.execute(luks(`"clevis": {` + clevis + `}`)); err != nil {
				t.Error(err)
			}
		})
	}
}

// Neither Tang alone nor the workstation needs one, nor tpm2-tools that are told of another.
func TestNoTPMIsWaitedForWithoutNeed(t *testing.T) {
	b, _ := newFakeTools(t)
	b.disk("a.img", 32)
	if err := os.Remove(b.path("dev/tpmrm0")); err != nil {
		t.Fatal(err)
	}
	plans := func(clevis string) {
		t.Helper()
		if _, err := b.plan(luks(`"clevis": {` + clevis + `}`)); err != nil {
			t.Error(err)
		}
	}
	plans(`"tang": [{"url": "http://t", "thumbprint": "x", "advertisement": "{}"}]`)
	b.m.Absent = func(string, error) string { return "" }
	plans(`"tpm2": true`)
	b.m.Absent = nil
	t.Setenv("TPM2TOOLS_TCTI", "swtpm:")
	plans(`"tpm2": true`)
}

// A run is interrupted at a command; the next one must not need help.
func TestInterruptedVolumesAreMadeAgain(t *testing.T) {
	for cfg, commands := range map[string][]string{
		luks(""):                         {"cryptsetup luksOpen", "mkfs"},
		luks(givenKey):                   {"cryptsetup luksOpen", "cryptsetup config"},
		luks(`"clevis": {"tpm2": true}`): {"clevis luks bind", "cryptsetup luksClose", "clevis luks unlock", "cryptsetup luksRemoveKey", "mkfs"},
	} {
		for _, at := range commands {
			b, x := newFakeTools(t)
			b.disk("a.img", 32)
			whole := cfg + `, "filesystems": [{"device": "/dev/mapper/secret", "format": "ext4"}]`
			x.fail = map[string]error{at: errors.New("power is gone")}
			if err := b.execute(whole); err == nil {
				t.Errorf("%s: %s is not run", cfg, at)
			}
			x.fail, b.m.Keys = nil, nil // which was in memory
			if err := os.RemoveAll(b.path("dev/mapper/secret")); err != nil {
				t.Fatal(err)
			}
			if err := b.execute(whole); err != nil {
				t.Errorf("%s, interrupted at %s: %v", cfg, at, err)
			}
		}
	}
}

func TestAFinishedVolumeIsOpenedWithItsKey(t *testing.T) {
	b, x := newFakeTools(t)
	b.disk("a.img", 32)
	cfg := luks(givenKey) + `, "filesystems": [{"device": "/dev/mapper/secret", "format": "ext4"}]`
	if err := b.execute(cfg); err != nil {
		t.Fatal(err)
	}
	b.unopened()
	b.m.Keys, x.commands = nil, nil
	if got, want := b.describe(cfg), `opening LUKS volume "secret" on DIR/a.img
checking and, if needed, making ext4 on /dev/mapper/secret < opening LUKS volume "secret" on DIR/a.img`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := b.execute(luks(givenKey)); err != nil {
		t.Fatal(err)
	}
	if got := x.lines(); got != openIt {
		t.Errorf("what ran: %s", got)
	}
	checkKept(t, b, "pass%20word")
}

func TestAKeyThatDoesNotOpenAVolumeIsReported(t *testing.T) {
	b, _ := newFakeTools(t)
	b.luksFormat("--type", "luks2")
	err := b.execute(luks(`"keyFile": {"source": "data:,wrong"}`))
	var exit *exec.ExitError
	if p := report.Explain(err)[0]; !errors.As(err, &exit) || p.Origin.Path != "storage.luks[0].keyFile" ||
		p.Hint != "the key of the config does not open the volume that is there; wipeVolume: true makes it anew, and its contents are lost" {
		t.Errorf("got %v", err)
	}
	if b.m.Keys["secret"] != "" {
		t.Error("the wrong key would be written to the root")
	}
}

func TestAnEmptyKeyIsRefused(t *testing.T) {
	b, x := newFakeTools(t)
	b.disk("a.img", 32)
	err := b.execute(luks(`"keyFile": {"source": "data:,"}`))
	if report.Explain(err)[0].Origin.Path != "storage.luks[0].keyFile.source" || len(x.commands) > 0 {
		t.Errorf("got %v, %s", err, x.lines())
	}
}

func TestWhatIsThereIsProtected(t *testing.T) {
	const hint = "wipeVolume: true makes it anew, and its contents are lost"
	const cannot = "the LUKS volume that is on DIR/a.img cannot be kept: "
	luks2 := func(args ...string) func(b *testMachine) {
		return func(b *testMachine) { b.luksFormat(append([]string{"--type", "luks2"}, args...)...) }
	}
	for _, c := range []struct {
		name    string
		prepare func(b *testMachine)
		config  string
		want    string
	}{
		{"a filesystem", func(b *testMachine) { b.run("mkfs.ext4", "-q", "-L", "x", b.disk("a.img", 32)) }, luks(givenKey),
			`DIR/a.img holds ext4 (label "x"); the config asks for a LUKS volume | storage.luks[0].device | ` + hint},
		{"a partition table", func(b *testMachine) { b.run("sgdisk", "-n", "1:0:0", b.disk("a.img", 32)) }, luks(givenKey),
			`DIR/a.img holds gpt partition table; the config asks for a LUKS volume | storage.luks[0].device | ` + hint},
		{"LUKS1", func(b *testMachine) { b.luksFormat("--type", "luks1") }, luks(givenKey),
			`DIR/a.img holds a volume of LUKS version 1; only those of version 2 can be kept | storage.luks[0].device | ` + hint},
		{"a key that is not known", luks2(), luks(""), cannot + "the config gives no key to open it with | storage.luks[0].keyFile | " + hint},
		{"clevis", luks2(), luks(givenKey + `, "clevis": {"tpm2": true}`), cannot + "whether clevis unlocks it as the config says cannot be known | storage.luks[0].clevis | " + hint},
		{"a card", luks2(), luks(`"cex": {"enabled": true}`), cannot + "whether it is bound to the card cannot be known | storage.luks[0].cex | " + hint},
		{"several differences", luks2("--label", "a", "--uuid", "0e6bb2ea-1d2c-4a0c-8d5f-000000000001"),
			luks(givenKey + `, "label": "b", "discard": true, "uuid": "0e6bb2ea-1d2c-4a0c-8d5f-000000000002"`),
			cannot + `its label is "a", the config asks for "b"; its UUID is 0e6bb2ea-1d2c-4a0c-8d5f-000000000001, the config asks for 0e6bb2ea-1d2c-4a0c-8d5f-000000000002; it does not pass discards on, the config asks for that | storage.luks[0] | ` + hint},
		{"another's subsystem", luks2("--subsystem", "theirs"), luks(""), cannot + "the config gives no key to open it with | storage.luks[0].keyFile | " + hint},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, _ := newFakeTools(t)
			c.prepare(b)
			b.refused(c.config, c.want)
			wiped := strings.Replace(c.config, `"name"`, `"wipeVolume": true, "name"`, 1)
			if got, want := b.describe(wiped), `making LUKS volume "secret" on DIR/a.img`; !strings.HasPrefix(got, want) {
				t.Errorf("with wipeVolume: %s", got)
			}
		})
	}
}

func TestAVolumeThatIsOpenIsFoundThroughItsDevice(t *testing.T) {
	b := newTestMachine(t)
	b.write("sys/class/block/dm-0/dev", "253:0\n")
	p := &plan.Volume{Config: &b.config(luks("")).Storage.Luks[0]}
	f := b.m.volumeFacts(p, plan.DeviceFacts{Holders: []plan.Holder{{Kernel: "dm-0", Mapping: "secret"}}}, mountsAndSwaps{"253:0": {"mounted at /x"}})
	if !f.Open() || plan.DescribeHolders(f.MapperHolders) != "mounted at /x" {
		t.Errorf("got %+v", f)
	}
}

func TestVolumesOnCards(t *testing.T) {
	b, x := newFakeTools(t)
	b.disk("a.img", 32)
	b.write("cex.key", "ignition-cex")
	b.write("sys/bus/ap/devices/00.0001/uevent", "DEV_TYPE=0004\nMODE=cca\n")
	b.write("sys/bus/ap/devices/01.0001/uevent", "MODE=ep11\n")
	b.write("sys/bus/ap/devices/card00/uevent", "MODE=cca\n")
	b.write("zkey/ignition-luks-secret.skey", "of an interrupted run")
	x.before = func(c system.Command, _ string) {
		if c.Name == "zkey" {
			if _, err := os.Stat(b.path("zkey/ignition-luks-secret.skey")); err == nil {
				t.Error("the old key is in the way of zkey")
			}
			b.write("zkey/ignition-luks-secret.skey", strings.Repeat("k", 136*2))
			b.write("zkey/ignition-luks-secret.info", "info")
		}
	}
	x.fail = map[string]error{"cryptsetup luksFormat": errors.New("there is no card")}
	err := b.execute(luks(`"cex": {"enabled": true}`))
	if err == nil || !strings.Contains(err.Error(), "there is no card") {
		t.Errorf("got %v", err)
	}
	if got, want := x.lines(), `zkey generate --name ignition-luks-secret --key-type CCA-AESCIPHER --xts --description Secure Key for secret Volume --apqns 00.0001
cryptsetup luksFormat --type luks2 --key-file - --subsystem firstlight-unfinished DIR/a.img --volume-key-file DIR/zkey/ignition-luks-secret.skey --cipher paes-xts-plain64 --key-size 2176`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := b.m.VolumeKeys["ignition-luks-secret.info"]; got != dataurl.Encode("", []byte("info")) || len(b.m.VolumeKeys) != 2 {
		t.Errorf("kept for the files stage: %v", b.m.VolumeKeys)
	}
	checkKept(t, b, "ignition-cex")
	v := &volume{m: b.m, node: "/dev/a"}
	if err := v.bindCard(t.Context()); err != nil || !strings.HasSuffix(x.lines(), "\nzkey-cryptsetup setvp /dev/a --key-file DIR/cex.key") {
		t.Errorf("%v, %s", err, x.lines())
	}
}

func TestAMissingCardIsReported(t *testing.T) {
	b, _ := newFakeTools(t)
	b.disk("a.img", 32)
	b.write("cex.key", "ignition-cex")
	err := b.execute(luks(`"cex": {"enabled": true}`))
	if err == nil || !strings.HasSuffix(err.Error(), "no Crypto Express card in CCA mode is there (looked in "+b.path("sys/bus/ap/devices")+")") {
		t.Errorf("got %v", err)
	}
}

func TestAVolumeOnAnAssembledArrayIsDecidedWhenItIsSeen(t *testing.T) {
	b, x := newFakeTools(t)
	b.member("a.img", oneUUID, "any:data", 1, 2, 0)
	b.member("b.img", oneUUID, "any:data", 1, 2, 1)
	cfg := mirror + `, "luks": [{"name": "secret", "device": "/dev/md/data"}], "filesystems": [{"device": "/dev/mapper/secret", "format": "none"}]`
	if got, want := b.describe(cfg), `assembling array "data" (raid1 of DIR/a.img, DIR/b.img)
checking and, if needed, making LUKS volume "secret" on /dev/md/data < assembling array "data" (raid1 of DIR/a.img, DIR/b.img)
checking and, if needed, wiping /dev/mapper/secret < checking and, if needed, making LUKS volume "secret" on /dev/md/data`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	b.disk("old.img", 16)
	b.run("mkfs.ext4", "-q", b.path("old.img"))
	b.m.Run = &lateArray{fakeTools: x, old: b.path("old.img"), at: b.path("dev/md/data")}
	err := b.execute(cfg)
	if !strings.HasSuffix(err.Error(), "/dev/md/data holds ext4; the config asks for a LUKS volume") || report.Explain(err)[0].Origin.Path != "storage.luks[0].device" {
		t.Errorf("got %v", err)
	}
}

// What is a secret of the config is no part of the state between stages.
func TestKeysThatAreSecretsAreKeptAsTheirSources(t *testing.T) {
	for source, want := range map[string]string{
		"credential:key":          "credential:key",
		"age:https://example.com": "age:https://example.com",
		"https://example.com":     dataurl.Encode("", []byte("secret")),
	} {
		v := &volume{m: new(Machine), config: &config.Luks{Name: "a", KeyFile: config.Resource{Source: &source}}}
		if v.storeKey([]byte("secret")); v.m.Keys["a"] != want {
			t.Errorf("%s: kept as %q, want %q", source, v.m.Keys["a"], want)
		}
		if v.storeKey(nil); v.m.hasKey("a") {
			t.Errorf("%s: it is not dropped", source)
		}
	}
}
