package firstboot

import (
	"crypto/sha512"
	_ "embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/tests/vm"
	"github.com/firstlight-os/firstlight/tests/vm/vmreport"
)

//go:embed testdata/everything.ign
var everything string

// images are built once for all tests.
var images = sync.OnceValues(func() (*vm.Images, error) { return vm.Build() })

// machine is a machine of its own for a test, with an empty second disk.
func machine(t *testing.T) vm.Options {
	t.Helper()
	img, err := images()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rootDisk, err := vm.NewRoot(img, dir)
	if err != nil {
		t.Fatal(err)
	}
	disk, err := vm.NewDisk(dir, "disk1", 768)
	if err != nil {
		t.Fatal(err)
	}
	return vm.Options{Images: img, Root: rootDisk, Disks: []string{disk}}
}

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	cfg, problems, err := config.Parse([]byte(text), "config")
	if err != nil || len(problems) > 0 {
		t.Fatalf("%v %v", err, problems)
	}
	return cfg
}

// stages are those that ran, in order.
func stages(t *testing.T, text string) []string {
	t.Helper()
	var names []string
	for line := range strings.Lines(text) {
		var s report.Stage
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		names = append(names, s.Stage)
	}
	return names
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if string(g) != string(w) {
		t.Errorf("%s: got %s, want %s", what, g, w)
	}
}

func provided(t *testing.T, res *vm.Result) bool {
	t.Helper()
	var result struct {
		ProvisioningBootID string
		UserConfigProvided bool
	}
	f := res.Files["/etc/.ignition-result.json"]
	if err := json.Unmarshal([]byte(f.Text), &result); err != nil || f.Mode != 0o600 || len(result.ProvisioningBootID) != 36 {
		t.Errorf("the result file is %+v: %v", f, err)
	}
	return result.UserConfigProvided
}

func TestFirstBootMakesTheMachineOfTheConfig(t *testing.T) {
	t.Parallel()
	o := machine(t)
	o.Config, o.Arguments = everything, vm.FirstBoot("qemu")+" "+vmreport.DigestArgument
	res := vm.Boot(t, o)
	same(t, "differences", Compare(parse(t, everything), res.Machine), []string(nil))
	same(t, "stages", stages(t, res.Stages), []string{"fetch-offline", "kargs", "disks", "mount", "files", "umount"})
	same(t, "what the unit saw", res.Files["/var/lib/asked/saw"].Text, "hello\nzipped meat\nboot\nbottom\ndropin\n")
	same(t, "user config provided", provided(t, res), true)
	if console := strings.TrimSpace(lastLines(res.Console)); !summary.MatchString(console) {
		t.Errorf("the console shows %q, want one line that matches %v", console, summary)
	}
	checkKeptRecord(t, res, report.Provisioned)
	if sent := sentRecord(t, res); sent.Outcome != report.Provisioned || len(sent.Stages) != 6 || sent.Platform != "qemu" {
		t.Errorf("the port has got %+v", sent)
	}
	if t.Failed() {
		return
	}
	t.Run("SecondBootChangesNothing", func(t *testing.T) {
		o.Arguments = "ignition.platform.id=qemu " + vmreport.DigestArgument
		again := vm.Boot(t, o)
		same(t, "stages", again.Stages, "")
		same(t, "changed directories", changed(res.Tree, again.Tree), []string(nil))
		same(t, "partition tables", again.Disks, res.Disks)
		same(t, "filesystems", again.Filesystems, res.Filesystems)
		if strings.Contains(again.Journal, "ignition[") || !strings.Contains(again.Journal, "ignition-subsequent.target") {
			t.Error("the journal shows a first boot")
		}
	})
}

// summary is the only line that a success prints.
var summary = regexp.MustCompile(`^first boot \d+\.\d s: .*disks \d+\.\d, files \d+\.\d$`)

// sentRecord is the record that the agent has written to its port, once.
func sentRecord(t *testing.T, res *vm.Result) report.Record {
	t.Helper()
	r, err := report.ParseRecord([]byte(res.Record))
	if err != nil {
		t.Errorf("the port has got %q: %v", res.Record, err)
	}
	return r
}

// checkKeptRecord checks that the new system has the record of the first boot.
func checkKeptRecord(t *testing.T, res *vm.Result, outcome string) {
	t.Helper()
	const dir = "/var/log/firstlight"
	if d := res.Files[dir]; d.Mode != fs.ModeDir|0o700 || d.UID != 0 {
		t.Errorf("%s is %+v", dir, d)
	}
	found := 0
	for name, f := range res.Files {
		if path.Dir(name) != dir {
			continue
		}
		found++
		r, err := report.ParseRecord([]byte(f.Text))
		if err != nil || f.Mode != 0o600 || path.Base(name) != r.Boot+".json" || r.Outcome != outcome || len(r.Stages) != 6 || len(r.Sources) == 0 {
			t.Errorf("%s has mode %v and %s (%v)", name, f.Mode, f.Text, err)
		}
	}
	if found != 1 {
		t.Errorf("%d records are kept", found)
	}
}

// changed are the directories whose digests differ.
func changed(before, after map[string]string) []string {
	var dirs []string
	for dir := range before {
		if before[dir] != after[dir] {
			dirs = append(dirs, dir)
		}
	}
	for dir := range after {
		if before[dir] == "" {
			dirs = append(dirs, dir)
		}
	}
	if len(before) == 0 {
		dirs = append(dirs, "no digests")
	}
	slices.Sort(dirs)
	return dirs
}

// lastLines is what a console shows apart from the firmware's and the kernel's.
func lastLines(console string) string {
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(console, "\r", "")) {
		if !strings.HasPrefix(line, "[") && !strings.Contains(line, "SeaBIOS") && !strings.Contains(line, "\x1b") && !strings.Contains(line, "Booting from ROM") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func TestConfigOverHTTP(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	mux := http.NewServeMux()
	page := func(name, text string) {
		mux.HandleFunc(name, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, name+" "+r.UserAgent())
			w.Write([]byte(text))
		})
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	host := "http://10.0.2.2:" + port
	remote := strings.Repeat("from afar\n", 100)
	digest := fmt.Sprintf("%x", sha512.Sum512([]byte(remote)))
	cfg := `
variant: fcos
version: 1.6.0
storage:
  files:
  - path: /etc/remote
    contents: {source: "` + host + `/remote", verification: {hash: sha512-` + digest + `}}
  - path: /etc/inline
    mode: 0640
    contents:
      inline: |
        ` + remote[:9] + `
`
	page("/config.bu", cfg)
	page("/remote", remote)
	srv := &httptest.Server{Listener: listener, Config: &http.Server{Handler: mux}}
	srv.Start()
	defer srv.Close()

	o := machine(t)
	o.Network, o.Arguments = true, vm.FirstBoot("metal")+" ignition.config.url="+host+"/config.bu"
	res := vm.Boot(t, o)
	same(t, "remote file", res.Files["/etc/remote"].Text, remote)
	same(t, "inline file", []any{res.Files["/etc/inline"].Text, res.Files["/etc/inline"].Mode}, []any{"from afar\n", 0o640})
	same(t, "stages", stages(t, res.Stages), []string{"fetch-offline", "fetch", "kargs", "disks", "mount", "files", "umount"})
	same(t, "requests", asked, []string{"/config.bu Ignition/2.28.0 Firstlight/test", "/remote Ignition/2.28.0 Firstlight/test"})
	same(t, "user config provided", provided(t, res), true)
}

func TestNoConfigAppliesTheImagesOwn(t *testing.T) {
	t.Parallel()
	o := machine(t)
	o.Arguments = vm.FirstBoot("qemu")
	res := vm.Boot(t, o)
	f := res.Files["/etc/firstlight-base"]
	same(t, "base file", []any{f.Text, f.Mode}, []any{"base\n", 0o600})
	same(t, "user config provided", provided(t, res), false)
	same(t, "second disk", len(res.Disks), 1)
	same(t, "stages", stages(t, res.Stages), []string{"fetch-offline", "kargs", "disks", "mount", "files", "umount"})
}

func TestConfigsThatMustStopTheBoot(t *testing.T) {
	for name, tc := range map[string]struct {
		config, arguments string
		report            []string
	}{
		"bad hash": {
			"{\"ignition\": {\"version\": \"3.4.0\"},\n \"storage\": {\"files\": [\n  {\"path\": \"/etc/x\", \"contents\": {\"source\": \"data:,secret\",\n   \"verification\": {\"hash\": \"sha256-" + strings.Repeat("0", 64) + "\"}}}]}}",
			// Without a shell dracut calls other hooks.
			"rd.shell=0",
			[]string{"Firstlight could not provision this machine", "stage files", "/etc/x", "the sha256 of what was fetched is not the one in the config", "user config (fw_cfg opt/com.coreos/config), line 4, column", "(storage.files[0].contents.verification.hash)", "hint compare verification.hash", "log journalctl -t ignition"},
		},
		"missing device": {
			"{\"ignition\": {\"version\": \"3.4.0\"},\n \"storage\": {\"disks\": [\n  {\"device\": \"/dev/disk/by-id/virtio-nothere\", \"wipeTable\": true}]}}", "firstlight.device_timeout=4",
			[]string{"stage disks", "/dev/disk/by-id/virtio-nothere", "line 3, column", "vda", "vdb", "hint"},
		},
		"invalid Butane": {
			"variant: fcos\nversion: 1.6.0\nstorage:\n  disks:\n  - wipe_table: true\n    device: vda\n", "",
			[]string{"the config has to be fixed", "stage fetch-offline", "line 6, column 13 (storage.disks[0].device)", `the path "vda" is not absolute`, "firstlightctl validate"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := machine(t)
			o.Config, o.Arguments = tc.config, vm.FirstBoot("qemu")+" "+tc.arguments
			res := vm.Boot(t, o)
			if !res.Initramfs {
				t.Fatal("the machine came up")
			}
			box := lastBox(t, res.Console)
			for _, want := range tc.report {
				if !strings.Contains(box, want) {
					t.Errorf("%q is not in the report on the console: %s", want, box)
				}
			}
			sent := sentRecord(t, res)
			if n := len(sent.Stages); n == 0 || sent.Outcome != report.Failed || len(sent.Stages[n-1].Problems) == 0 {
				t.Errorf("the port has got %+v", sent)
			}
			if strings.Contains(res.Console+res.Journal+res.Record, "secret") {
				t.Error("contents of a file are on the console or in the journal")
			}
			disk, err := os.ReadFile(o.Disks[0])
			if err != nil || slices.ContainsFunc(disk[:1<<20], func(b byte) bool { return b != 0 }) {
				t.Errorf("the disk was written to (%v)", err)
			}
		})
	}
}

// lastBox is the failure report in one line, if it is the last thing on the
// console but for the kernel's farewell.
func lastBox(t *testing.T, console string) string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(console, "\r", "")), "\n")
	for len(lines) > 0 && strings.Contains(lines[len(lines)-1], "reboot: Power down") {
		lines = lines[:len(lines)-1]
	}
	if strings.Count(console, "Firstlight could not provision") != 1 {
		t.Errorf("there is not one report but %d", strings.Count(console, "Firstlight could not provision"))
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[len(lines)-1], "+----") {
		t.Fatalf("the report is not the last thing on the console, which ends:\n%s", vm.Tail(console, 30))
	}
	text := strings.Join(lines, "\n")
	start := strings.LastIndex(text, "| Firstlight could not provision")
	if start < 0 {
		t.Fatalf("the box on the console is not the report:\n%s", vm.Tail(console, 30))
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(text[start:], "|", " ")), " ")
}

// plainNames are what devices are called where there is no udev.
var plainNames = strings.NewReplacer("/dev/disk/by-id/virtio-disk1", "/dev/vdb",
	"/dev/disk/by-partlabel/ext", "/dev/vdb1", "/dev/disk/by-partlabel/xfs", "/dev/vdb2", "/dev/disk/by-partlabel/fat", "/dev/vdb3",
	"/dev/disk/by-partlabel/swap", "/dev/vdb4", "/dev/disk/by-partlabel/rest", "/dev/vdb6")

func TestStageAllWithoutSystemd(t *testing.T) {
	t.Parallel()
	o := machine(t)
	o.Bare, o.Config, o.Arguments = true, plainNames.Replace(everything), vm.FirstBoot("qemu")
	res := vm.Boot(t, o)
	same(t, "differences", Compare(parse(t, o.Config), res.Machine), []string(nil))
	same(t, "stages", stages(t, res.Stages), []string{"fetch-offline", "kargs", "disks", "mount", "files", "umount"})
	same(t, "what the unit saw", res.Files["/var/lib/asked/saw"].Text, "hello\nzipped meat\nboot\nbottom\ndropin\n")
}

// brokenValues are the differences that an agent with the build tag "mutation"
// makes.
var brokenValues = []string{
	"storage.disks[0].partitions[2].sizeMiB: want 131072, got 129024",
	"storage.files[8].mode: want -rwxr-xr-x, got -rwxr--r--",
	"systemd.units[4].enabled: want true, got false",
	"systemd.units[4]: want true, got false",
}

// TestHarnessSeesABrokenAgent proves that the comparison can fail: it reports
// just what an agent with three errors gets wrong.
func TestHarnessSeesABrokenAgent(t *testing.T) {
	t.Parallel()
	img, err := vm.Build("mutation")
	if err != nil {
		t.Fatal(err)
	}
	o := machine(t)
	o.Images, o.Config, o.Arguments = img, everything, vm.FirstBoot("qemu")
	res := vm.Boot(t, o)
	same(t, "differences", Compare(parse(t, everything), res.Machine), brokenValues)
}
