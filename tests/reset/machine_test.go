package reset

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/reset"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

const (
	requestID = "0123456789abcdef0123456789abcdef"
	machineID = "fedcba9876543210fedcba9876543210"
	device    = "/dev/nbd0"
	sysroot   = "/sysroot"
)

// newConfig is the config of the reset.
var newConfig = `{"ignition": {"version": "3.5.0"}, "storage": {
	"directories": [{"path": "/var/lib/new", "mode": 448}],
	"links": [{"path": "/etc/link", "target": "of-the-reset"}],
	"files": [
		{"path": "/etc/of-the-reset", "contents": {"source": "data:,new"}},
		{"path": "/var/lib/app/added", "contents": {"source": "data:,beside%20what%20is%20kept"}},
		{"path": "/opt/large", "contents": {"source": "data:;base64,` + largeText + `"}}]},
	"systemd": {"units": [{"name": "new.service", "enabled": true, "contents": "[Service]\nExecStart=/usr/bin/true\n[Install]\nWantedBy=multi-user.target\n"}]}}`

// ofThePlatform is the config that a machine that is being reset must not take.
const ofThePlatform = `{"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "/etc/of-the-platform"}]}}`

// kept are the paths that stay.
var kept = []string{"/var/lib/app", "/var/lib/containers", "/home/core/.ssh/authorized_keys"}

// provisioned makes what a machine has after some time, in the root of which /usr is mounted.
const provisioned = `
for dir in bin sbin lib; do ln -s usr/$dir $dir; done
mkdir -p dev proc sys run tmp etc/ssh home/core/.ssh opt root srv usr var/lib/app/deep/er var/lib/other var/log/journal boot
chmod 1777 tmp
echo ` + machineID + ` > etc/machine-id
echo old > etc/hostname; echo key > etc/ssh/host; ln -s hostname etc/name
echo keep > home/core/.ssh/authorized_keys; chmod 600 home/core/.ssh/authorized_keys; chown -R 1000:1000 home/core
chmod 700 home/core/.ssh; echo go > home/core/.bash_history
head -c 300000 /dev/urandom > var/lib/app/blob; echo deep > var/lib/app/deep/er/file
chown 33:33 var/lib/app/deep; chmod 2750 var/lib/app/deep
echo sealed > var/lib/app/sealed; chattr +i var/lib/app/sealed
# Names of one node, on both sides of the border.
echo both > var/lib/app/both; ln var/lib/app/both var/lib/other/both; echo outside > var/lib/other/twice; ln var/lib/other/twice opt/twice
# Container storage, as overlay has it.
upper=var/lib/containers/storage/overlay/upper
mkdir -p $upper/opaque; mknod $upper/gone c 0 0
mkdir -p opt/containers; mknod opt/containers/gone c 0 0; mkfifo opt/fifo
echo append > var/log/append; chattr +a var/log/append; echo i > opt/immutable; chattr +i opt/immutable
long=$(printf 'n%.0s' $(seq 255)); echo long > opt/$long
(mkdir opt/deep; cd opt/deep; for i in $(seq 38); do mkdir $(printf 'd%.0s' $(seq 100)); cd $(printf 'd%.0s' $(seq 100)); done; echo deep > file)
for i in $(seq 300); do echo $i > opt/containers/$i; done
`

// attributed are extended attributes of what is kept: with those in the namespace "user" a
// podman without root has its overlays.
var attributed = [][3]string{
	{"/var/lib/app/blob", "user.tag", "value"},
	{upper + "/opaque", "trusted.overlay.opaque", "y"},
	{upper + "/opaque", "user.overlay.origin", "\x00\xfb!\x00"},
	{upper, "user.containers.override_stat", "0:0:0755"},
}

const upper = "/var/lib/containers/storage/overlay/upper"

// A machine is what is reset.
type machine struct {
	t     testing.TB
	image string // of the root, as it was provisioned
	dir   string
	// before has all nodes of the root before the reset.
	before map[string]node
}

// newMachine makes a machine without a root: a /usr, and a boot filesystem, which is in a file.
func newMachine(t testing.TB) *machine {
	t.Helper()
	m := &machine{t: t, dir: t.TempDir()}
	shell(t, fmt.Sprintf(`mkdir -p %s; cd %s; mkdir -p usr/bin usr/lib/systemd/system image boot/firstlight
		truncate -s 32M usr.img; mkfs.ext4 -q -L usr -d usr usr.img`, sysroot, m.dir))
	testkit.WriteFile(t, m.dir+"/platform.ign", ofThePlatform)
	testkit.WriteFile(t, m.dir+"/cmdline", "ignition.firstboot ignition.platform.id=file\n")
	return m
}

// makeRoot makes the root on a device, as a machine has it after some time, and returns its
// UUID.
func (m *machine) makeRoot(device string) (uuid string) {
	t := m.t
	t.Helper()
	shell(t, "mkfs.ext4 -q -L root "+device+"; mount "+device+" "+sysroot)
	shell(t, "cd "+sysroot+provisioned)
	for _, a := range attributed {
		testkit.NoError(t, unix.Lsetxattr(sysroot+a[0], a[1], []byte(a[2]), 0))
	}
	m.before = look(t)
	shell(t, "umount "+sysroot)
	return shell(t, "blkid -p -s UUID -o value "+device)
}

// request has the next boot be a reset.
func (m *machine) request(config, root string) {
	t := m.t
	t.Helper()
	r := reset.Request{ID: requestID, Created: time.Now().UTC(), Config: config, Name: "new.ign", Keep: kept, MachineID: machineID, Root: []string{root}}
	text, err := r.Text()
	testkit.NoError(t, err)
	testkit.WriteFile(t, m.dir+"/boot"+reset.File, string(text))
	testkit.WriteFile(t, m.dir+"/cmdline", "ignition.firstboot ignition.platform.id=file "+r.KernelArgument()+"\n")
	detach := "for loop in $(losetup -j " + m.dir + "/boot.img -O NAME -n); do losetup -d $loop; done\n"
	shell(t, detach+"cd "+m.dir+"; rm -f boot.img; truncate -s 32M boot.img; mkfs.ext4 -q -L boot -d boot boot.img; losetup --find boot.img; udevadm settle")
	t.Cleanup(func() { shell(t, detach) })
}

// volatile boots a machine from a disk whose power may be cut, and returns all nodes of its root
// then.
func (m *machine) volatile(disk *vm.VolatileDisk, options string) map[string]node {
	m.t.Helper()
	detach, err := disk.Attach(device)
	testkit.NoError(m.t, err)
	after := m.boot(device, options)
	testkit.NoError(m.t, detach())
	return after
}

// boot provisions or resets the machine, as its initramfs does, with the root mounted with some
// options, and returns all nodes of the root then.
func (m *machine) boot(device, options string) map[string]node {
	m.t.Helper()
	after, log, err := m.try(device, options)
	if err != nil {
		m.t.Fatalf("%v\n%s", err, log)
	}
	return after
}

// try is boot for a machine that may stop in the initramfs.
func (m *machine) try(device, options string) (after map[string]node, log string, err error) {
	t := m.t
	t.Helper()
	shell(t, fmt.Sprintf("rm -rf /run/ignition /run/ignition.json; mount -o %s %s %s; mkdir -p %s/usr; mount -o ro,loop %s/usr.img %s/usr", options, device, sysroot, sysroot, m.dir, sysroot))
	for _, stage := range []string{"fetch-offline", "kargs", "disks", "mount", "files", "umount"} {
		cmd := exec.Command("/share/firstlight", "--platform=file", "--root="+sysroot, "--log-to-stdout", "--stage="+stage)
		cmd.Env = append(os.Environ(), "IGNITION_CONFIG_FILE="+m.dir+"/platform.ign", "IGNITION_KERNEL_CMDLINE_PATH="+m.dir+"/cmdline", "IGNITION_SYSTEM_CONFIG_DIR="+m.dir+"/image")
		var out []byte
		if out, err = cmd.CombinedOutput(); err != nil {
			err = fmt.Errorf("stage %s: %w", stage, err)
		}
		if log += string(out); err != nil {
			break
		}
	}
	shell(t, "umount "+sysroot+"/usr")
	after = look(t)
	shell(t, "umount "+sysroot)
	return after, log, err
}

// A node is what is at a path.
type node struct {
	mode, uid, gid uint32
	device         uint64
	contents       string // a digest, or where a link leads to
	attributes     string
	size           int64
	// Of what is kept these do not change either.
	inode    uint64
	modified int64
}

func (n node) String() string {
	return fmt.Sprintf("%o %d:%d %d %s %s", n.mode, n.uid, n.gid, n.device, n.contents, n.attributes)
}

// look returns all nodes of the root by their paths, but for what is mounted there.
func look(t testing.TB) map[string]node {
	t.Helper()
	all := map[string]node{}
	var top unix.Stat_t
	testkit.NoError(t, unix.Lstat(sysroot, &top))
	testkit.NoError(t, filepath.WalkDir(sysroot, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		if st.Dev != top.Dev {
			return fs.SkipDir
		}
		n := node{mode: st.Mode, uid: st.Uid, gid: st.Gid, device: st.Rdev, size: st.Size, inode: st.Ino, modified: st.Mtim.Nano(), attributes: attributes(path)}
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFREG:
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			n.contents = digest(string(text))
		case unix.S_IFLNK:
			n.contents, _ = os.Readlink(path)
		}
		all["/"+strings.TrimPrefix(strings.TrimPrefix(path, sysroot), "/")] = n
		return nil
	}))
	return all
}

func digest(text string) string {
	return fmt.Sprintf("%d bytes, %x", len(text), sha256.Sum256([]byte(text)))
}

// attributes are the extended ones of a node, with their values.
func attributes(path string) string {
	names := make([]byte, 4096)
	n, err := unix.Llistxattr(path, names)
	if err != nil {
		return err.Error()
	}
	var all []string
	for name := range strings.FieldsFuncSeq(string(names[:n]), func(r rune) bool { return r == 0 }) {
		value := make([]byte, 4096)
		n, err := unix.Lgetxattr(path, name, value)
		all = append(all, fmt.Sprintf("%s=%q %v", name, value[:max(n, 0)], err))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// isKept reports whether a path is one that stays, with all that is in it.
func isKept(path string) bool {
	return slices.ContainsFunc(kept, func(k string) bool { return path == k || strings.HasPrefix(path, k+"/") })
}

// ownOfABoot are files of which each boot has its own.
func ownOfABoot(path string) bool {
	return path == "/etc/.provisioning-ledger.json" || path == "/etc/.ignition-result.json" || strings.HasPrefix(path, "/var/log/firstlight/")
}

// keptBytes is how much stays.
func (m *machine) keptBytes() (bytes int64) {
	for path, n := range m.before {
		if isKept(path) && n.mode&unix.S_IFMT == unix.S_IFREG {
			bytes += n.size
		}
	}
	return bytes
}

// lost are the nodes that should have been kept and are not as they were.
func lost(before, after map[string]node) (all []string) {
	for path, want := range before {
		got, there := after[path]
		if path == "/var/lib/app" { // a file was added to it
			want.modified = got.modified
		}
		if isKept(path) && (!there || got != want) {
			all = append(all, fmt.Sprintf("%s: got %v (%d, %d), want %v (%d, %d)", path, got, got.inode, got.modified, want, want.inode, want.modified))
		}
	}
	slices.Sort(all)
	return all
}

// left are the nodes, no directories, that should have gone and are still there. Links of the
// root that lead to /usr belong to what a root has.
func left(before, after map[string]node) (all []string) {
	inodes := map[uint64]string{}
	for path, n := range before {
		inodes[n.inode] = path
	}
	for path, was := range before {
		is, there := after[path]
		if isKept(path) || was.mode&unix.S_IFMT == unix.S_IFDIR || !there {
			continue
		}
		if path == "/etc/machine-id" || was.mode&unix.S_IFMT == unix.S_IFLNK && strings.HasPrefix(was.contents, "usr/") {
			continue
		}
		all = append(all, fmt.Sprintf("%s: %v", path, is))
	}
	slices.Sort(all)
	return all
}

// differences compares two roots, but for what is of each boot and the inodes and times of
// what is new.
func differences(want, got map[string]node) (all []string) {
	comparable := func(nodes map[string]node) map[string]string {
		lines := map[string]string{}
		for path, n := range nodes {
			lines[path] = n.String()
			if ownOfABoot(path) {
				lines[path] = ""
			}
			if strings.HasPrefix(path, "/var/log/firstlight/") { // named by the boot
				delete(lines, path)
			}
		}
		return lines
	}
	w, g := comparable(want), comparable(got)
	for _, path := range slices.Sorted(maps.Keys(w)) {
		if line, there := g[path]; !there || line != w[path] {
			all = append(all, fmt.Sprintf("%s: got %q, want %q", path, line, w[path]))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(g)) {
		if _, there := w[path]; !there {
			all = append(all, path+" is new")
		}
	}
	return all
}

func shell(t testing.TB, script string) string {
	t.Helper()
	out, err := exec.Command("bash", "-euc", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}
