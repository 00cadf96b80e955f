// Package distributions_test imitates the distributions that build on us: what they
// call, source, set and look for, in our own words.
package distributions_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/tests/sandbox"
)

func TestMain(m *testing.M) { sandbox.Main(m, 0, settle) }

// settle gives generators a log of their own.
func settle() error {
	log, err := os.Create(filepath.Join(filepath.Dir(sandbox.Agent()), "kmsg"))
	if err != nil {
		return err
	}
	defer log.Close()
	return unix.Mount(log.Name(), "/dev/kmsg", "", unix.MS_BIND, "")
}
