// Package redteam_test attacks the agent and the workstation's program as they are
// shipped. The canaries: every field of a config that may hold a secret holds a word
// of its own, and whatever becomes of the config, no channel that others read shows
// one of them.
package redteam_test

import (
	"bytes"
	"context"
	"encoding/base64"
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

	"github.com/firstlight-os/firstlight/tests/sandbox"
)

func TestMain(m *testing.M) { sandbox.Main(m, unix.CLONE_NEWNET, settle) }

// settle gives the namespace its loopback, and the address of metadata services.
func settle() error {
	for _, args := range [][]string{{"link", "set", "lo", "up"}, {"address", "add", metadataAddress + "/32", "dev", "lo"}} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

const metadataAddress = "169.254.169.254"

// birds are the canaries of a test, by what they stand for.
type birds map[string]string

// word is the canary of a place. It looks the same in JSON, YAML and a URL.
func (b birds) word(place string) string {
	if b[place] == "" {
		b[place] = fmt.Sprintf("canary%03dqzjxw", len(b)+1)
	}
	return b[place]
}

// in returns the places whose canaries are in a text, also as base64.
func (b birds) in(text []byte) []string {
	var all []string
	for place, word := range b {
		if slices.ContainsFunc(forms(word), func(f string) bool { return bytes.Contains(text, []byte(f)) }) {
			all = append(all, place)
		}
	}
	slices.Sort(all)
	return all
}

// forms are a word, and what base64 makes of it at each of the three places where a
// word can begin, without what depends on the words around it.
func forms(word string) []string {
	all := []string{word}
	for skip := range 3 {
		rest := word[(3-skip)%3:]
		all = append(all, base64.StdEncoding.EncodeToString([]byte(rest[:len(rest)/3*3])))
	}
	return all
}

// none checks that a channel has no canary.
func (b birds) none(t *testing.T, channel string, text []byte) {
	t.Helper()
	if found := b.in(text); len(found) > 0 {
		t.Errorf("%s shows %q:\n%.6000s", channel, found, text)
	}
}

// A machine is a root and the /run of its boots.
type machine struct {
	*testing.T
	birds
	dir string
	env []string
}

func newMachine(t *testing.T, b birds) *machine {
	t.Helper()
	m := &machine{T: t, birds: b, dir: t.TempDir()}
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

// stage is the agent at a stage of this machine.
func (m *machine) stage(platform, name string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	m.Cleanup(cancel)
	c := exec.CommandContext(ctx, sandbox.Agent(), "--platform="+platform, "--stage="+name, "--root="+m.path("root"), "--log-to-stdout",
		"--config-cache="+m.path("run/ignition.json"), "--state-file="+m.path("run/ignition/state"), "--neednet="+m.path("run/ignition/neednet"))
	c.Env, c.Dir = m.env, m.dir
	return c
}

// run runs a stage, while a reader of all files looks at them, and checks what it
// said and left.
func (m *machine) run(platform, name string) (status int) {
	m.Helper()
	stop := m.watch()
	out, err := m.stage(platform, name).CombinedOutput()
	stop()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		status = ended.ExitCode()
	} else if err != nil {
		m.Fatal(err)
	}
	m.none(m.T, name+"'s log", out)
	m.look()
	if m.Failed() || testing.Verbose() {
		m.Logf("%s: status %d\n%.3000s", name, status, out)
	}
	return status
}

// mayHold are the files that may have secrets: the config in the cache and its
// accounts, which are their owner's only, and what the config asks for.
func mayHold(name string, mode fs.FileMode) bool {
	switch {
	case strings.HasPrefix(name, "bin/"), name == "config.ign":
		return true // the test's own
	case strings.HasPrefix(name, "root/etc/systemd/system/"):
		return true // units are for all to read
	case mode&0o007 != 0:
		return false
	}
	switch name {
	case "run/ignition.json", "root/etc/shadow", "root/etc/gshadow", "root/etc/shadow-", "root/etc/gshadow-", "root/etc/passwd-":
		return true
	}
	return strings.HasPrefix(name, "root/srv/") || temporary(name)
}

// temporary reports whether a file is one that becomes another by renaming.
func temporary(name string) bool {
	base := filepath.Base(name)
	return strings.HasPrefix(base, ".firstlight-") || strings.HasPrefix(name, "root/etc/shadow") || strings.HasPrefix(name, "root/etc/gshadow") ||
		strings.HasPrefix(name, "run/.") || strings.HasPrefix(name, "run/ignition.json")
}

// look reads all files of the machine.
func (m *machine) look() {
	for name, found := range m.found() {
		m.Errorf("%s holds %s", name, found)
	}
}

// found returns the canaries of files that should have none.
func (m *machine) found() map[string]string {
	all := map[string]string{}
	filepath.WalkDir(m.dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil // it has gone
		}
		info, err := e.Info()
		if err != nil {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil
		}
		at, _ := filepath.Rel(m.dir, name)
		if places := m.in(text); len(places) > 0 && !mayHold(at, info.Mode()) {
			all[at] = fmt.Sprintf("(mode %v) the canaries %q", info.Mode(), places)
		}
		return nil
	})
	return all
}

// watch reads all files again and again until it is stopped.
func (m *machine) watch() (stop func()) {
	done, ended := make(chan struct{}), make(chan map[string]string)
	go func() {
		all := map[string]string{}
		for {
			for name, found := range m.found() {
				all[name] = found
			}
			select {
			case <-done:
				ended <- all
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	return func() {
		m.Helper()
		close(done)
		for name, found := range <-ended {
			m.Errorf("for a while %s held %s", name, found)
		}
	}
}
