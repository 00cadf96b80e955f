package report

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestStreamsOfTheJournal(t *testing.T) {
	f, err := os.Open(os.DevNull)
	testkit.NoError(t, err)
	defer f.Close()
	var stat unix.Stat_t
	testkit.NoError(t, unix.Fstat(int(f.Fd()), &stat))
	for stream, want := range map[string]bool{"": false, "1:2": false, "x": false, fmt.Sprintf("%d:%d", stat.Dev, stat.Ino): true} {
		t.Setenv("JOURNAL_STREAM", stream)
		testkit.Equal(t, stream, leadsToJournal(f), want)
	}
}
