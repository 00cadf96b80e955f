package vm

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/firstlight-os/firstlight/tests/sandbox"
)

// InsideVariable is set in the environment of a program that is to know that it
// runs in the lab.
const InsideVariable = "FIRSTLIGHT_LAB"

// InLab reports whether this program runs in the lab.
func InLab() bool { return os.Getenv(InsideVariable) != "" }

// A TestGroup is the part of a package's tests that runs in one machine. The machines
// run at the same time.
type TestGroup struct {
	// Tests is a regular expression of the names; "" is all that no other group has.
	Tests string
	// Prepare, if not nil, completes the job of a machine. Dir is for its files.
	Prepare func(lab *Lab, job *Job, dir string) error
}

// RunInLab runs the tests of a package in the lab: the test binary starts itself
// there, with the flags that it was given. It is what TestMain calls, and it
// returns the exit status.
func RunInLab(m *testing.M, groups ...TestGroup) int {
	if InLab() {
		if err := sandbox.DenyAsAsked(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}
	if err := runInLab(groups); err != nil {
		if status, ok := err.(ExitError); ok {
			return int(status)
		}
		fmt.Fprintln(os.Stderr, "lab:", err)
		return 1
	}
	return 0
}

func runInLab(groups []TestGroup) error {
	flag.Parse()
	names, err := testNames()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "firstlight-lab-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	lab, err := BuildLab(dir)
	if err != nil {
		return err
	}
	var machines []*labMachine
	for _, group := range groups {
		if tests := group.of(names, groups); len(tests) > 0 {
			machines = append(machines, &labMachine{lab: lab, group: group, tests: tests, dir: filepath.Join(dir, fmt.Sprint(len(machines)))})
		}
	}
	var running sync.WaitGroup
	for _, m := range machines {
		running.Go(func() { m.err = m.run(names) })
	}
	running.Wait()
	for _, m := range machines {
		os.Stdout.Write(m.output.Bytes())
		if m.err != nil && err == nil {
			err = m.err
		}
	}
	return err
}

// testNames returns the tests of this program that its flags select.
func testNames() ([]string, error) {
	selected, _, _ := strings.Cut(flag.Lookup("test.run").Value.String(), "/")
	if selected == "" {
		selected = "."
	}
	list := exec.Command("/proc/self/exe", "-test.list="+selected)
	list.Env = append(os.Environ(), InsideVariable+"=1")
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the tests: %w", err)
	}
	return strings.Fields(string(out)), nil
}

// of returns the tests of the group.
func (g TestGroup) of(names []string, all []TestGroup) (tests []string) {
	for _, name := range names {
		if g.has(name, all) {
			tests = append(tests, name)
		}
	}
	return tests
}

func (g TestGroup) has(name string, all []TestGroup) bool {
	if g.Tests != "" {
		return regexp.MustCompile(g.Tests).MatchString(name)
	}
	for _, other := range all {
		if other.Tests != "" && other.has(name, all) {
			return false
		}
	}
	return true
}

// A labMachine runs some tests of a package.
type labMachine struct {
	lab    *Lab
	group  TestGroup
	tests  []string
	dir    string
	output bytes.Buffer
	err    error
}

func (m *labMachine) run(names []string) (err error) {
	if err := os.Mkdir(m.dir, 0o700); err != nil {
		return err
	}
	job := Job{Output: &m.output, Env: []string{InsideVariable + "=1", sandbox.DenyVariable + "=" + os.Getenv(sandbox.DenyVariable)}, Args: m.flags(names)}
	if job.Program, err = os.Executable(); err != nil {
		return err
	}
	if m.group.Prepare != nil {
		if err := m.group.Prepare(m.lab, &job, m.dir); err != nil {
			return err
		}
	}
	return m.lab.Run(context.Background(), job)
}

// flags are those that this test binary was given, without the ones that name
// files of the host; the tests of other machines are skipped.
func (m *labMachine) flags(names []string) []string {
	var args, skipped []string
	flag.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "test.testlogfile", "test.outputdir", "test.gocoverdir", "test.coverprofile", "test.cpuprofile", "test.memprofile":
		case "test.skip":
			skipped = append(skipped, f.Value.String())
		default:
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	for _, name := range names {
		if !slices.Contains(m.tests, name) {
			skipped = append(skipped, "^"+name+"$")
		}
	}
	if len(skipped) > 0 {
		args = append(args, "-test.skip="+strings.Join(skipped, "|"))
	}
	return append(args, flag.Args()...)
}
