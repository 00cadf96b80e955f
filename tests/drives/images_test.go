package drives

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// An image is a drive that other people's programs have made.
type image struct {
	// maker is genisoimage or xorriso with options, or the bits of a FAT.
	maker, label string
	files        map[string]string
}

const openStackFile = "openstack/latest/user_data"

// large is what a config has in it that takes many clusters.
var large = strings.Repeat("0123456789abcdef", 20000)

var images = map[string]image{"fat": {"16", "CIDATA", map[string]string{"user-data": config("of-the-fat")}}}

// makers are those of the images that TestFilesAreReadFromTheImagesOfOtherPrograms
// reads, and whether they keep long names.
var makers = []struct {
	maker string
	long  bool
}{
	{"genisoimage -r -J", true}, {"genisoimage -r", true}, {"genisoimage -J", true}, {"genisoimage", false}, {"genisoimage -iso-level 4", false},
	{"genisoimage -udf -r", true}, {"xorriso -r -J", true}, {"xorriso -J", true}, {"xorriso --norock", false}, {"xorriso -r -D", true},
	{"12", true}, {"16", true}, {"32", true}, {"16 -s 1", true}, {"32 -f 1", true},
}

const longName = "a-long-name-with-an-ä.of-more.than-three"

func imageName(i int) string { return fmt.Sprintf("image%d", i) }

func init() {
	withLarge := strings.Replace(config("of-the-image"), `"}]`, `","contents":{"source":"data:,`+large+`"}}]`, 1)
	for i, m := range makers {
		images[imageName(i)] = image{m.maker, "Config-2", map[string]string{openStackFile: withLarge, longName: config("of-the-long-name")}}
	}
}

func (i image) make(file string) error {
	tree := file + ".tree"
	if err := makeTree(tree, i.files); err != nil {
		return err
	}
	words := strings.Fields(i.maker)
	var script string
	switch words[0] {
	case "genisoimage":
		return genisoimage(append(append([]string{"-V", i.label, "-o", file}, words[1:]...), tree)...)
	case "xorriso":
		script = fmt.Sprintf("xorriso -as mkisofs -quiet -V %q -o %s %s %s", i.label, file, strings.Join(words[1:], " "), tree)
	default:
		size := map[string]string{"12": "2M", "16": "16M", "32": "40M"}[words[0]]
		script = fmt.Sprintf("truncate -s %s %s; mkfs.vfat -n %q -F %s %s; mcopy -s -i %s %s/* ::", size, file, i.label, i.maker, file, file, tree)
	}
	cmd := exec.Command("bash", "-euc", script)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "MTOOLS_SKIP_CHECK=1", "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s(tests/prepare installs what is missing)", script, err, out)
	}
	return nil
}

func TestFilesAreReadFromTheImagesOfOtherPrograms(t *testing.T) {
	for i, m := range makers {
		t.Run(m.maker, func(t *testing.T) {
			attach(t, "/share/"+imageName(i))
			b := start(t, "nutanix", "")
			b.has(t, "of-the-image")
			if !strings.Contains(b.cache, large) {
				t.Error("its config is cut")
			}
			if m.long {
				start(t, "metal", "ignition.config.device=config-2 ignition.config.path=/"+longName).has(t, "of-the-long-name")
			}
		})
	}
}

func TestMissingModuleIsNamed(t *testing.T) {
	const helper = "/proc/sys/kernel/modprobe"
	old, err := os.ReadFile(helper)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ platform, file, want string }{
		{"nutanix", "iso", "dracut --add-drivers isofs"}, {"ibmcloud", "fat", "dracut --add-drivers vfat"}, {"ibmcloud", "udf", "dracut --add-drivers udf"},
	} {
		t.Run(c.file, func(t *testing.T) {
			attach(t, "/share/"+c.file)
			shell(t, "modprobe --remove --quiet isofs udf vfat || true; echo /bin/false > "+helper)
			b := start(t, c.platform, "")
			shell(t, "echo "+strings.TrimSpace(string(old))+" > "+helper)
			if b.err == nil || !strings.Contains(b.box, c.want) || !strings.Contains(b.box, "no such device") {
				t.Errorf("%q is not in: %v, %s\n%s", c.want, b.err, b.box, b.log)
			}
		})
	}
}

// Nothing of a drive is run, and links lead nowhere but to it.
func TestLinksDoNotLeaveTheDrive(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile("/run/outside.ign", []byte(config("of-the-machine")), 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove("/run/outside.ign")
	shell(t, "mkdir "+dir+"/tree; ln -s /run/outside.ign "+dir+"/tree/c.ign; truncate -s 16M "+dir+"/disk; mkfs.ext4 -q -L mycfg -d "+dir+"/tree "+dir+"/disk")
	attach(t, filepath.Join(dir, "disk"))
	b := start(t, "metal", "ignition.config.device=mycfg ignition.config.path=/c.ign")
	if b.err == nil || !strings.Contains(b.box, `there is no /c.ign on the filesystem labelled "mycfg"`) {
		t.Errorf("got %v, %s", b.err, b.box)
	}
}
