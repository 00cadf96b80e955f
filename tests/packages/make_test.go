package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// top is the source tree.
const top = "../.."

// output runs a program in a directory, with variables besides those that make and go
// may have left in the environment, and returns what it prints.
func output(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	out, err := try(dir, env, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func try(dir string, env []string, name string, args ...string) (string, error) {
	c := exec.Command(name, args...)
	c.Dir = dir
	// This may be running below a make of its own, with its own ideas.
	c.Env = append(os.Environ(), append([]string{"MAKEFLAGS=", "MAKEOVERRIDES="}, env...)...)
	out, err := c.CombinedOutput()
	return string(out), err
}

func TestPackagersVariablesAreHonoured(t *testing.T) {
	for name, c := range map[string]struct {
		env  []string
		args []string
		want string
	}{
		"the version of the environment": {[]string{"VERSION=2.99.0"}, []string{"all"}, "system.Version=2.99.0 "},
		"the date of the environment":    {[]string{"SOURCE_DATE_EPOCH=86400"}, []string{"all"}, "fetch.buildTime=1970-01-02T00:00:00Z "},
		"no stripping":                   {nil, []string{"all", "STRIP="}, "-ldflags ' -funcalign=16 -X"},
		"flags of Go's linker":           {[]string{"GO_LDFLAGS=-linkmode=external"}, []string{"all"}, " -linkmode=external'"},
		"those in GOFLAGS":               {[]string{"GOFLAGS=-buildmode=pie -ldflags=-linkmode=external"}, []string{"all"}, " -linkmode=external'"},
		"flags of a C linker":            {[]string{"LDFLAGS=-Wl,-z,now -Wl,-z,relro"}, []string{"all"}, ` -extldflags "-Wl,-z,now -Wl,-z,relro"`},
		"butane alone":                   {nil, []string{"butane", "BIN=out"}, "-o out/butane ./cmd/firstlightctl"},
		"ignition-validate alone":        {nil, []string{"ignition-validate", "BIN=out"}, "-o out/ignition-validate ./cmd/firstlightctl"},
		"the GRUB snippet alone":         {nil, []string{"install-grub-for-bootupd", "DESTDIR=/x"}, "/x/usr/lib/bootupd/grub2-static/configs.d/05_ignition.cfg"},
		"another place":                  {nil, []string{"install-firstlightctl", "DESTDIR=/x", "PREFIX=/opt"}, "/x/opt/bin/firstlightctl"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := output(t, top, c.env, "make", append([]string{"-n"}, c.args...)...); !strings.Contains(got, c.want) {
				t.Errorf("%q is not in\n%s", c.want, got)
			}
		})
	}
}

func TestInstallBuildsOnlyWhatIsOlderThanItsSource(t *testing.T) {
	bin, root := t.TempDir(), t.TempDir()
	for _, name := range []string{"firstlight", "firstlightctl"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"install", "GO=false", "SHARE=", "BIN=" + bin, "DESTDIR=" + root}
	output(t, top, nil, "make", args...)
	for name, want := range map[string]string{
		"usr/lib/dracut/modules.d/30ignition/ignition": "firstlight",
		"usr/libexec/ignition-apply":                   "firstlight",
		"usr/bin/firstlightctl":                        "firstlightctl",
		"usr/bin/butane":                               "firstlightctl",
	} {
		if got, err := os.ReadFile(filepath.Join(root, name)); string(got) != want {
			t.Errorf("%s: got %q, %v, want that of %s", name, got, err, want)
		}
	}
	old := time.Unix(0, 0)
	if err := os.Chtimes(filepath.Join(bin, "firstlight"), old, old); err != nil {
		t.Fatal(err)
	}
	if out, err := try(top, nil, "make", args...); err == nil {
		t.Errorf("an old program was installed\n%s", out)
	}
}

func TestAnArchiveHasTheVersionAndDateOfItsCommit(t *testing.T) {
	dir := t.TempDir()
	output(t, top, nil, "sh", "-c", `git archive HEAD | tar -x -C "$1"`, "sh", dir)
	checkout := output(t, top, nil, "tools/version")
	if got, want := output(t, dir, nil, "tools/version"), strings.Replace(checkout, ".dirty", "", 1); got != want {
		t.Errorf("got version %q, want %q", got, want)
	}
	if got, want := output(t, dir, nil, "tools/version", "date"), output(t, top, nil, "tools/version", "date"); got != want || got == "" {
		t.Errorf("got date %q, want %q", got, want)
	}
	if err := os.WriteFile(filepath.Join(dir, ".tarball-version"), []byte("2.99.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, want := output(t, dir, nil, "tools/version"), "2.99.0\n"; got != want {
		t.Errorf("with the version of make dist: got %q, want %q", got, want)
	}
}

// The tool of other systems, on this one.
func TestVerbsThatNeedLinuxSaySo(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "firstlightctl")
	output(t, top, nil, "go", "build", "-tags", "portable", "-o", tool, "./cmd/firstlightctl")
	for _, verb := range []string{"plan", "facts", "try", "apply", "firstboot", "reset"} {
		out, err := try(top, nil, tool, verb, "--root=x", "config.bu")
		if want := "firstlightctl: firstlightctl " + verb + " works on Linux only: run it there, in a container or a virtual machine\n"; err == nil || out != want {
			t.Errorf("got %q, %v, want %q", out, err, want)
		}
	}
	output(t, top, nil, tool, "pack", "--platform=aws", "tests/packages/testdata/config.ign")
}
