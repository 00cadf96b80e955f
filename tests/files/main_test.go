// Package files_test proves the files stage from outside: the agent as it is
// shipped, real filesystems and programs, a real server, and people who mean
// harm.
package files_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/tests/sandbox"
)

func TestMain(m *testing.M) {
	var err error
	switch {
	case os.Getenv(filteredVariable) != "":
		err = becomeFiltered()
	case filepath.Base(os.Args[0]) == "setfiles":
		err = setLabels()
	default:
		sandbox.Main(m, 0, nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A machine is a root and the /run of the boots that provision it.
type machine struct {
	*testing.T
	dir string
	env []string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{T: t, dir: t.TempDir()}
	m.writeImage()
	m.setVariables()
	return m
}

// writeImage makes the least that a root has.
func (m *machine) writeImage() {
	m.Helper()
	for name, text := range map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/shadow": "root:*:19000:0:99999:7:::\n",
		"etc/group": "root:x:0:\nwheel:x:10:\n", "etc/gshadow": "root:*::\nwheel:!::\n",
		"etc/login.defs": "UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nUSERGROUPS_ENAB yes\n",
		"etc/skel/.rc":   "skeleton", "etc/motd": "welcome",
	} {
		m.write("root/"+name, text)
	}
}

// setVariables has the agent look nowhere else.
func (m *machine) setVariables() {
	m.env = append(os.Environ(), "IGNITION_CONFIG_FILE="+m.path("config.ign"), "IGNITION_KERNEL_CMDLINE_PATH="+os.DevNull,
		"IGNITION_SYSTEM_CONFIG_DIR="+m.path("none"), "IGNITION_SYSTEM_LOCAL_CONFIG_DIR="+m.path("none"), "IGNITION_SYSTEM_RUNTIME_CONFIG_DIR="+m.path("none"))
}

func (m *machine) path(name string) string { return filepath.Join(m.dir, name) }

func (m *machine) write(name, text string) {
	m.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755); err != nil {
		m.Fatal(err)
	}
	if err := os.WriteFile(m.path(name), []byte(text), 0o644); err != nil {
		m.Fatal(err)
	}
}

func (m *machine) read(name string) string {
	m.Helper()
	text, err := os.ReadFile(m.path(name))
	if err != nil {
		m.Fatal(err)
	}
	return string(text)
}

func (m *machine) exists(name string) bool {
	_, err := os.Lstat(m.path(name))
	return err == nil
}

// mount puts a filesystem of a kind below the root.
func (m *machine) mount(at, options string, flags uintptr) {
	m.Helper()
	if err := os.MkdirAll(m.path("root/"+at), 0o755); err != nil {
		m.Fatal(err)
	}
	if err := unix.Mount("tmpfs", m.path("root/"+at), "tmpfs", flags, options); err != nil {
		m.Fatal(err)
	}
	m.Cleanup(func() { unix.Unmount(m.path("root/"+at), unix.MNT_DETACH) })
}

// sections makes a config of some.
func sections(text string) string { return `{"ignition": {"version": "3.6.0"}, ` + text + "}" }

// stage is the agent at a stage of this machine.
func (m *machine) stage(name string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	m.Cleanup(cancel)
	c := exec.CommandContext(ctx, sandbox.Agent(), "--platform=file", "--stage="+name, "--root="+m.path("root"), "--log-to-stdout",
		"--config-cache="+m.path("run/ignition.json"), "--state-file="+m.path("run/ignition/state"), "--neednet="+m.path("run/ignition/neednet"))
	c.Env, c.Dir = m.env, m.dir
	return c
}

// boot begins a first boot with a config: /run is empty, and the config fetched.
func (m *machine) boot(config string) {
	m.Helper()
	m.write("config.ign", config)
	if err := os.RemoveAll(m.path("run")); err != nil {
		m.Fatal(err)
	}
	if out, err := m.stage("fetch").CombinedOutput(); err != nil {
		m.Fatalf("fetch: %v\n%s", err, out)
	}
}

// files runs the stage and gives its exit status and what it said: its log, and
// its report in one line.
func (m *machine) files() (status int, log, report string) {
	m.Helper()
	out, err := m.stage("files").CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		m.Fatal(err)
	}
	if err != nil {
		report = strings.Join(strings.Fields(strings.ReplaceAll(m.read("run/ignition/report.txt"), "|", " ")), " ")
		status = ended.ExitCode()
	}
	return status, string(out), report
}

func (m *machine) must() {
	m.Helper()
	if status, log, _ := m.files(); status != 0 {
		m.Fatalf("files: status %d\n%s", status, log)
	}
}

// fails runs the stage, which should fail with a status and these words.
func (m *machine) fails(status int, words ...string) {
	m.Helper()
	got, _, report := m.files()
	if got != status {
		m.Errorf("status %d, want %d", got, status)
	}
	for _, w := range words {
		if !strings.Contains(report, w) {
			m.Errorf("%q is not in the report:\n%s", w, report)
		}
	}
	m.nothingLeft()
}

// nothingLeft checks that there is no temporary file.
func (m *machine) nothingLeft() {
	m.Helper()
	filepath.WalkDir(m.path("root"), func(name string, _ fs.DirEntry, _ error) error {
		if strings.Contains(name, ".firstlight-") {
			m.Errorf("a temporary file was left behind: %s", name)
		}
		return nil
	})
}

// tree is what the root holds, without times, inodes and the date in the result.
func (m *machine) tree() string {
	m.Helper()
	var b strings.Builder
	err := filepath.WalkDir(m.path("root"), func(name string, e fs.DirEntry, err error) error {
		at, _ := filepath.Rel(m.path("root"), name)
		if err != nil || strings.HasSuffix(at, "ledger.json") || strings.HasSuffix(at, "-") || at == "etc/.ignition-result.json" {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&b, "%s %v %d:%d links %d", at, info.Mode(), st.Uid, st.Gid, st.Nlink)
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %.300q", undated(at, text))
		}
		if target, err := os.Readlink(name); err == nil {
			fmt.Fprintf(&b, " -> %s", target)
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		m.Fatal(err)
	}
	return b.String()
}
