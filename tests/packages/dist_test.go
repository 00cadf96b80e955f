package packages

import (
	"debug/buildinfo"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// version is that of the release that most tests look at.
const version = "2.98.0"

// dist makes a release of the commit for one architecture.
func dist(t *testing.T, version string, env ...string) string {
	t.Helper()
	dir := t.TempDir()
	output(t, top, append(env, "DIST="+dir, "ARCHES=amd64", "SYSTEMS=", "VERSION="+version), "make", "dist")
	return dir
}

// wanted has some of the files of each package, without the slash in front. Besides
// them there are licences, and nothing outside of usr.
var wanted = map[string][]string{
	"firstlight": {
		"usr/lib/dracut/modules.d/30ignition/ignition", "usr/lib/dracut/modules.d/30ignition/module-setup.sh",
		"usr/libexec/ignition-apply", "usr/libexec/ignition-rmcfg", "usr/lib/systemd/system/ignition-delete-config.service",
		"usr/lib/bootupd/grub2-static/configs.d/05_ignition.cfg", "usr/share/man/man8/firstlight.8",
	},
	"firstlightctl": {
		"usr/bin/firstlightctl", "usr/share/man/man1/firstlightctl.1", "usr/share/man/man1/firstlightctl-validate.1",
		"usr/share/bash-completion/completions/firstlightctl",
	},
	"firstlight-afterburn": {
		"usr/bin/afterburn", "usr/lib/systemd/system/afterburn.service", "usr/lib/systemd/system/afterburn-sshkeys@.service",
		"usr/lib/dracut/modules.d/30afterburn/module-setup.sh", "usr/lib/dracut/modules.d/30afterburn/afterburn-hostname.service",
		"usr/share/man/man8/afterburn.8",
	},
	"firstlight-butane": {
		"usr/bin/butane", "usr/bin/ignition-validate", "usr/share/man/man1/butane.1", "usr/share/man/man1/ignition-validate.1",
	},
}

// formats are the kinds of packages: the file's name, how its files are listed, what its
// metadata say of all packages, of firstlight, and of firstlight-butane, and the hooks of
// makers of an initramfs that only its distributions have.
var formats = map[string]struct {
	file, list, data   string
	all, agent, butane []string
	never              []string // what would be there if it had scripts, or replaced what is installed in an update
	hooks              []string
}{
	"deb": {
		"NAME_2.98.0-1_amd64.deb", `dpkg-deb --fsys-tarfile "$1" | tar -tv`, `dpkg-deb -f "$1"; dpkg-deb --ctrl-tarfile "$1" | tar -t`,
		[]string{"Version: 2.98.0-1\n", "Architecture: amd64\n"},
		[]string{"Provides: ignition\n", "Conflicts: ignition\n", "Replaces: ignition\n", "Recommends: dracut-core | initramfs-tools-core\n"},
		[]string{"Depends: firstlightctl\n", "Conflicts: butane, ignition-validate, ignition (>= 0~)\n"},
		[]string{"postinst", "preinst", "postrm", "prerm", "conffiles", "triggers"},
		[]string{"usr/share/initramfs-tools/hooks/firstlight", "usr/share/initramfs-tools/scripts/local-top/firstlight", "usr/share/initramfs-tools/scripts/local-bottom/firstlight"},
	},
	"rpm": {
		"NAME-2.98.0-1.x86_64.rpm", `rpm -qlvp "$1"`, `rpm -qip "$1"; rpm -qp --provides --conflicts --requires --recommends --obsoletes --scripts --triggers "$1"; rpm -qp --qf 'buildhost %{BUILDHOST}\n' "$1"`,
		[]string{"Version     : 2.98.0\n", "Release     : 1\n", "License     : Apache-2.0\n", "buildhost localhost\n"},
		[]string{"\nignition\n", "\ndracut\n"},
		[]string{"\nfirstlightctl\n", "\nbutane\n", "\nignition-validate\n"},
		[]string{"scriptlet", "trigger"}, nil,
	},
	"apk": {
		"NAME_2.98.0-r1_x86_64.apk", `tar -tzvif "$1" 2> /dev/null`, `tar -xzif "$1" -O .PKGINFO; tar -tzif "$1" | grep '^\.'`,
		[]string{"pkgver = 2.98.0-r1\n", "arch = x86_64\n", "license = Apache-2.0\n"},
		[]string{"provides = ignition\n", "replaces = ignition\n"},
		[]string{"depend = firstlightctl\n", "provides = butane\n"},
		[]string{".post-", ".pre-"}, nil,
	},
	"archlinux": {
		"NAME-2.98.0-1-x86_64.pkg.tar.zst", `tar --zstd -tvf "$1"`, `tar --zstd -xf "$1" -O .PKGINFO; tar --zstd -tf "$1" | grep '^\.'`,
		[]string{"pkgver = 2.98.0-1\n", "arch = x86_64\n", "license = Apache-2.0\n"},
		[]string{"provides = ignition\n", "conflict = ignition\n"},
		[]string{"depend = firstlightctl\n", "conflict = butane\n", "conflict = ignition-validate\n"},
		[]string{".INSTALL", "replaces = ", "Unknown"},
		[]string{"usr/lib/initcpio/hooks/firstlight", "usr/lib/initcpio/install/firstlight"},
	},
}

func TestAReleaseHasWhatItSays(t *testing.T) {
	dir := dist(t, version)
	output(t, dir, nil, "sha256sum", "--check", "--strict", "SHA256SUMS")
	sums, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if got := strings.Count(string(sums), "\n") + 1; err != nil || got != len(entries) {
		t.Errorf("the checksums are of %d files, but there are %d, %v", got, len(entries), err)
	}
	testkit.Contains(t, "what packages cost", testkit.ReadFile(t, filepath.Join(dir, "firstlight-size-"+version+"-amd64.txt")), "The agent has ", " in zstd -19.\n")
	if _, err := os.Stat(filepath.Join(dir, "firstlight-overlay-"+version+"-amd64.cpio")); err != nil {
		t.Errorf("there is no overlay: %v", err)
	}
	for name, f := range formats {
		t.Run(name, func(t *testing.T) {
			for product, files := range wanted {
				path := filepath.Join(dir, strings.Replace(f.file, "NAME", product, 1))
				if product == "firstlight" {
					files = append(slices.Clone(files), f.hooks...)
				}
				checkFiles(t, path, output(t, dir, nil, "sh", "-c", f.list, "sh", path), files)
				data := "\n" + output(t, dir, nil, "bash", "-c", f.data, "bash", path)
				wants := f.all
				switch product {
				case "firstlight":
					wants = append(slices.Clone(wants), f.agent...)
				case "firstlight-butane":
					wants = append(slices.Clone(wants), f.butane...)
				}
				for _, want := range wants {
					if !strings.Contains(data, want) {
						t.Errorf("%s: %q is not in\n%s", path, want, data)
					}
				}
				for _, bad := range f.never {
					if strings.Contains(data, bad) {
						t.Errorf("%s has %q\n%s", path, bad, data)
					}
				}
			}
		})
	}
	t.Run("rpm installs and removes", func(t *testing.T) { checkRPMs(t, dir) })
	t.Run("SBOM", func(t *testing.T) { checkBill(t, dir) })
	t.Run("source", func(t *testing.T) {
		list := output(t, dir, nil, "tar", "-tzf", "firstlight-"+version+".tar.gz")
		for _, want := range []string{"/vendor/modules.txt\n", "/.tarball-version\n", "/LICENSE\n"} {
			if !strings.Contains(list, "firstlight-"+version+want) {
				t.Errorf("the source has no %s", want)
			}
		}
	})
}

// checkFiles compares the list of a package, as of ls, with what it should have.
func checkFiles(t *testing.T, name, list string, wants []string) {
	t.Helper()
	var files []string
	for line := range strings.Lines(list) {
		words := strings.Fields(line)
		at := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(strings.TrimLeft(w, "./"), "usr") })
		if at < 0 {
			if !metadata.MatchString(line) {
				t.Errorf("%s has this outside of usr: %s", name, line)
			}
			continue
		}
		if !strings.HasPrefix(line, "d") {
			files = append(files, strings.TrimLeft(words[at], "./"))
		}
		if !ordinary.MatchString(line) {
			t.Errorf("%s has %s", name, line)
		}
	}
	for _, want := range wants {
		if !slices.Contains(files, want) {
			t.Errorf("%s does not have %s", name, want)
		}
	}
	for _, f := range files {
		if strings.HasSuffix(f, "/firstlight") && !strings.HasPrefix(f, "usr/share/firstlight/") && !slices.Contains(wants, f) {
			t.Errorf("%s has %s, a hook of other distributions", name, f)
		}
	}
	if !slices.ContainsFunc(files, func(f string) bool { return strings.HasSuffix(f, "/LICENSE") || strings.HasSuffix(f, "/copyright") }) {
		t.Errorf("%s has no licence", name)
	}
}

var (
	// What packages have besides files, and the root.
	metadata = regexp.MustCompile(` (\.[A-Z]+|\./)\n$`)
	// Links, and what root owns and only root can write.
	ordinary = regexp.MustCompile(`^(l|[-d]...[-r]-[-x][-r]-[-x]).* (root[/ ]+root|0/0) `)
)

// rpm itself installs the packages, finds nothing that is not as it says, and leaves
// nothing.
func checkRPMs(t *testing.T, dir string) {
	root := t.TempDir()
	output(t, dir, nil, "sh", "-euc", `
		rpm --root "$1" --initdb
		rpm --root "$1" --nodeps --nosignature -i *.rpm
		rpm --root "$1" --nodeps -Va
		"$1"/usr/bin/butane --version
		"$1"/usr/bin/afterburn --version
		rpm --root "$1" --nodeps -e firstlight firstlightctl firstlight-butane firstlight-afterburn`, "sh", root)
	if left := output(t, root, nil, "find", "usr", "(", "!", "-type", "d", "-o", "-name", "*firstlight*", ")", "!", "-path", "usr/lib/sysimage/*"); left != "" {
		t.Errorf("rpm has left\n%s", left)
	}
}

// checkBill compares the SBOM with what go says of the agent.
func checkBill(t *testing.T, dir string) {
	text, err := os.ReadFile(filepath.Join(dir, "firstlight-"+version+".cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		Format     string `json:"bomFormat"`
		Components []struct {
			Ref string `json:"bom-ref"`
		}
		Dependencies []struct {
			Ref string
			On  []string `json:"dependsOn"`
		}
	}
	if err := json.Unmarshal(text, &bill); err != nil || bill.Format != "CycloneDX" {
		t.Fatalf("%v, format %q", err, bill.Format)
	}
	agent := "firstlight-" + version + "-linux-amd64"
	info, err := buildinfo.ReadFile(filepath.Join(dir, agent))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"pkg:golang/stdlib@" + strings.TrimPrefix(info.GoVersion, "go")}
	for _, m := range info.Deps {
		want = append(want, "pkg:golang/"+m.Path+"@"+m.Version)
	}
	for _, d := range bill.Dependencies {
		if d.Ref == agent && !slices.Equal(d.On, want) {
			t.Errorf("the agent is made of %q, want %q", d.On, want)
		}
		for _, ref := range d.On {
			if !strings.Contains(string(text), `"bom-ref": "`+ref+`"`) {
				t.Errorf("%s is no component", ref)
			}
		}
	}
	if !slices.ContainsFunc(bill.Components, func(c struct {
		Ref string `json:"bom-ref"`
	}) bool {
		return c.Ref == agent
	}) {
		t.Errorf("the agent is no component of\n%s", text)
	}
}
