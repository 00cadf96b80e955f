// Package redteam_test attacks the agent and the workstation's program as they are
// shipped. The canaries: every field of a config that may hold a secret holds a word
// of its own, and whatever becomes of the config, no channel that others read shows
// one of them.
package redteam_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/tests/canary"
	"github.com/firstlight-os/firstlight/tests/sandbox"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == measureCommand {
		os.Exit(measure(os.Args[2:]))
	}
	sandbox.Main(m, unix.CLONE_NEWNET, settle)
}

// settle gives the namespace its loopback, the address of metadata services, and
// channels that the tests can read.
func settle() error {
	if err := openChannels(filepath.Dir(sandbox.Agent())); err != nil {
		return err
	}
	commands := [][]string{{"link", "set", "lo", "up"}}
	for _, address := range metadataAddresses {
		commands = append(commands, []string{"address", "add", address, "dev", "lo"})
	}
	for _, args := range commands {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

// A machine is a root and the /run of its boots.
type machine struct {
	*testing.T
	canary.Birds
	dir string
	env []string
	// arguments are further ones of the stages.
	arguments []string
	// runs counts the stages that were started.
	runs int
	// secretSources says that the secrets are not in the config, so that the cache and the
	// state have none.
	secretSources bool
	// traced has all that the stages and their helpers do recorded.
	traced bool
}

func newMachine(t *testing.T, b canary.Birds) *machine {
	t.Helper()
	m := &machine{T: t, Birds: b, dir: t.TempDir()}
	// The directory is the test's own; what is in it may be seen by others.
	for name, text := range map[string]string{
		"root/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "root/etc/shadow": "root:*:19000:0:99999:7:::\n",
		"root/etc/group": "root:x:0:\nwheel:x:10:\n", "root/etc/gshadow": "root:*::\nwheel:!::\n",
		"root/etc/login.defs": "UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nUSERGROUPS_ENAB yes\n",
		"root/etc/motd":       "welcome",
	} {
		m.write(name, text, 0o644)
	}
	for _, name := range []string{"root/etc/shadow", "root/etc/gshadow"} {
		if err := os.Chmod(m.path(name), 0); err != nil {
			t.Fatal(err)
		}
	}
	m.env = append(os.Environ(), "IGNITION_CONFIG_FILE="+m.path("config.ign"), "IGNITION_KERNEL_CMDLINE_PATH="+os.DevNull,
		"IGNITION_SYSTEM_CONFIG_DIR="+m.path("none"), "IGNITION_SYSTEM_LOCAL_CONFIG_DIR="+m.path("none"), "IGNITION_SYSTEM_RUNTIME_CONFIG_DIR="+m.path("none"))
	return m
}

func (m *machine) path(name string) string { return filepath.Join(m.dir, name) }

func (m *machine) write(name, text string, mode fs.FileMode) {
	m.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755); err != nil {
		m.Fatal(err)
	}
	if err := os.WriteFile(m.path(name), []byte(text), mode); err != nil {
		m.Fatal(err)
	}
}

// helper puts a shell script before the programs of a name.
func (m *machine) helper(name, script string) {
	m.Helper()
	m.write("bin/"+name, "#!/bin/sh\n"+script, 0o755)
	if !slices.Contains(m.env, "PATH="+m.path("bin")+":"+os.Getenv("PATH")) {
		m.env = append(m.env, "PATH="+m.path("bin")+":"+os.Getenv("PATH"))
	}
}

// stage is the agent at a stage of this machine. Each logs somewhere else.
func (m *machine) stage(platform, name string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	m.Cleanup(cancel)
	argv := []string{sandbox.Agent(), "--platform=" + platform, "--stage=" + name, "--root=" + m.path("root"),
		"--config-cache=" + m.path("run/ignition.json"), "--state-file=" + m.path("run/ignition/state"), "--neednet=" + m.path("run/ignition/neednet")}
	argv = append(append(argv, m.arguments...), m.log().arguments...)
	if m.traced {
		argv = canary.Trace{}.Command(m.record(), argv)
	}
	c := exec.CommandContext(ctx, argv[0], argv[1:]...)
	c.Env, c.Dir = m.env, m.dir
	return c
}

// record is where strace writes.
func (m *machine) record() string { return m.dir + ".strace" }

func (m *machine) run(platform, name string) (status int) {
	m.Helper()
	return m.watched(name, m.stage(platform, name))
}

// watched runs a stage, while a reader of all files looks at them, and checks what it
// said, did and left.
func (m *machine) watched(name string, stage *exec.Cmd) (status int) {
	m.Helper()
	log := m.log()
	log.clear(m)
	readPort(m)
	files := canary.Files{Birds: m.Birds, Dirs: []string{m.dir, "/run"}, MayHold: m.mayHold}
	stop := files.Watch(m)
	out, err := stage.CombinedOutput()
	stop()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		status = ended.ExitCode()
	} else if err != nil {
		m.Fatal(err)
	}
	m.None(m, name+"'s output", out)
	text := log.read(m)
	m.None(m, name+"'s log in "+log.name, text)
	if log.arguments == nil && len(text) == 0 {
		m.Errorf("%s has nothing in %s", name, log.name)
	}
	console := readConsole(m)
	m.None(m, "the console", console)
	wanted := (status != 0 || name == "umount") && log.arguments == nil // with --log-to-stdout the console is another's
	if status >= 0 && wanted != (len(console) > 0) {
		m.Errorf("%s: status %d, log in %s, and the console has %q", name, status, log.name, console)
	}
	boots := readPort(m)
	m.None(m, "the record of the boot by a port", boots)
	if sent := status != 0 || name == "umount"; status >= 0 && sent != (len(boots) > 0) {
		m.Errorf("%s: status %d, and the port has %q", name, status, boots)
	}
	files.Look(m)
	if m.traced {
		canary.Trace{Birds: m.Birds, MayHold: m.mayHold}.Check(m, m.record())
	}
	if m.Failed() || testing.Verbose() {
		m.Logf("%s: status %d\n%.3000s\n%.6000s", name, status, out, text)
	}
	m.runs++
	return status
}

// mayHold are the files that may have secrets: the config in the cache and its
// accounts, which are their owner's only, and what the config asks for.
func (m *machine) mayHold(name string, mode fs.FileMode) bool {
	name, inside := strings.CutPrefix(name, m.dir+"/")
	switch {
	case !inside:
		return false
	case m.secretSources:
		return mayHoldSource(name, mode)
	case strings.HasPrefix(name, "bin/"), strings.HasPrefix(name, "credentials/"), name == "config.ign":
		return true // the test's own
	case strings.HasPrefix(name, "root/etc/systemd/system/"):
		return true // units are for all to read
	case mode&0o007 != 0:
		return false
	}
	switch name {
	case "run/ignition.json", "run/ignition/state", "run/ignition/machine", "cmdline", "root/etc/shadow", "root/etc/gshadow", "root/etc/shadow-", "root/etc/gshadow-", "root/etc/passwd-":
		return true
	}
	return strings.HasPrefix(name, "root/srv/") || temporary(name)
}

// temporary reports whether a file is one that becomes another by renaming.
func temporary(name string) bool {
	base := filepath.Base(name)
	return strings.HasPrefix(base, ".firstlight-") || strings.HasPrefix(name, "root/etc/shadow") || strings.HasPrefix(name, "root/etc/gshadow") ||
		strings.HasPrefix(name, "run/.") || strings.HasPrefix(name, "run/ignition/.state-") || strings.HasPrefix(name, "run/ignition/.machine-") || strings.HasPrefix(name, "run/ignition.json")
}
