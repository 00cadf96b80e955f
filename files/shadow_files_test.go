package files

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestProgramsWouldWaitForANamedPipe(t *testing.T) {
	for _, name := range []string{"login.defs", "default/useradd", "passwd", "shadow", "group", "gshadow", "subuid", "subgid", "shadow-", "group+", "passwd.lock"} {
		w := newFixture(t)
		w.mkdir(filepath.Dir("etc/" + name))
		testkit.NoError(t, unix.Mkfifo(w.path("etc/"+name), 0o600))
		want := "/etc/" + name + " should be a file, but there is a named pipe"
		w.wantConflicts(`"passwd": {"users": [{"name": "ann"}]}`, want)
		w.wantConflicts(`"passwd": {"groups": [{"name": "staff"}]}`, want)
	}
}
