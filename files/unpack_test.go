package files

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/report"
	tarball "github.com/firstlight-os/firstlight/internal/tar"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// hostile are archives that no honest program makes, or that are not for a first boot, with
// what the person at the console reads. None may leave anything.
var hostile = []struct {
	name    string
	headers []tar.Header
	want    string
}{
	{"a name that leads up", []tar.Header{tarFile("../x", "x")}, `the name "../x" leads out of a directory, with ..`},
	{"a name that leads up in its middle", []tar.Header{tarFile("a/../../x", "x")}, `the name "a/../../x" leads out`},
	{"a name that only looks so", []tar.Header{tarFile("a/../x", "x")}, `the name "a/../x" leads out`},
	{"an absolute name", []tar.Header{tarFile("/etc/passwd", "x")}, `the name "/etc/passwd" is absolute`},
	{"a directory that leads up", []tar.Header{tarDir("..", 0o777)}, `the name ".." leads out`},
	{"a file below a link", []tar.Header{tarLink("d", "/etc"), tarFile("d/passwd", "x")}, `"d/passwd" cannot be where something else of the archive is`},
	{"a file below a link up", []tar.Header{tarLink("d", "../../outside"), tarFile("d/x", "x")}, `"d/x" cannot be where something else of the archive is`},
	{"a file below two links", []tar.Header{tarLink("a", "."), tarLink("a2", "a/.."), tarFile("a2/x", "x")}, `"a2/x" cannot be where something else of the archive is`},
	{"a directory over a link", []tar.Header{tarLink("d", "/etc"), tarDir("d", 0o777)}, `"d" cannot be where something else of the archive is`},
	{"a file over a directory", []tar.Header{tarFile("d/x", "x"), tarFile("d", "x")}, `"d" cannot be where something else of the archive is`},
	{"a link over a directory", []tar.Header{tarFile("d/x", "x"), tarLink("d", "/etc")}, `"d" cannot be where something else of the archive is`},
	{"a file below a file", []tar.Header{tarFile("d", "x"), tarFile("d/x", "x")}, `"d/x" cannot be where something else of the archive is`},
	{"a hard link out of it", []tar.Header{tarHardLink("h", "/etc/passwd")}, `the name "/etc/passwd" is absolute`},
	{"a hard link up", []tar.Header{tarHardLink("h", "../secret")}, `the name "../secret" leads out`},
	{"a hard link through a link", []tar.Header{tarLink("d", "../.."), tarHardLink("h", "d/secret")}, `"h" is a hard link to "d/secret", which has not come before it`},
	{"a hard link to what comes later", []tar.Header{tarHardLink("h", "f"), tarFile("f", "x")}, `"h" is a hard link to "f", which has not come before it`},
	{"a hard link to itself", []tar.Header{tarHardLink("h", "h")}, `"h" is a hard link to "h", which is not unpacked`},
	{"a hard link to a directory", []tar.Header{tarDir("d", 0o755), tarHardLink("h", "d")}, `"h" is a hard link to "d", which is a directory`},
	{"a device", []tar.Header{{Typeflag: tar.TypeBlock, Name: "sda", Devmajor: 8}}, `"sda" is a device`},
	{"a character device", []tar.Header{{Typeflag: tar.TypeChar, Name: "mem", Devmajor: 1, Devminor: 1}}, `"mem" is a device`},
	{"a named pipe", []tar.Header{{Typeflag: tar.TypeFifo, Name: "pipe"}}, `"pipe" is a named pipe`},
	{"a file of an unknown kind", []tar.Header{{Typeflag: 'Q', Name: "q"}}, `"q" is of the unknown kind 'Q'`},
	{"a setuid file", []tar.Header{{Name: "su", Mode: 0o4755}}, `"su" has the setuid or setgid bit (mode 4755)`},
	{"a setgid file", []tar.Header{{Name: "sg", Mode: 0o2755}}, `"sg" has the setuid or setgid bit (mode 2755)`},
	{"a file with capabilities", []tar.Header{withAttribute("ping", capability, mayOpenSockets)}, `"ping" has capabilities (security.capability)`},
	{"capabilities that are cut off", []tar.Header{withAttribute("ping", capability, mayOpenSockets[:12])}, `"ping" has the extended attribute "security.capability" of 12 bytes, which Linux cannot have`},
	{"capabilities of a version to come", []tar.Header{withAttribute("ping", capability, "\x01\x00\x00\x04"+mayOpenSockets[4:])}, `"security.capability" of 20 bytes, which Linux cannot have`},
	{"capabilities with unknown flags", []tar.Header{withAttribute("ping", capability, "\x03"+mayOpenSockets[1:])}, `"security.capability" of 20 bytes, which Linux cannot have`},
	{"capabilities that are too long", []tar.Header{withAttribute("ping", capability, mayOpenSockets+"x")}, `"security.capability" of 21 bytes, which Linux cannot have`},
	{"an attribute that is too large", []tar.Header{withAttribute("x", "user.x", strings.Repeat("x", 64<<10+1))}, `"x" has the extended attribute "user.x" of 65537 bytes, which Linux cannot have`},
	{"an attribute with a long name", []tar.Header{withAttribute("x", "user."+strings.Repeat("x", 251), "x")}, `"x" has the extended attribute "user.xx`},
	{"an attribute without a name", []tar.Header{withAttribute("x", "user.", "x")}, `"x" has the extended attribute "user." of 1 bytes, which Linux cannot have`},
	{"an attribute with a line end in its name", []tar.Header{withAttribute("x", "user.a\nb", "x")}, `"x" has the extended attribute "user.a\nb" of 1 bytes`},
	{"no name", []tar.Header{{Typeflag: tar.TypeReg, Name: "."}}, `the name "." is that of the directory itself, and it is none`},
	{"a name that is too long", []tar.Header{tarFile(strings.Repeat("n", 256), "")}, `is 256 bytes long, at most 255 are possible`},
	{"a path that is too long", []tar.Header{tarFile(strings.Repeat("nnn/", 1100)+"x", "")}, `is 4401 bytes long, at most 4095 are possible`},
	{"a path that is too deep", []tar.Header{tarFile(strings.Repeat("n/", 130)+"x", "")}, `is 131 directories deep, at most 128 are possible`},
	{"a line end in a name", []tar.Header{tarFile("a\nb", "")}, `there is a control character in the name "a\nb"`},
	{"the name of a temporary file", []tar.Header{tarFile("d/.firstlight-x/y", "")}, `the name "d/.firstlight-x/y" is like those of this program's temporary files`},
	{"a link without a target", []tar.Header{tarLink("l", "")}, `"l" is a symbolic link that leads nowhere`},
	{"a link with a long target", []tar.Header{tarLink("l", strings.Repeat("x", 4096))}, `"l" is a symbolic link with a target of 4096 bytes`},
}

func TestHostileArchivesLeaveNothing(t *testing.T) {
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			headers := append([]tar.Header{tarFile("first", "first")}, c.headers...)
			for _, archive := range []string{remoteArchive, inlineArchive} {
				w := withArchive(t, headers...)
				w.write("secret", "secret")
				err := w.apply(unpackConfig(archive))
				testkit.ErrorContains(t, "unpacking", err, "unpacking ", c.want)
				if r := innermost(err); r.Origin.IsZero() || r.Hint == "" {
					t.Errorf("there is no origin or no hint: %v", err)
				}
				if k := report.KindOf(err); k != report.KindFetch && k != report.KindConfig {
					t.Errorf("it counts as %v: %v", k, err)
				}
				if w.exists("opt/app") {
					t.Errorf("%v is there", names(t, w.path("opt/app")))
				}
				w.wantText("secret", "secret")
			}
		})
	}
}

// innermost is the error that says most.
func innermost(err error) *report.Error {
	found := new(report.Error)
	for r := (*report.Error)(nil); errors.As(err, &r); err = r.Err {
		found = r
	}
	return found
}

func TestOwnersThatThereCannotBe(t *testing.T) {
	for _, id := range []int{-1, 1<<32 - 1, 1 << 40} {
		w := newFixture(t)
		var b bytes.Buffer
		tw := tar.NewWriter(&b)
		testkit.NoError(t, tw.WriteHeader(&tar.Header{Name: "x", Uid: id, Format: tar.FormatGNU}))
		testkit.NoError(t, tw.Close())
		w.Fetch = archives{"a": b.Bytes()}
		testkit.ErrorContains(t, "unpacking", w.apply(unpackConfig(remoteArchive)), fmt.Sprintf(`"x" belongs to user %d, which there cannot be`, id))
	}
}

func TestSetuidIsUnpackedWhereItIsAllowed(t *testing.T) {
	w := withArchive(t, tar.Header{Name: "su", Mode: 0o4755})
	w.mustApply(unpackConfig(strings.Replace(remoteArchive, `"format"`, `"allowSetuid": true, "format"`, 1)))
	w.wantMode("opt/app/su", 0o4755)
}

// withAttribute is a file with an extended attribute.
func withAttribute(name, attribute, value string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Format: tar.FormatPAX, PAXRecords: map[string]string{"SCHILY.xattr." + attribute: value}}
}

// mayOpenSockets is cap_net_raw, as ping has it; mayInNamespace is the same for one
// namespace.
const (
	mayOpenSockets = "\x01\x00\x00\x02\x00\x20\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	mayInNamespace = "\x01\x00\x00\x03\x00\x20\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" + "\xe8\x03\x00\x00"
)

func TestAttributesOfTheSystemAreWarnedOf(t *testing.T) {
	w := withArchive(t, withAttribute("labelled", "security.selinux", "system_u:object_r:shadow_t:s0"), withAttribute("trusted", "trusted.overlay.opaque", "y"), withAttribute("ima", "security.ima", "x"),
		tar.Header{Name: "acl", Typeflag: tar.TypeReg, Format: tar.FormatPAX, PAXRecords: map[string]string{"SCHILY.acl.access": "user::rw-"}},
		tar.Header{Name: "dir", Typeflag: tar.TypeDir, Mode: 0o755, Format: tar.FormatPAX, PAXRecords: map[string]string{"SCHILY.xattr.security.capability": mayOpenSockets}},
		tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "x", Format: tar.FormatPAX, PAXRecords: map[string]string{"SCHILY.xattr.user.a": "x"}})
	w.mustApply(unpackConfig(remoteArchive))
	testkit.Contains(t, "the log", w.log.String(), `the archive has ACLs, or extended attributes of the system, of 5 nodes, such as "trusted", which are not unpacked`)
	for _, name := range []string{"labelled", "trusted", "ima", "acl", "dir"} {
		for _, found := range attributesOf(t, w.path("opt/app/"+name)) {
			if !strings.HasPrefix(found, "security.selinux=") { // which a system with SELinux gives everything
				t.Errorf("%s has %q", name, found)
			}
		}
	}
}

func TestAttributesOfPeopleAreUnpacked(t *testing.T) {
	dir := tarDir("dir", 0o751)
	dir.Format, dir.PAXRecords = tar.FormatPAX, map[string]string{"SCHILY.xattr.user.overlay.opaque": "y"}
	w := withArchive(t, withAttribute("file", "user.origin", "\x00\n="), dir, tarFile("dir/x", "x"))
	w.mustApply(unpackConfig(remoteArchive))
	testkit.Equal(t, "those of the file", strings.Join(attributesOf(t, w.path("opt/app/file")), " "), "user.origin=\x00\n=")
	testkit.Equal(t, "those of the directory", strings.Join(attributesOf(t, w.path("opt/app/dir")), " "), "user.overlay.opaque=y")
	testkit.Equal(t, "it warns", strings.Contains(w.log.String(), "which are not unpacked"), false)
}

func TestCapabilitiesAreUnpackedWhereTheyAreAllowed(t *testing.T) {
	if os.Getuid() != 0 {
		t.Log("only root may give capabilities")
		return
	}
	w := withArchive(t, withAttribute("ping", capability, mayOpenSockets), withAttribute("rootless", capability, mayInNamespace))
	w.mustApply(unpackConfig(strings.Replace(remoteArchive, `"format"`, `"allowSetuid": true, "user": {"id": 1000}, "format"`, 1)))
	testkit.Equal(t, "those of ping", strings.Join(attributesOf(t, w.path("opt/app/ping")), " "), capability+"="+mayOpenSockets)
	testkit.Equal(t, "those of a namespace", strings.Join(attributesOf(t, w.path("opt/app/rootless")), " "), capability+"="+mayInNamespace)
}

func TestFilesystemsWithoutAttributes(t *testing.T) {
	err := explainEntry(&tarball.Header{Name: "x"}, fmt.Errorf("setting the attribute user.a of /boot/x: %w", unix.EOPNOTSUPP))
	var bad *archiveError
	testkit.Equal(t, "is about the archive", errors.As(err, &bad), true)
	testkit.Contains(t, "error", err.Error(), "setting the attribute user.a of /boot/x: operation not supported")
	testkit.Contains(t, "hint", bad.hint, "tar --no-xattrs")
}

// attributesOf are the extended attributes of a node, as NAME=VALUE.
func attributesOf(t *testing.T, name string) (all []string) {
	t.Helper()
	buf := make([]byte, 64<<10)
	n, err := unix.Llistxattr(name, buf)
	testkit.NoError(t, err)
	for attribute := range strings.SplitSeq(strings.Trim(string(buf[:n]), "\x00"), "\x00") {
		if attribute == "" {
			continue
		}
		value := make([]byte, 64<<10)
		n, err := unix.Lgetxattr(name, attribute, value)
		testkit.NoError(t, err)
		all = append(all, attribute+"="+string(value[:n]))
	}
	slices.Sort(all)
	return all
}

// git puts a header for the whole archive at its beginning.
func TestGlobalHeadersArePassedOver(t *testing.T) {
	w := withArchive(t, tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "c0ffee"}}, tarFile("x", "x"))
	w.mustApply(unpackConfig(remoteArchive))
	testkit.Equal(t, "what is in it", strings.Join(names(t, w.path("opt/app")), " "), "x")
}

func TestDamagedArchives(t *testing.T) {
	whole := tarOf(t, tarFile("x", strings.Repeat("x", 5000)))
	flipped := bytes.Clone(gzipped(t, whole))
	flipped[len(flipped)-6] ^= 1 // in the checksum
	for name, c := range map[string]struct {
		format string
		body   []byte
		want   string
	}{
		"cut off":            {"tar", whole[:2000], "it ends too early"},
		"compressed cut off": {"tar.gz", gzipped(t, whole)[:50], "it ends too early"},
		"a wrong checksum":   {"tar.gz", flipped, "the checksum of gzip is wrong"},
		"not compressed":     {"tar.gz", whole, "it is not compressed with gzip"},
		"compressed":         {"tar", gzipped(t, whole), "it is compressed with gzip, which the config does not say"},
		"a page":             {"tar", []byte("<html>" + strings.Repeat("not found ", 100)), "it is not an archive of tar, or damaged"},
		"nothing":            {"tar", nil, "it is empty"},
		"compressed nothing": {"tar.gz", gzipped(t, nil), "it is empty"},
		"nothing, for gzip":  {"tar.gz", nil, "it ends too early"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			w.Fetch = archives{"a": c.body}
			err := w.apply(unpackConfig(strings.Replace(remoteArchive, `"tar"`, `"`+c.format+`"`, 1)))
			testkit.ErrorContains(t, "unpacking", err, "unpacking https://host/a: "+c.want)
			if w.exists("opt/app") {
				t.Error("something is in its place")
			}
		})
	}
}

// A small archive can say that a file is of any size.
func TestSizeBombsAreRefusedBeforeTheyAreWritten(t *testing.T) {
	w := newFixture(t)
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	testkit.NoError(t, tw.WriteHeader(&tar.Header{Name: "huge", Size: 1 << 60, Format: tar.FormatGNU}))
	w.Fetch = archives{"a": b.Bytes()}
	testkit.ErrorContains(t, "unpacking", w.apply(unpackConfig(remoteArchive)), fmt.Sprintf("huge: it has %d bytes: no space left on device", 1<<60), "KiB free")
}

func TestEntriesAreCounted(t *testing.T) {
	u := &unpacker{archive: &config.Archive{Format: "tar"}, entries: maxArchiveEntries - 1, to: &archiveListing{archive: &archive{missing: "/x"}, kinds: map[string]uint32{}}}
	err := u.unpack(bytes.NewReader(tarOf(t, tarFile("a", ""), tarFile("b", ""))))
	testkit.ErrorContains(t, "too many", err, "it has more than 1000000 entries")
}

// Whatever an archive is, nothing gets out of the directory, and nothing is left over.
func FuzzUnpack(f *testing.F) {
	for _, c := range hostile {
		f.Add(tarOf(f, c.headers...), 0)
	}
	f.Add(tarOf(f, tarDir("./", 0o755), tarFile("a/b", "x"), tarHardLink("a/c", "a/b"), tarLink("l", "a")), 1)
	f.Fuzz(func(t *testing.T, body []byte, strip int) {
		base := t.TempDir()
		testkit.WriteFile(t, base+"/secret", "secret")
		testkit.NoError(t, os.Mkdir(base+"/root", 0o755))
		r, err := rootfs.Open(base + "/root")
		testkit.NoError(t, err)
		defer r.Close()
		tree := r.StagedTree("/", "/app")
		strip = max(strip, 0)
		u := &unpacker{archive: &config.Archive{Format: "tar", Strip: &strip}, owner: rootfs.OwnedBy(os.Getuid(), os.Getgid()), to: tree}
		if err := u.unpack(bytes.NewReader(body)); err == nil {
			if err := tree.Seal(u.others()); err != nil {
				t.Fatalf("what was unpacked cannot be sealed: %v", err)
			}
			_, err = tree.Place("/app", rootfs.Placing{MayReplace: func(*rootfs.Stat) bool { return false }, Begin: func([]string) error { return nil }})
			testkit.NoError(t, err)
		}
		tree.Discard()
		testkit.Equal(t, "what is outside", strings.Join(names(t, base), " "), "root secret")
		testkit.Equal(t, "the secret", testkit.ReadFile(t, base+"/secret"), "secret")
		for _, name := range names(t, base+"/root") {
			if name != "app" {
				t.Errorf("%s is in the root", name)
			}
		}
		filepath.WalkDir(base+"/root", func(name string, e fs.DirEntry, err error) error {
			if os.Getuid() == 0 && err != nil {
				t.Error(err)
			}
			if err == nil && !e.Type().IsRegular() && !e.IsDir() && e.Type() != fs.ModeSymlink {
				t.Errorf("%s is %v", name, e.Type())
			}
			if info, err := e.Info(); err == nil && e.Type().IsRegular() && info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
				t.Errorf("%s is %v", name, info.Mode())
			}
			return nil
		})
	})
}
