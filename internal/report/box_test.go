package report

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/config"
)

// fits checks that a box is one that a console of 80 columns and 24 lines shows.
func fits(t *testing.T, box string) {
	t.Helper()
	if n := strings.Count(box, "\n"); n > boxHeight {
		t.Errorf("%d lines:\n%s", n, box)
	}
	for line := range strings.Lines(box) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n != boxWidth {
			t.Errorf("%d columns: %q", n, line)
		}
		if strings.ContainsAny(line, "\x1b\r\t\x00") {
			t.Errorf("a control character steers the terminal: %q", line)
		}
	}
}

func FuzzBoxFitsOnAConsole(f *testing.F) {
	long := strings.Repeat("x", 500) + " \x1b[2J" + strings.Repeat(" ü", 200)
	f.Add(uint8(1), 1, "", "", "", "", "", "")
	f.Add(uint8(8), 6, long, long, long, long, long, long)
	f.Add(uint8(255), 41, strings.Repeat("x ", 500), strings.Repeat("x\n", 500), "a\nb", "s\n", "p\t", strings.Repeat("y", 900))
	f.Fuzz(func(t *testing.T, n uint8, line int, doing, cause, detail, source, path, hint string) {
		failure := Failure{Stage: "files", Kind: KindDisk} // its headline is the longest
		for range n%(maxProblems+2) + 1 {
			failure.Problems = append(failure.Problems, Problem{doing, cause, detail, printableOrigin(config.Origin{Source: source, Line: line, Column: line, Path: path}), hint})
		}
		fits(t, failure.Box())
	})
}

// Whatever the sizes of the texts are: what was being done, the reason, the place and
// what to do are there.
func TestBoxKeepsWhatCounts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	filler := func() string {
		var b strings.Builder
		for range random.IntN(2) * random.IntN(200) {
			b.WriteString(strings.Repeat("x", random.IntN(1+random.IntN(300))) + []string{" ", "\n", "/"}[random.IntN(3)])
		}
		return b.String()
	}
	for range 150 {
		var errs []error
		for i := range 1 + random.IntN(maxProblems+3) {
			at := config.Origin{Source: "user config " + filler(), Line: 41 + i, Column: 1 + random.IntN(1000), Path: "storage." + filler()}
			errs = append(errs, &Error{Doing: fmt.Sprintf("making %d %s", i, filler()), Origin: at,
				Err: fmt.Errorf("a cause %s reason %d.", filler(), i), Hint: fmt.Sprintf("fix %d %s, end %d.", i, filler(), i)})
		}
		kind := []error{ErrBug, ErrConfig, ErrFetch, errors.New("x")}[random.IntN(4)]
		failure := Failure{Stage: "disks", Kind: KindOf(kind), Problems: Explain(errors.Join(errs...))}
		box := failure.Box()
		fits(t, box)
		text := strings.Join(strings.Fields(strings.ReplaceAll(box, "|", " ")), " ")
		for i, p := range failure.Problems {
			if i >= maxProblems {
				break
			}
			want := []string{fmt.Sprintf("making %d ", i), fmt.Sprintf("reason %d.", i), fmt.Sprintf("line %d, column %d", p.Origin.Line, p.Origin.Column)}
			if i < maxWhole {
				want = append(want, fmt.Sprintf("hint fix %d ", i), fmt.Sprintf("end %d.", i))
			}
			for _, w := range want {
				if !strings.Contains(text, w) {
					t.Fatalf("%q of problem %d is not in\n%s", w, i+1, box)
				}
			}
		}
	}
}

func TestEightProblemsOnAConsole(t *testing.T) {
	var errs []error
	for i := range 8 {
		errs = append(errs, &Error{Doing: fmt.Sprintf("writing file /etc/file%d", i), Err: errors.New("the server answered 404 Not Found: this page does not exist, or it exists no longer: ask the webmaster"),
			Origin: config.Origin{Source: "user config (fw_cfg opt/com.coreos/config)", Line: 100 + i, Column: 9, Path: fmt.Sprintf("storage.files[%d].contents.source", i)},
			Hint:   "check the URL; the server, or the proxy before it, does not have what it names"})
	}
	want := `+------------------------------------------------------------------------------+
| Firstlight could not provision this machine: it cannot fetch what it needs   |
+------------------------------------------------------------------------------+
| stage      files                                                             |
| problem 1  writing file /etc/file0                                           |
| cause      the server answered 404 Not Found: this page does not exist, or   |
|            it exists no longer: ask the webmaster                            |
| config     user...ig), line 100, column 9 (storage.files[0].contents.source) |
| hint       check the URL; the server, or the proxy before it, does not have  |
|            what it names                                                     |
| problem 2  writing file /etc/file1                                           |
| cause      the server answered 404 Not Found: this page does not exist, or   |
|            it exists no longer: ask the webmaster                            |
| config     user...ig), line 101, column 9 (storage.files[1].contents.source) |
| hint       check the URL; the server, or the proxy before it, does not have  |
|            what it names                                                     |
| problem 3  writing file /etc/fil...r: ask the webmaster [line 102, column 9] |
| problem 4  writing file /etc/fil...r: ask the webmaster [line 103, column 9] |
| problem 5  writing file /etc/fil...r: ask the webmaster [line 104, column 9] |
| problem 6  writing file /etc/fil...r: ask the webmaster [line 105, column 9] |
| problem 7  writing file /etc/fil...r: ask the webmaster [line 106, column 9] |
| problem 8  writing file /etc/fil...r: ask the webmaster [line 107, column 9] |
| log        journalctl -t ignition (or dmesg, without a journal)              |
+------------------------------------------------------------------------------+
`
	if got := (Failure{"files", KindFetch, Explain(errors.Join(errs...))}).Box(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
