package console

import (
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// read returns the events of a text that comes byte by byte.
func read(t testing.TB, text string) []Event {
	t.Helper()
	var events []Event
	_, err := io.Copy(NewReader(func(e Event) { events = append(events, e) }), iotest.OneByteReader(strings.NewReader(text)))
	testkit.NoError(t, err)
	return events
}

func recorded(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	testkit.NoError(t, err)
	return string(text)
}

// lines are events in short.
func lines(events []Event) string {
	names := map[Kind]string{StageStarted: "stage", OperationFinished: "finished", OperationFailed: "failed", StageFailed: "stage failed",
		Failed: "box", Provisioned: "provisioned", Switched: "switched", Emergency: "emergency", Panic: "panic", Login: "login"}
	var b strings.Builder
	for _, e := range events {
		text, _, _ := strings.Cut(e.Text, "\n")
		b.WriteString(strings.Join(strings.Fields(names[e.Kind]+" "+e.Stage+" "+text), " ") + "\n")
	}
	return b.String()
}

func TestJournalOnTheConsoleTellsTheWholeStory(t *testing.T) {
	testkit.Equal(t, "events", lines(read(t, recorded(t, "journal"))), `stage fetch-offline
stage kargs
stage disks
finished disks partitioning /dev/vdb (create 1 "data") (1.906 s)
stage mount
stage files
finished files recording in /etc/.provisioning-ledger.json what exists (0.077 s)
finished files writing file /etc/firstlight-base (0.016 s)
finished files writing file /etc/hello (0.003 s)
finished files writing everything through to the disks (0.107 s)
finished files writing the result file /etc/.ignition-result.json (0.045 s)
finished files recording that all is done (0.097 s)
stage umount
provisioned
switched
`)
}

// Other agents log other things, and most images show no log on the console.
func TestStatusOfUnitsTellsTheStages(t *testing.T) {
	testkit.Equal(t, "events", lines(read(t, recorded(t, "status"))), `stage fetch-offline
stage kargs
stage disks
stage mount
stage files
provisioned
switched
`)
}

func TestBoxBetweenOtherLinesIsFound(t *testing.T) {
	events := read(t, recorded(t, "failed"))
	testkit.Equal(t, "events", lines(events), `stage disks
stage failed disks
box disks +------------------------------------------------------------------------------+
stage failed disks
stage failed disks
emergency
box disks +------------------------------------------------------------------------------+
`)
	testkit.Equal(t, "box in the journal", events[2].Text, events[6].Text)
	testkit.Contains(t, "box", events[2].Text, "| operation  waiting for /dev/vdz ", "| log        journalctl")
	testkit.Equal(t, "status", events[2].Status, int(report.KindMachine))
	testkit.Equal(t, "lines", strings.Count(events[2].Text, "\n"), 15)
}

func TestEvents(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"nothing":                        {"", ""},
		"a prompt":                       {"\r\nFedora CoreOS\r\nweb1 login: ", "login\n"},
		"a prompt in a message":          {"this is the login: core\n", ""},
		"a panic":                        {"[    3.1] Kernel panic - not syncing: VFS: Unable to mount root fs\n", "panic VFS: Unable to mount root fs\n"},
		"a name cut off in its middle":   {"[\x1b[0;1;31mFAILED\x1b[0m] Failed to start \x1b[0;1;39mignition-f…ce\x1b[0m - Ignition (fetch-offline).\r\n", "stage failed fetch-offline\n"},
		"with levels":                    {"[   33.1] ignition[319]: DEBUG    : files: the plan has 2 operations\n[   33.2] ignition[319]: INFO     : files: op(1): [finished] writing file /etc/hello (0.001 s)\n", "stage files\nfinished files writing file /etc/hello (0.001 s)\n"},
		"systemd 245":                    {"         Starting \x1b[0;1;39mIgnition (disks)\x1b[0m...\r\n[\x1b[0;1;31mFAILED\x1b[0m] Failed to start \x1b[0;1;39mIgnition (disks)\x1b[0m.\r\n", "stage disks\nstage failed disks\n"},
		"a unit of others":               {"Starting ignition-remount-sysroot.service - Remount /sysroot read-write for Ignition...\nStarting ignition-f…\n", ""},
		"no systemd":                     {"[    2.0] ignition[7]: files: op(1): [failed]   writing file /x: no room\n[    2.1] ignition[8]: umount: umount passed in 0.1 s\n", "stage files\nfailed files writing file /x: no room\nstage umount\nprovisioned\n"},
		"root is switched without files": {"systemd[1]: Switching root.\n", "switched\n"},
		"steering":                       {"ignition[1]: files: op(1): [finished] writing \x1b]0;x\x07\u202efile\n", "stage files\nfinished files writing ?]0;x??file\n"},
		"only a summary":                 {"\r\nfirst boot 4.1 s: network 2.2, disks 0.9, files 0.6\r\n", "provisioned\n"},
		"given up twice":                 {"You are in emergency mode\nYou are in emergency mode\n", "emergency\n"},
	} {
		t.Run(name, func(t *testing.T) {
			testkit.Equal(t, "events", lines(read(t, tc.text)), tc.want)
		})
	}
}

func TestExitStatusOfAUnit(t *testing.T) {
	events := read(t, "systemd[1]: ignition-fetch.service: Main process exited, code=exited, status=5/NOTINSTALLED\n")
	testkit.Equal(t, "events", events, []Event{{Kind: StageFailed, Stage: "fetch", Status: 5}})
}

func TestStory(t *testing.T) {
	var b strings.Builder
	s := NewStory(&b)
	for _, e := range []Event{{Kind: StageStarted, Stage: "kargs"}, {Kind: OperationFinished, Text: "a"}, {Kind: OperationFailed, Text: strings.Repeat("b", 80)}, {Kind: Login}} {
		s.Tell(e)
	}
	_, text, _ := strings.Cut(b.String(), " s  ")
	testkit.Equal(t, "story", text, "kargs          kernel arguments\n          - a\n          ! "+strings.Repeat("b", 64)+"...\n")
}

// A machine prints what it wants to.
func FuzzReader(f *testing.F) {
	for _, name := range []string{"journal", "status", "failed"} {
		f.Add(recorded(f, name))
	}
	f.Add(strings.Repeat("x", maxLine+1) + " login: ")
	f.Fuzz(func(t *testing.T, text string) {
		for _, e := range read(t, text) {
			for _, shown := range []string{e.Text, e.Stage} {
				if strings.ContainsAny(strings.TrimRight(shown, "\n"), "\x1b\r\x00") {
					t.Errorf("%+v", e)
				}
			}
			if (e.Kind == Failed || e.Kind == StageFailed) && (e.Status < 1) {
				t.Errorf("a failure with status %d: %+v", e.Status, e)
			}
		}
	})
}
