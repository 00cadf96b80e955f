package providers

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

const plain = `{"ignition":{"version":"3.4.0"}}`

// tool runs a program that makes images.
func tool(t testing.TB, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "MTOOLS_SKIP_CHECK=1")
	path, err := exec.LookPath(name)
	if err != nil {
		path = "/usr/sbin/" + name
	}
	cmd.Path, cmd.Err = path, nil
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s(tests/prepare installs what is missing)", strings.Join(cmd.Args, " "), err, out)
	}
}

// An image is made by other people's programs.
type image struct {
	// maker is "genisoimage ..." or "xorriso ..." with options, or the bits of a FAT.
	maker string
	label string
	files map[string]string
}

// images are made once per test run. What is on one is found again by its bytes.
var images = struct {
	sync.Mutex
	made  map[string][]byte
	files map[string]map[string]string
}{made: map[string][]byte{}, files: map[string]map[string]string{}}

// mountImage shows the files of an image as a mount of it would.
func mountImage(device, dir, _ string) (unmount func() error, err error) {
	content, err := os.ReadFile(device)
	if err != nil {
		return nil, err
	}
	images.Lock()
	defer images.Unlock()
	files, known := images.files[string(content)]
	if !known {
		return nil, &report.Error{Err: mountError(device, syscall.EINVAL)}
	}
	for name, text := range files {
		name = filepath.Join(dir, name)
		err = errors.Join(err, os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644))
	}
	return func() error { return os.RemoveAll(dir) }, err
}

func (i image) bytes(t testing.TB) []byte {
	t.Helper()
	images.Lock()
	defer images.Unlock()
	key := i.maker + i.label
	for name, text := range i.files {
		key += name + text
	}
	if images.made[key] == nil || len(i.files) > 1 {
		images.made[key] = i.build(t)
		images.files[string(images.made[key])] = i.files
	}
	return images.made[key]
}

func (i image) build(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	tree, out := filepath.Join(dir, "tree"), filepath.Join(dir, "image")
	os.MkdirAll(tree, 0o755)
	for name, text := range i.files {
		name = filepath.Join(tree, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	switch words := strings.Fields(i.maker); words[0] {
	case "genisoimage":
		tool(t, "genisoimage", append(append([]string{"-quiet", "-V", i.label, "-o", out}, words[1:]...), tree)...)
	case "xorriso":
		tool(t, "xorriso", append(append([]string{"-as", "mkisofs", "-quiet", "-V", i.label, "-o", out}, words[1:]...), tree)...)
	default:
		size := map[string]int64{"12": 2 << 20, "16": 16 << 20, "32": 40 << 20}[words[0]]
		if err := errors.Join(os.WriteFile(out, nil, 0o644), os.Truncate(out, size)); err != nil {
			t.Fatal(err)
		}
		tool(t, "mkfs.vfat", append(append([]string{"-F", words[0], "-n", i.label}, words[1:]...), out)...)
		entries, _ := os.ReadDir(tree)
		for _, e := range entries {
			tool(t, "mcopy", "-s", "-i", out, filepath.Join(tree, e.Name()), "::")
		}
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// attach makes an image a block device of the environment.
func attach(t testing.TB, env *Env, name string, content []byte) {
	t.Helper()
	node := filepath.Join(env.Root, "dev", name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(node), 0o755), os.WriteFile(node+".new", content, 0o644), os.Rename(node+".new", node),
		os.MkdirAll(filepath.Join(env.Root, "sys/class/block", name), 0o755)); err != nil {
		t.Fatal(err)
	}
}

// logged makes an environment that keeps its warnings.
func logged(t *testing.T) (*Env, func() string) {
	env := newEnv(t)
	var mu sync.Mutex
	var b bytes.Buffer
	env.Log = report.NewFuncLogger(func(level report.Level, text string, _ map[string]string) {
		mu.Lock()
		defer mu.Unlock()
		if level >= report.LevelWarn {
			b.WriteString(text + "\n")
		}
	})
	return env, func() string { mu.Lock(); defer mu.Unlock(); return b.String() }
}

var makers = []string{
	"genisoimage -r -J", "genisoimage -r", "genisoimage -J", "genisoimage", "genisoimage -iso-level 4", "genisoimage -udf -r",
	"xorriso -r -J", "xorriso -J", "xorriso --norock", "xorriso -r -D", "12", "16", "32", "16 -s 1", "32 -f 1",
}

func TestDrivesInAllTheirForms(t *testing.T) {
	for _, maker := range makers {
		for _, label := range []string{"cidata", "CIDATA"} {
			env := newEnv(t)
			attach(t, env, "vda", make([]byte, 1<<20))
			attach(t, env, "vdb", image{maker, label, map[string]string{"user-data": plain}}.bytes(t))
			raw, err := fetchIBMCloud(t.Context(), env)
			if err != nil || raw == nil || string(raw.Text) != plain {
				t.Errorf("%s, %s: %+v, %v", maker, label, raw, err)
				continue
			}
			if want := `user config (user-data on vdb, labelled "` + label + `")`; raw.Name != want {
				t.Errorf("%s: it is called %s, want %s", maker, raw.Name, want)
			}
		}
	}
}

func TestNoDriveOnPlatformsThatNeedNone(t *testing.T) {
	for name, fetch := range map[string]func(context.Context, *Env) (*UserData, error){"ibmcloud": fetchIBMCloud, "proxmoxve": fetchProxmoxVE, "kubevirt": fetchKubeVirt} {
		synctest.Test(t, func(t *testing.T) {
			env, log := logged(t)
			env.Timeout = 30 * time.Second
			attach(t, env, "sda", image{"12", "EFI", map[string]string{"user-data": "x"}}.bytes(t))
			attach(t, env, "sdb", nil)
			begun := time.Now()
			raw, err := fetch(t.Context(), env)
			if raw != nil || err != nil || time.Since(begun) != 30*time.Second {
				t.Errorf("%s: after %v: %+v, %v", name, time.Since(begun), raw, err)
			}
			for _, want := range []string{`waiting for the drive labelled "cidata", for 10s so far, 20s left; there are: sda (vfat "EFI"), sdb`,
				`"cidata", for 20s so far, 10s left`, "this machine goes on without a user config"} {
				if !strings.Contains(log(), want) {
					t.Errorf("%s: %q is not in\n%s", name, want, log())
				}
			}
		})
	}
}

func TestRequiredDriveThatIsNotThereIsAnError(t *testing.T) {
	for _, fetch := range []func(context.Context, *Env) (*UserData, error){fetchRequiredDrive, fetchRequiredDrive} {
		synctest.Test(t, func(t *testing.T) {
			env := newEnv(t)
			env.Timeout = 2 * time.Minute
			attach(t, env, "sda", image{"genisoimage", "cidata", map[string]string{"user-data": "x"}}.bytes(t))
			raw, err := fetch(t.Context(), env)
			want := `waiting for the drive labelled "config-2": it has not appeared within 2m0s; there are: sda (iso9660 "cidata")`
			if raw != nil || err == nil || err.Error() != want || !strings.Contains(report.Box("fetch", err), "ignition.platform.id=metal") {
				t.Errorf("got %+v, %v", raw, err)
			}
		})
	}
	env := newEnv(t)
	env.Timeout = 50 * time.Millisecond
	if _, err := fetchRequiredDrive(t.Context(), env); err == nil || !strings.Contains(err.Error(), "there are: no block devices at all") {
		t.Errorf("got %v", err)
	}
}

func TestLateDrives(t *testing.T) {
	for late, found := range map[time.Duration]bool{20 * time.Second: true, 29 * time.Second: true, 35 * time.Second: false} {
		synctest.Test(t, func(t *testing.T) {
			env := newEnv(t)
			content := image{"genisoimage -r", "cidata", map[string]string{"user-data": plain}}.bytes(t)
			attach(t, env, "sr0", nil) // the medium comes later
			time.AfterFunc(late, func() { attach(t, env, "sr0", content) })
			raw, err := fetchIBMCloud(t.Context(), env)
			if err != nil || (raw != nil) != found {
				t.Errorf("after %v: %+v, %v", late, raw, err)
			}
			time.Sleep(time.Minute)
		})
	}
}

func TestDriveWithoutTheFileIsNoConfig(t *testing.T) {
	other := map[string]string{"meta-data": "x"}
	for name, tc := range map[string]struct {
		fetch func(context.Context, *Env) (*UserData, error)
		label string
		files map[string]string
	}{
		"ibmcloud":                     {fetchIBMCloud, "cidata", other},
		"proxmoxve":                    {fetchProxmoxVE, "cidata", other},
		"proxmoxve with cloud-config":  {fetchProxmoxVE, "cidata", map[string]string{"user-data": "#cloud-config\nhostname: x\n"}},
		"proxmoxve with CRLF":          {fetchProxmoxVE, "cidata", map[string]string{"user-data": "#cloud-config\r\nhostname: x\r\n", "vendor-data": " \n"}},
		"nutanix":                      {fetchRequiredDrive, "config-2", other},
		"powervs":                      {fetchRequiredDrive, "CONFIG-2", map[string]string{"openstack/latest/meta_data.json": "{}"}},
		"kubevirt without its file":    {fetchKubeVirt, "cidata", other},
		"openstack's drive on nutanix": {fetchRequiredDrive, "config-2", map[string]string{"openstack/content/0000": "x"}},
	} {
		env := newEnv(t)
		attach(t, env, "vda", image{"genisoimage -r", tc.label, tc.files}.bytes(t))
		if raw, err := tc.fetch(t.Context(), env); raw != nil || err != nil {
			t.Errorf("%s: %+v, %v", name, raw, err)
		}
	}
}

func TestProxmoxTakesWhatIsNotForCloudInit(t *testing.T) {
	for want, files := range map[string]map[string]string{
		plain:             {"user-data": plain, "vendor-data": "other"},
		"from the vendor": {"user-data": "#cloud-config\r\nhostname: x\r\n", "vendor-data": "from the vendor"},
		"vendor only":     {"vendor-data": "vendor only"},
		"after nothing":   {"user-data": "", "vendor-data": "after nothing"},
		"variant: fcos\n": {"user-data": "variant: fcos\n"},
	} {
		env := newEnv(t)
		attach(t, env, "sr0", image{"genisoimage -r -J", "cidata", files}.bytes(t))
		if raw, err := fetchProxmoxVE(t.Context(), env); err != nil || raw == nil || string(raw.Text) != want {
			t.Errorf("got %+v, %v, want %s", raw, err, want)
		}
	}
}

// spoil makes an image one that cannot be mounted. Its label stays.
func spoil(content []byte) []byte {
	content = bytes.Clone(content)
	content[len(content)-1] ^= 1
	return content
}

func TestDriveThatCannotBeReadIsAnError(t *testing.T) {
	good := image{"genisoimage", "cidata", map[string]string{"user-data": plain}}.bytes(t)
	env := newEnv(t)
	attach(t, env, "sr0", spoil(good))
	raw, err := fetchIBMCloud(t.Context(), env)
	if raw != nil || err == nil || !strings.Contains(err.Error(), `reading user-data on sr0, labelled "cidata": mounting `) ||
		!strings.Contains(report.Box("fetch", err), "make the drive anew") {
		t.Errorf("got %+v, %v", raw, err)
	}
	attach(t, env, "vdb", good)
	if raw, err := fetchIBMCloud(t.Context(), env); err != nil || raw == nil {
		t.Errorf("with a good one beside it: %+v, %v", raw, err)
	}
	attach(t, env, "sr0", image{"genisoimage", "CIDATA", map[string]string{"user-data": "of the other case"}}.bytes(t))
	if raw, err := fetchIBMCloud(t.Context(), env); err != nil || string(raw.Text) != plain {
		t.Errorf("the exact label should count more: %+v, %v", raw, err)
	}
}

func TestTransientErrorsAreScannedAgain(t *testing.T) {
	content := image{"genisoimage", "cidata", map[string]string{"user-data": plain}}.bytes(t)
	for name, status := range map[string]func(scan int) (int, error){
		"no disc":   func(int) (int, error) { return cdromNoDisc, nil },
		"tray open": func(int) (int, error) { return cdromTrayOpen, nil },
		"not ready": func(int) (int, error) { return cdromNotReady, nil },
		"no answer": func(int) (int, error) { return 0, nil },
		"a disk":    func(int) (int, error) { return 0, syscall.ENOTTY },
	} {
		synctest.Test(t, func(t *testing.T) {
			env := newEnv(t)
			attach(t, env, "sr0", content)
			scanner, scans := newBlockScanner(env), 0
			scanner.status = func(*os.File) (int, error) {
				if scans++; scans < 4 {
					return status(scans)
				}
				return cdromDiscOK, nil
			}
			c := configDrive{label: "cidata", files: []string{"user-data"}, limit: driveLimit}
			if raw, err := c.await(t.Context(), env, scanner); err != nil || raw == nil {
				t.Errorf("%s: %+v, %v", name, raw, err)
			}
		})
	}
}

func TestDrivesWithoutAMediumAreListed(t *testing.T) {
	env := newEnv(t)
	attach(t, env, "sr0", nil)
	os.MkdirAll(filepath.Join(env.Root, "sys/class/block/nonode"), 0o755)
	scanner := newBlockScanner(env)
	scanner.status = func(*os.File) (int, error) { return cdromTrayOpen, nil }
	c := configDrive{label: "cidata", limit: 20 * time.Millisecond}
	if _, err := c.await(t.Context(), env, scanner); err == nil || !strings.HasSuffix(err.Error(), "there are: nonode (not ready), sr0 (no medium)") {
		t.Errorf("got %v", err)
	}
}

func TestDeviceThatHangsDoesNotHideTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, log := logged(t)
		attach(t, env, "sda", []byte("x"))
		attach(t, env, "sdb", image{"genisoimage", "other", map[string]string{"user-data": plain}}.bytes(t))
		release := make(chan struct{})
		scanner := newBlockScanner(env)
		scanner.status = func(f *os.File) (int, error) {
			if filepath.Base(f.Name()) == "sda" {
				<-release
			}
			return 0, syscall.ENOTTY
		}
		c := configDrive{label: "other", files: []string{"user-data"}, limit: driveLimit}
		if raw, err := c.await(t.Context(), env, scanner); err != nil || raw == nil {
			t.Errorf("got %+v, %v", raw, err)
		}
		c.label = "cidata"
		raw, err := c.await(t.Context(), env, scanner)
		raw, err = unlessMissing(env, raw, err)
		if raw != nil || err == nil || !strings.Contains(err.Error(), "sda does not answer, so that nobody knows whether it is the one") {
			t.Errorf("got %+v, %v", raw, err)
		}
		if !strings.Contains(log(), `there are: sda (does not answer), sdb (iso9660 "other")`) {
			t.Errorf("it says\n%s", log())
		}
		close(release)
		synctest.Wait()
	})
}

func TestEmptyAndMemoryDevicesAreNotScanned(t *testing.T) {
	env := newEnv(t)
	for _, name := range []string{"ram0", "zram0", "loop0", "sr0", "cciss!c0d0"} {
		testkit.WriteFile(t, filepath.Join(env.Root, "sys/class/block", name, "size"), "0\n")
	}
	testkit.WriteFile(t, filepath.Join(env.Root, "sys/class/block/cciss!c0d0/size"), "100\n")
	testkit.WriteFile(t, filepath.Join(env.Root, "dev/cciss/c0d0"), string(image{"16", "CIDATA", map[string]string{"user-data": plain}}.bytes(t)))
	if raw, err := fetchIBMCloud(t.Context(), env); err != nil || !strings.Contains(raw.Name, "cciss!c0d0") {
		t.Errorf("got %+v, %v", raw, err)
	}
	var names []string
	for _, f := range newBlockScanner(env).scan(func(*scanResult) {}) {
		names = append(names, f.String())
	}
	if got := strings.Join(names, ", "); got != `cciss!c0d0 (vfat "CIDATA"), sr0 (not ready)` {
		t.Errorf("scanned %s", got)
	}
}

func TestKubeVirtTakesTheVolumeThatHasAConfig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := newEnv(t)
		env.Timeout = time.Minute
		attach(t, env, "vda", image{"genisoimage -r", "cidata", map[string]string{"meta-data": "x"}}.bytes(t))
		content := image{"genisoimage -r", "config-2", map[string]string{openStackFile: plain}}.bytes(t)
		time.AfterFunc(5*time.Second, func() { attach(t, env, "vdb", content) })
		if raw, err := fetchKubeVirt(t.Context(), env); err != nil || raw == nil || !strings.Contains(raw.Name, "vdb") {
			t.Errorf("got %+v, %v", raw, err)
		}
	})
}

func TestKernelArgumentsNameAFileOnALabel(t *testing.T) {
	for _, tc := range []struct{ label, path, want string }{
		{"MYCFG", "/dir/c.ign", plain},
		{"mycfg", "dir/../dir/c.ign", plain},
		{`A\x20B`, "c", "of the blank"},
	} {
		env := newEnv(t)
		env.Arguments = map[string]string{deviceArgument: tc.label, pathArgument: tc.path}
		attach(t, env, "vda1", image{"16", "MYCFG", map[string]string{"dir/c.ign": plain}}.bytes(t))
		attach(t, env, "vdb", image{"genisoimage -r", "A B", map[string]string{"c": "of the blank"}}.bytes(t))
		raw, err := userConfig(t.Context(), env, "must not be asked")
		if err != nil || string(raw.Text) != tc.want || raw.Source != "cmdline" {
			t.Errorf("%s: %+v, %v", tc.label, raw, err)
		}
	}
	env := newEnv(t)
	env.Arguments = map[string]string{deviceArgument: "MYCFG", pathArgument: "/none.ign"}
	attach(t, env, "vda1", image{"16", "MYCFG", map[string]string{"dir/c.ign": plain}}.bytes(t))
	_, err := userConfig(t.Context(), env, "must not be asked")
	if err == nil || !strings.Contains(err.Error(), `there is no /none.ign on the filesystem labelled "MYCFG"`) {
		t.Errorf("got %v", err)
	}
}

func TestOfflineDriveMakesTheNetworkUnnecessary(t *testing.T) {
	for name, tc := range map[string]struct {
		fetch func(context.Context, *Env) (*UserData, error)
		file  string
	}{"openstack": {fetchOpenStack, openStackFile}, "brightbox": {fetchOpenStack, openStackFile}, "cloudstack": {fetchCloudStack, cloudStackFile}} {
		env := newEnv(t)
		env.Fetch.Offline = true
		attach(t, env, "sr0", image{"genisoimage -r", "CONFIG-2", map[string]string{"other": "x"}}.bytes(t))
		if _, err := tc.fetch(t.Context(), env); !errors.Is(err, fetch.ErrNeedNetwork) {
			t.Errorf("%s: a drive without the file: %v", name, err)
		}
		attach(t, env, "sr0", image{"genisoimage -r", "CONFIG-2", map[string]string{tc.file: plain}}.bytes(t))
		if raw, err := tc.fetch(t.Context(), env); err != nil || string(raw.Text) != plain {
			t.Errorf("%s: %+v, %v", name, raw, err)
		}
	}
}

func TestFilesAreReadBelowTheMountPointOnly(t *testing.T) {
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "secret"), "of the machine")
	drive := filepath.Join(dir, "drive")
	testkit.WriteFile(t, filepath.Join(drive, "OPENSTAC/LATEST/USER_DAT"), "shortened")
	testkit.WriteFile(t, filepath.Join(drive, "Mixed Case"), "other case")
	testkit.WriteFile(t, filepath.Join(drive, "config.ign"), "exact")
	testkit.WriteFile(t, filepath.Join(drive, "Config.ign"), "of the other case")
	for link, to := range map[string]string{"inside": "/config.ign", "up": "../secret", "absolute": filepath.Join(dir, "secret")} {
		testkit.NoError(t, os.Symlink(to, filepath.Join(drive, link)))
	}
	testkit.NoError(t, unix.Mkfifo(filepath.Join(drive, "fifo"), 0o600))
	for name, want := range map[string]string{
		"config.ign": "exact", "mixed case": "other case", "openstack//latest/./user_data": "shortened", "inside": "exact",
		"none": "error: file does not exist", "config.ign/x": "error: file does not exist", "up": "error: file does not exist", "absolute": "error: file does not exist",
		"fifo": "error: there is a named pipe", "OPENSTAC": "error: there is a directory",
	} {
		text, err := readBelow(drive, name)
		wrong, fails := strings.CutPrefix(want, "error: ")
		switch {
		case !fails && (err != nil || string(text) != want):
			t.Errorf("%s: got %q, %v, want %q", name, text, err, want)
		case fails && wrong == fs.ErrNotExist.Error() && !errors.Is(err, fs.ErrNotExist):
			t.Errorf("%s: got %q, %v, want none", name, text, err)
		case fails && wrong != fs.ErrNotExist.Error():
			testkit.ErrorContains(t, name, err, wrong)
		}
	}
}

// A disc often has the same files as UDF and as ISO 9660.
func TestSecondFilesystemIsMountedIfTheKernelDoesNotKnowTheFirst(t *testing.T) {
	env := newEnv(t)
	attach(t, env, "sr0", image{"genisoimage -udf -r", "cidata", map[string]string{"user-data": plain}}.bytes(t))
	known, tried := "iso9660", []string{}
	env.mount = func(device, dir, format string) (func() error, error) {
		if tried = append(tried, format); format != known {
			return nil, &report.Error{Err: mountError(device, unix.ENODEV)}
		}
		return mountImage(device, dir, format)
	}
	if raw, err := fetchIBMCloud(t.Context(), env); err != nil || raw == nil || strings.Join(tried, " ") != "udf iso9660" {
		t.Errorf("got %+v, %v after %s", raw, err, tried)
	}
	known = ""
	_, err := fetchIBMCloud(t.Context(), env)
	testkit.ErrorContains(t, "neither", err, `reading user-data on sr0, labelled "cidata": mounting`, "no such device")
}

// boxText is the failure box without its lines.
func boxText(err error) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(report.Box("fetch", err), "|", " ")), " ")
}

func TestMissingModuleIsNamed(t *testing.T) {
	for format, want := range map[string]string{"iso9660": "dracut --add-drivers isofs", "udf": "dracut --add-drivers udf", "vfat": "dracut --add-drivers vfat"} {
		err := driveMountError("/dev/sr0", format, &system.MountError{Err: unix.ENODEV})
		testkit.Contains(t, format, boxText(err), want, "mounting /dev/sr0: no such device")
	}
	testkit.Contains(t, "vfat", boxText(driveMountError("/dev/sr0", "vfat", &system.MountError{Err: unix.EINVAL})), "nls_cp437 nls_ascii")
}
