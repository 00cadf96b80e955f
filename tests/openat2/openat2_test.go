// Package openat2_test runs tests of other packages where there is no openat2(2), as on
// Linux before 5.6, or where it is forbidden, as by the filters of some containers.
// Paths below a root must lead to the same places there, and nowhere else.
package openat2_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/tests/sandbox"
)

// TestMain is the tests, or, where openat2 is to be denied, the program that the
// arguments are.
func TestMain(m *testing.M) {
	if os.Getenv(sandbox.DenyVariable) == "" {
		os.Exit(m.Run())
	}
	err := sandbox.DenyAsAsked()
	if err == nil {
		err = unix.Exec(os.Args[1], os.Args[1:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// suites are packages whose tests look at paths below a root. Sample is the tests that
// run each time, with one of the errors; all of them run where OPENAT2_ALL is set.
var suites = []struct{ name, sample string }{
	{"files/rootfs", "."},
	{"files/ledger", "."},
	{"files", "Hostile|Links|Root|Label|Homes"},
	{"storage", "Label|MountPoints|Policy"},
	{"internal/system", "Label|Policy|Mount"},
	{"providers", "Below|InAllTheirForms"},
	{"tests/files", "Links|Labels"},
}

func TestOtherTestsPassWithoutOpenat2(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i, suite := range suites {
		program := filepath.Join(dir, fmt.Sprint(i))
		if out, err := exec.Command("go", "test", "-c", "-o", program, "github.com/firstlight-os/firstlight/"+suite.name).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for j, errno := range []string{"ENOSYS", "EPERM"} {
			args := []string{program, "-test.timeout=2h", "-test.count=1"}
			if os.Getenv("OPENAT2_ALL") == "" {
				if i > 0 && i%2 != j {
					continue
				}
				args = append(args, "-test.run="+suite.sample)
			}
			t.Run(suite.name+" "+errno, func(t *testing.T) {
				c := exec.Command(self, args...)
				c.Dir = filepath.Join("../..", suite.name)
				c.Env = append(os.Environ(), sandbox.DenyVariable+"="+errno)
				if out, err := c.CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
}
