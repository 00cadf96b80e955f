package initramfs

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// cpio runs Debian's cpio in a directory of its own.
func cpio(t *testing.T, dir, archive string, args ...string) string {
	t.Helper()
	cmd := exec.Command("cpio", args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(archive)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("cpio %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// image is an initramfs as Debian's cpio makes it.
func image(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, AgentPath), "the other agent")
	return []byte(cpio(t, dir, "usr\nusr/bin\n"+AgentPath+"\n", "--quiet", "-o", "-H", "newc"))
}

func TestOverlayHasTheAgentAndNothingElse(t *testing.T) {
	for _, agent := range []string{"", "a", "agent\n", strings.Repeat("\x00agent", 9999)} {
		overlay := Overlay([]byte(agent))
		testkit.Equal(t, "zeros before the archive", string(overlay[:4096]), strings.Repeat("\x00", 4096))
		testkit.Equal(t, "bytes over a multiple of four", len(overlay)%4, 0)
		dir := t.TempDir()
		archive := string(overlay[4096:])
		testkit.NoError(t, os.MkdirAll(filepath.Join(dir, "usr/bin"), 0o755))
		testkit.Contains(t, "listing", cpio(t, dir, archive, "--quiet", "-itvn"), "-rwxr-xr-x   1 0        0 ", "Jan  1  1970 usr/bin/ignition\n")
		cpio(t, dir, archive, "--quiet", "-i")
		testkit.Equal(t, "agent", testkit.ReadFile(t, filepath.Join(dir, AgentPath)), agent)
		got, ok := AgentOf(overlay)
		testkit.Equal(t, "agent of the overlay", string(got), agent)
		testkit.Equal(t, "found", ok, true)
	}
}

func TestOverlayIsTheSameForTheSameAgent(t *testing.T) {
	want := Overlay([]byte("agent"))
	t.Setenv("SOURCE_DATE_EPOCH", "1234567890")
	testkit.Equal(t, "overlay", string(Overlay([]byte("agent"))), string(want))
	header := "070701" + "f1257119" + "000081ed" + "00000000" + "00000000" + "00000001" + "00000000" + "00000005"
	testkit.Equal(t, "header", string(want[4096:][:len(header)]), header)
}

func TestOverlayIsFoundAtTheEndAndRemoved(t *testing.T) {
	original := image(t)
	for cut := range 4 {
		// Compressed images have any size.
		image := append(bytes.Clone(original), "zst"[:cut]...)
		size := len(image)
		with := append(bytes.Clone(image), Append(size, Overlay([]byte("one")))...)
		testkit.Equal(t, "bytes over a multiple of four", len(with)%4, 0)
		testkit.Equal(t, "without", string(bytes.TrimRight(WithoutOverlay(with), "\x00")), string(bytes.TrimRight(image, "\x00")))
		twice := append(bytes.Clone(with), Overlay([]byte("two"))...)
		padded := append(bytes.Clone(twice), make([]byte, 512)...)
		for _, more := range [][]byte{twice, padded} {
			testkit.Equal(t, "without both", len(WithoutOverlay(more)), len(WithoutOverlay(with)))
		}
	}
}

func TestWhatIsNoOverlayStays(t *testing.T) {
	overlay := Overlay([]byte("agent"))
	other := bytes.Replace(overlay, []byte("f1257119"), []byte("00000001"), 1)
	for name, image := range map[string][]byte{
		"no overlay":                image(t),
		"another archive after it":  append(bytes.Clone(overlay), image(t)...),
		"cut off":                   overlay[:len(overlay)-20],
		"too few zeros":             overlay[1:],
		"no zeros":                  append(bytes.Repeat([]byte("x"), 4096), overlay[4096:]...),
		"archive of another writer": other,
		"another file":              bytes.Replace(overlay, []byte(AgentPath), []byte("usr/bin/ignitiom"), 1),
	} {
		testkit.Equal(t, name, len(WithoutOverlay(image)), len(image))
	}
}

func TestImagesThatAreNoInitramfsAreRefused(t *testing.T) {
	archive := string(image(t))
	compressed := func(program ...string) string {
		cmd := exec.Command(program[0], program[1:]...)
		cmd.Stdin = strings.NewReader(archive)
		out, err := cmd.Output()
		testkit.NoError(t, err)
		return string(out)
	}
	for name, tc := range map[string]struct {
		image string
		want  error
	}{
		"cpio":                   {archive, nil},
		"cpio after zeros":       {strings.Repeat("\x00", 512) + archive, nil},
		"cpio with checksums":    {"070702" + archive[6:], nil},
		"gzip":                   {compressed("gzip"), nil},
		"xz":                     {compressed("xz", "--check=crc32"), nil},
		"zstd":                   {compressed("zstd"), nil},
		"lz4":                    {compressed("lz4", "-l"), nil},
		"lz4 frames":             {compressed("lz4"), ErrLZ4Frame},
		"empty":                  {"", ErrEmpty},
		"zeros":                  {strings.Repeat("\x00", 99), ErrEmpty},
		"text":                   {"a text\n", ErrNoArchive},
		"compressed text":        {testkit.Gzip("a text\n"), ErrNoArchive},
		"gzip that is cut off":   {"\x1f\x8b\x08", ErrNoArchive},
		"program":                {"\x7fELF\x02\x01\x01", ErrNoArchive},
		"kernel or unified":      {"MZ\xea\x07", ErrProgram},
		"cpio of another format": {"070707", ErrNoArchive},
	} {
		testkit.Equal(t, name, Check([]byte(tc.image)), tc.want)
	}
}

func FuzzReadArchive(f *testing.F) {
	f.Add(Overlay([]byte("agent"))[leadingZeros:])
	f.Add([]byte(newcMagic + strings.Repeat("0", 104)))
	f.Add([]byte(newcMagic + strings.Repeat("f", 104)))
	f.Fuzz(func(t *testing.T, archive []byte) {
		entries, rest, err := ReadArchive(archive)
		if err == nil && len(entries)*newcHeader+len(rest) > len(archive) {
			t.Errorf("%d entries and %d bytes in %d bytes", len(entries), len(rest), len(archive))
		}
		image := append(make([]byte, leadingZeros), archive...)
		if without := WithoutOverlay(image); !bytes.HasPrefix(image, without) {
			t.Error("the rest of the image is another one")
		}
		_ = Check(archive)
	})
}
