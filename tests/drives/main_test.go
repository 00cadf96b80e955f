// Package drives has the tests of config drives that take a real kernel: optical
// drives, filesystems that the kernel mounts, and devices that come later.
package drives

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/firstlight-os/firstlight/tests/vm"
)

func TestMain(m *testing.M) { os.Exit(vm.RunInLab(m, vm.TestGroup{Prepare: prepare})) }

// What the machine has: /dev/sr0 is an optical drive without a disc, /dev/sr1 has
// Azure's DVD, and a virtio disk holds the same filesystem with another config.
const (
	empty = "/dev/sr0"
	dvd   = "/dev/sr1"
)

// config is a config that can be told from others.
func config(name string) string {
	return fmt.Sprintf(`{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/%s"}]}}`, name)
}

func prepare(_ *vm.Lab, job *vm.Job, dir string) error {
	for _, image := range []struct {
		name, label string
		files       map[string]string
	}{
		{"dvd", "rd_rdfe_stable", map[string]string{"ovf-env.xml": "<x/>", "CustomData.bin": config("of-the-dvd")}},
		{"disk", "rd_rdfe_stable", map[string]string{"ovf-env.xml": "<x/>", "CustomData.bin": config("of-the-disk")}},
		{"udf", "cidata", map[string]string{"user-data": config("of-the-udf")}},
	} {
		if err := makeUDF(filepath.Join(dir, image.name), image.label, image.files); err != nil {
			return err
		}
	}
	iso := filepath.Join(dir, "iso")
	if err := makeTree(iso+".tree", map[string]string{"openstack/latest/user_data": config("of-the-iso")}); err != nil {
		return err
	}
	if err := genisoimage("-r", "-V", "CONFIG-2", "-o", iso, iso+".tree"); err != nil {
		return err
	}
	links := filepath.Join(dir, "links")
	if err := makeTree(links+".tree", map[string]string{"real/data": config("of-the-link")}); err != nil {
		return err
	}
	if err := os.Symlink("real/data", links+".tree/user-data"); err != nil {
		return err
	}
	if err := genisoimage("-r", "-V", "cidata", "-o", links, links+".tree"); err != nil {
		return err
	}
	job.Files = map[string]string{"iso": iso, "udf": filepath.Join(dir, "udf"), "links": links}
	for name, image := range images {
		file := filepath.Join(dir, name)
		if err := image.make(file); err != nil {
			return err
		}
		job.Files[name] = file
	}
	job.Discs = []string{"", filepath.Join(dir, "dvd")}
	job.Disks = []string{filepath.Join(dir, "disk")}
	return prepareSigned(job, dir)
}

func makeTree(dir string, files map[string]string) error {
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func genisoimage(args ...string) error {
	if out, err := exec.Command("genisoimage", append([]string{"-quiet"}, args...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("genisoimage: %w\n%s(tests/prepare installs it)", err, out)
	}
	return nil
}

// makeUDF makes a filesystem that only a UDF driver can read: genisoimage makes
// one that is ISO 9660 too, whose signature is replaced.
func makeUDF(file, label string, files map[string]string) error {
	if err := makeTree(file+".tree", files); err != nil {
		return err
	}
	if err := genisoimage("-udf", "-V", label, "-o", file, file+".tree"); err != nil {
		return err
	}
	image, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, bytes.ReplaceAll(image, []byte("CD001"), []byte("BOOT2")), 0o644)
}
