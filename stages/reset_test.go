package stages

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/clearing"
	"github.com/firstlight-os/firstlight/internal/bootloader"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/reset"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

const (
	resetID    = "0123456789abcdef0123456789abcdef"
	rootUUID   = "11111111-2222-4333-8444-555555555555"
	resetUnits = `{` + version + `, "storage": {"files": [{"path": "/etc/of-the-reset", "overwrite": true, "contents": {"source": "data:,new"}}]}}`
	// ofThePlatform must never be taken by a machine that is being reset.
	ofThePlatform = `{` + version + `, "storage": {"files": [{"path": "/etc/of-the-platform"}]}}`
)

// requested is a bench of a machine whose boot loader tells of a request, which is on its boot
// filesystem. The platform has a config of its own, and so has the kernel command line.
func requested(t *testing.T, r reset.Request) *bench {
	t.Helper()
	b := newBench(t, ofThePlatform)
	b.write("cmdline", "ignition.config.url=http://127.0.0.1:1/c firstlight.reset="+resetID+"\n")
	b.request(r)
	return b
}

// request puts a request onto the boot filesystem.
func (b *bench) request(r reset.Request) {
	text := requestText(b.t, r)
	b.opts.BootFile = func(_ context.Context, w bootloader.Wanted) (string, error) {
		testkit.Equal(b.t, "path", w.Path, reset.File)
		if err := w.Accept(text); err != nil {
			return "", err
		}
		return "/firstlight/reset.json on /dev/vda1", nil
	}
}

// someRequest is one that can be read, with a config.
func someRequest(cfg string) reset.Request {
	return reset.Request{ID: resetID, Created: time.Date(2026, 11, 29, 23, 0, 0, 0, time.UTC), Config: cfg, Name: "new.bu", Root: []string{rootUUID}}
}

func requestText(t *testing.T, r reset.Request) []byte {
	t.Helper()
	text, err := r.Text()
	testkit.NoError(t, err)
	return text
}

func (b *bench) paths() (all []string) {
	for _, f := range b.cachedConfig().Storage.Files {
		all = append(all, f.Path)
	}
	return all
}

func TestResetTakesItsConfigFromTheRequestAlone(t *testing.T) {
	b := requested(t, someRequest(resetUnits))
	b.must("fetch-offline")
	testkit.Equal(t, "files", b.paths(), []string{"/etc/of-the-reset"})
	testkit.Equal(t, "needs the network", system.Exists(b.opts.NeedNet), false)
	testkit.Equal(t, "origin", b.cachedConfig().Storage.Files[0].Origin("path").Source, "user config (new.bu, of a reset)")
	b.says("this machine is being reset, as the request "+resetID, "/firstlight/reset.json on /dev/vda1", `fetched user config from "reset"`)
	if text := b.read("run/ignition/state"); strings.Contains(text, "of-the-reset") || !strings.Contains(text, `"reset":{"version":1,"id":"`+resetID) {
		t.Errorf("the state should have the request without its config: %s", text)
	}
	testkit.Equal(t, "the record", *b.record().Reset, report.Reset{Request: resetID, Requested: someRequest("").Created})
}

func TestResetByACredential(t *testing.T) {
	b := newBench(t, ofThePlatform)
	b.opts.Credentials = b.path("extra")
	b.must("fetch-offline")
	testkit.Equal(t, "files without a request", b.paths(), []string{"/etc/of-the-platform"})
	b.write("extra/firstlight.reset.cred", string(requestText(t, someRequest(resetUnits))))
	b.must("fetch-offline")
	testkit.Equal(t, "files", b.paths(), []string{"/etc/of-the-reset"})
	b.says("the credential firstlight.reset")
}

// A machine whose reset is pending never takes the platform's config instead.
func TestResetWithoutItsRequestStopsTheBoot(t *testing.T) {
	other := someRequest(resetUnits)
	other.ID = strings.Repeat("f", 32)
	for name, c := range map[string]struct {
		change func(b *bench)
		words  []string
	}{
		"another request": {func(b *bench) { b.request(other) },
			[]string{"looking for the request that the kernel argument firstlight.reset=" + resetID + " names", `is the request "` + other.ID + `"`}},
		"no file": {func(b *bench) {
			b.opts.BootFile = func(context.Context, bootloader.Wanted) (string, error) {
				return "", errors.New("there is none")
			}
		}, []string{"there is none"}},
		"an argument without an ID": {func(b *bench) { b.write("cmdline", "firstlight.reset\n") }, []string{`is the request "` + resetID + `"`}},
		"a broken credential": {func(b *bench) {
			b.write("cmdline", "quiet\n")
			b.opts.Credentials = b.path("extra")
			b.write("extra/firstlight.reset.cred", string(requestText(t, other)[:200]))
		}, []string{"reading the credential firstlight.reset", "the request is not JSON, or it is cut off"}},
		"a config that is none": {func(b *bench) { b.request(someRequest("{")) }, []string{"user config (new.bu, of a reset), line 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := requested(t, someRequest(resetUnits))
			c.change(b)
			b.refuses("fetch-offline", c.words...)
			if name != "a config that is none" {
				b.refuses("fetch-offline", `nothing was changed. For the system as it was, start the machine without the kernel argument that makes this a first boot (in the menu of the boot loader) and run "firstlightctl reset --cancel" there`)
			}
			testkit.Equal(t, "a cached config", system.Exists(b.opts.ConfigCache), false)
		})
	}
}

func TestResetIsTrustedAsAnyFirstConfig(t *testing.T) {
	b := requested(t, someRequest(resetUnits))
	sign := b.trustKey()
	b.refuses("fetch-offline", "the user config (new.bu, of a reset) is not signed, as this image wants it", `hand over what "cat CONFIG.sig CONFIG" prints`)
	b.request(someRequest(sign(resetUnits) + resetUnits))
	b.must("fetch-offline")
	b.says("the user config (new.bu, of a reset) is signed with the SSH key")

	b = requested(t, someRequest(resetUnits))
	b.write("cmdline", fmt.Sprintf("firstlight.reset=%s ignition.config.hash=sha256-%x\n", resetID, sha256.Sum256([]byte(ofThePlatform))))
	b.refuses("fetch-offline", "the sha256 of the user config (new.bu, of a reset) is not the one on the kernel command line")
	b.write("cmdline", fmt.Sprintf("firstlight.reset=%s ignition.config.hash=sha256-%x\n", resetID, sha256.Sum256([]byte(resetUnits))))
	b.must("fetch-offline")
}

func TestResetMergesWhatItsConfigRefersTo(t *testing.T) {
	url := server(t, map[string]string{"/child": `{` + version + `, "storage": {"files": [{"path": "/etc/child"}]}}`})
	b := requested(t, someRequest(`{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "`+url+`/child"}]}}}`))
	b.write("image/usr/base.d/10.ign", `{`+version+`, "storage": {"files": [{"path": "/etc/base"}]}}`)
	b.must("fetch-offline")
	testkit.Equal(t, "needs the network", system.Exists(b.opts.NeedNet), true)
	b.must("fetch")
	testkit.Equal(t, "files", b.paths(), []string{"/etc/child"})
	b.says(`fetched base config from "system"`)
}

// image makes the root one of a machine that was provisioned, with what RESET_KEEP says of it.
func (b *bench) image() {
	b.write("image/usr/distribution.conf", "RESET_KEEP=/usr\nRESET_ETC=/usr/share/etc\nSELINUX_RELABEL=no\n")
	for name, text := range map[string]string{
		"usr/share/etc/passwd": "root:x:0:0::/root:/bin/sh\n", "usr/share/etc/group": "root:x:0:\n", "usr/share/etc/issue": "of the image",
		"etc/issue": "changed", "etc/old": "old", "etc/machine-id": strings.Repeat("a", 32) + "\n",
		"var/lib/app/data": "precious", "var/lib/app/more": "12", "var/lib/other": "old", "home/core/file": "old",
	} {
		b.write("root/"+name, text)
	}
}

func keeping(keep ...string) reset.Request {
	r := someRequest(resetUnits)
	r.Keep, r.MachineID = keep, strings.Repeat("a", 32)
	return r
}

func TestResetClearsTheRootOnce(t *testing.T) {
	b := requested(t, keeping("/var/lib/app"))
	b.image()
	b.must("fetch-offline", "kargs", "disks", "mount", "files", "umount")
	for name, want := range map[string]string{"var/lib/app/data": "precious", "etc/of-the-reset": "new", "etc/issue": "of the image", "etc/machine-id": strings.Repeat("a", 32) + "\n"} {
		testkit.Equal(t, name, b.read("root/"+name), want)
	}
	for _, name := range []string{"etc/old", "var/lib/other", "home/core/file"} {
		testkit.Equal(t, name+" exists", system.Exists(b.path("root/"+name)), false)
	}
	// /etc/machine-id was as it is wanted, and did not go.
	removed := report.Amount{Files: 6, Bytes: int64(len("root:x:0:0::/root:/bin/sh\n" + "root:x:0:\n" + "changed" + "old" + "old" + "old"))}
	testkit.Equal(t, "the record", *b.record().Reset, report.Reset{Request: resetID, Requested: keeping().Created, MachineID: true,
		Kept: []report.Amount{{Path: "/var/lib/app", Files: 2, Bytes: 10}}, Removed: &removed})

	// The first boot is repeated: with the same request, whatever has become of its config.
	b.write("root/etc/since", "of the new system")
	b.write("image/usr/base.d/10.ign", `{`+version+`, "storage": {"files": [{"path": "/etc/base"}]}}`)
	b.must("fetch-offline", "kargs", "disks", "mount", "files", "umount")
	testkit.Equal(t, "a new file", b.read("root/etc/since"), "of the new system")
	b.says("an earlier boot has cleared the root")
	testkit.Equal(t, "removed, as the record has it", *b.record().Reset.Removed, removed)

	// Another request clears again.
	again := keeping("/var/lib/app")
	again.ID = strings.Repeat("e", 32)
	b.write("cmdline", "firstlight.reset="+again.ID+"\n")
	b.request(again)
	b.must("fetch-offline", "kargs", "disks", "mount", "files", "umount")
	testkit.Equal(t, "etc/since exists", system.Exists(b.path("root/etc/since")), false)
	testkit.Equal(t, "etc/base exists", system.Exists(b.path("root/etc/base")), true)
	testkit.Equal(t, "data", b.read("root/var/lib/app/data"), "precious")
}

// What cannot be kept stops the boot with the root as it was.
func TestResetThatCannotKeepChangesNothing(t *testing.T) {
	b := requested(t, keeping("/var/lib/app", "/var/lib/none", "/var/link/x"))
	b.image()
	testkit.NoError(t, os.Symlink("lib", b.path("root/var/link")))
	b.must("fetch-offline", "kargs", "disks")
	b.refuses("mount", `the path "/var/lib/none" cannot be kept: it does not exist`, `the path "/var/link/x" cannot be kept: "/var/link" is a symbolic link`)
	testkit.Equal(t, "data that would go", b.read("root/home/core/file"), "old")

	b = requested(t, keeping("/var/lib/app"))
	b.write("root/var/lib/app/data", "precious")
	b.must("fetch-offline", "kargs", "disks")
	b.refuses("mount", "what of the root belongs to the image is not known", "provision this machine from a new image, or have the distribution say in RESET_KEEP what belongs to the image")
	testkit.Equal(t, "data", b.read("root/var/lib/app/data"), "precious")
}

// Files that the config has among what stays are in the way as ever, and that is found while
// the root is as it was; what is in the way elsewhere goes.
func TestResetFindsWhatStaysInTheWayBeforeItClears(t *testing.T) {
	r := keeping("/var/lib/app")
	file := func(path string) string {
		return `{"path": "` + path + `", "user": {"name": "nobody-there"}, "contents": {"source": "data:,new"}}`
	}
	r.Config = `{` + version + `, "storage": {"files": [` + file("/home/core/file") + "," + file("/var/lib/app/data") + `],
		"directories": [{"path": "/var/lib/app/more"}]}}`
	b := requested(t, r)
	b.image()
	b.write("root/etc/shadow", "\x00\x00")
	b.write("image/usr/base.d/10.ign", `{`+version+`, "storage": {"links": [{"path": "/usr/share/etc/issue", "target": "x"}]}}`)
	b.must("fetch-offline", "kargs", "disks")
	b.refuses("mount", "file /var/lib/app/data: the config gives it contents, but there already is a file of 8 bytes and overwrite is not set", "directory /var/lib/app/more", "link /usr/share/etc/issue")
	if box := b.read("run/ignition/report.txt"); strings.Contains(box, "/home/core/file") || strings.Contains(box, "nobody-there") {
		t.Errorf("what goes is in the way:\n%s", box)
	}
	testkit.Equal(t, "what would go", b.read("root/home/core/file"), "old")
	testkit.Equal(t, "etc/old exists", system.Exists(b.path("root/etc/old")), true)
}

// What is below a mount point of the config is not what the config writes to.
func TestPartOfAConfigThatIsAmongWhatStays(t *testing.T) {
	cfg, _, err := config.Parse([]byte(`{`+version+`, "storage": {"files": [{"path": "/kept/a"}, {"path": "/kept/mounted/b"}, {"path": "/keptnot/c"}],
		"directories": [{"path": "/kept"}, {"path": "/other"}], "links": [{"path": "/other/l", "target": "x"}, {"path": "/kept/l", "target": "x"}],
		"filesystems": [{"device": "/dev/vdb", "format": "ext4", "path": "/kept/mounted"}]}}`), "c")
	testkit.NoError(t, err)
	only := inside(cfg, []clearing.Part{{Path: "/kept"}})
	var got []string
	for _, f := range only.Storage.Files {
		got = append(got, f.Path)
	}
	for _, d := range only.Storage.Directories {
		got = append(got, d.Path)
	}
	for _, l := range only.Storage.Links {
		got = append(got, l.Path)
	}
	testkit.Equal(t, "paths", got, []string{"/kept/a", "/kept", "/kept/l"})
}

// The kargs stage reboots if an argument had to change: nothing is left in /run, and the request
// is where it was.
func TestResetGoesOnAfterTheKargsStageHasRebooted(t *testing.T) {
	r := keeping("/var/lib/app")
	r.Config = `{"ignition": {"version": "3.3.0"}, "kernelArguments": {"shouldExist": ["wanted"]}, "storage": {"files": [{"path": "/etc/of-the-reset", "contents": {"source": "data:,new"}}]}}`
	b := requested(t, r)
	b.image()
	b.write("bin/ignition-kargs-helper", "#!/bin/sh\necho \"$@\" >> "+b.path("kargs")+"\n")
	testkit.NoError(t, os.Chmod(b.path("bin/ignition-kargs-helper"), 0o755))
	t.Setenv("PATH", b.path("bin")+":"+os.Getenv("PATH"))
	b.must("fetch-offline", "kargs")
	b.tool("rm", "-r", b.path("run"))
	testkit.Equal(t, "what would go", b.read("root/home/core/file"), "old")
	b.must("fetch-offline", "kargs", "disks", "mount", "files", "umount")
	testkit.Equal(t, "calls of the helper", b.read("kargs"), strings.Repeat("--should-exist wanted\n", 2))
	testkit.Equal(t, "the new file", b.read("root/etc/of-the-reset"), "new")
	testkit.Equal(t, "home/core/file exists", system.Exists(b.path("root/home/core/file")), false)
	testkit.Equal(t, "what was kept", b.read("root/var/lib/app/data"), "precious")
}

func TestUnreadableLedgerDoesNotKeepARootFromBeingCleared(t *testing.T) {
	b := requested(t, keeping())
	b.image()
	b.write("root/etc/.provisioning-ledger.json", "{")
	b.must("fetch-offline", "kargs", "disks", "mount", "files", "umount")
	testkit.Equal(t, "etc/old exists", system.Exists(b.path("root/etc/old")), false)
}

func TestResetThatIsOnlyPlannedClearsNothing(t *testing.T) {
	b := requested(t, keeping("/var/lib/app"))
	b.image()
	b.write("cmdline", "firstlight.plan firstlight.reset="+resetID+"\n")
	b.must("fetch-offline", "kargs")
	if err := b.run("disks"); !errors.Is(err, ErrPlanned) {
		t.Fatalf("got %v", err)
	}
	// What is in the way now may be none of what stays.
	b.says("mount: removing from ", "files: not planned, as the root is not cleared yet")
	testkit.Equal(t, "old", b.read("root/etc/old"), "old")
	b.tool("rm", "-rf", b.path("root"))
	testkit.NoError(t, os.Mkdir(b.path("root"), 0o755))
	if err := b.run("disks"); !errors.Is(err, ErrPlanned) {
		t.Fatalf("got %v", err)
	}
	b.says("mount: removing from the root what does not stay (it is not mounted yet)")
}

func TestResetRefusesToDestroyTheRoot(t *testing.T) {
	disk := t.TempDir() + "/disk"
	testkit.WriteFile(t, disk, "")
	testkit.NoError(t, os.Truncate(disk, 16<<20))
	r := keeping("/var/lib/app", "/home")
	r.Config = `{` + version + `, "storage": {"filesystems": [{"device": "` + disk + `", "format": "ext4", "label": "new", "wipeFilesystem": true}]}}`
	b := requested(t, r)
	b.tool("mkfs.ext4", "-q", "-L", "root", "-U", rootUUID, disk)
	b.must("fetch-offline", "kargs")
	b.refuses("disks", "making ext4 \"new\" on "+disk+` would destroy ext4 "root", which is part of the root, of which /var/lib/app, /home is to be kept`,
		"user config (new.bu, of a reset), line 1", "take that out of the config, or keep nothing")
	if out, err := exec.Command("blkid", "-o", "value", "-s", "LABEL", disk).Output(); err != nil || string(out) != "root\n" {
		t.Errorf("the disk has become %q, %v", out, err)
	}
}
