package redteam_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/firstlight-os/firstlight/tests/canary"
	"os/exec"
	"strconv"
)

// A machine with available memory for configs of limit; what a config may cost is 2.5
// times as much, beside what the program needs without one.
const (
	available = 100 << 20
	limit     = available / 4
	mostCost  = 16<<20 + limit*5/2
)

const begin = `{"ignition":{"version":"3.5.0"}`

// hugeConfigs are user data that would take much more memory than they have bytes.
// Those that fit take nearly all that there may be, the others are refused.
var hugeConfigs = map[string]struct {
	text    func(w io.Writer)
	refused string
}{
	"a large file": {func(w io.Writer) { file(w, limit-10<<10) }, ""},
	"packed":       {func(w io.Writer) { packed(w, 1, func(w io.Writer) { file(w, limit-10<<10) }) }, ""},
	"blanks": {func(w io.Writer) {
		packed(w, 1, func(w io.Writer) { io.WriteString(w, begin+"}"); repeat(w, " ", limit-10<<10) })
	}, ""},
	"a bomb":           {func(w io.Writer) { packed(w, 1, func(w io.Writer) { file(w, 60<<20) }) }, "it has more than 25 MiB, which is a quarter of the 100 MiB of memory"},
	"a nested bomb":    {func(w io.Writer) { packed(w, 3, func(w io.Writer) { repeat(w, "\x00", 60<<20) }) }, "it has more than 25 MiB"},
	"a bomb inside":    {func(w io.Writer) { merged(w, 100<<20) }, "it is larger than 25 MiB"},
	"a config inside":  {func(w io.Writer) { merged(w, limit/2) }, ""},
	"empty objects":    {func(w io.Writer) { files(w, "{}", 140_000) }, "a path is missing"},
	"many files":       {func(w io.Writer) { files(w, `{"path":"/#","mode":420,"contents":{"source":"data:,#"}}`, 19_000) }, ""},
	"100,000 files":    {func(w io.Writer) { files(w, `{"path":"/#","mode":420,"contents":{"source":"data:,#"}}`, 100_000) }, "configs may have 25 MiB, which is a quarter"},
	"many short files": {func(w io.Writer) { files(w, `{"path":"/#"}`, 75_000) }, ""},
	"numbers": {func(w io.Writer) {
		io.WriteString(w, begin+`,"x":[1`)
		repeat(w, ",1", 10<<20)
		io.WriteString(w, "]}")
	}, "configs may have 25 MiB"},
	"deep": {func(w io.Writer) {
		io.WriteString(w, begin+`,"x":`)
		repeat(w, "[", 100_000)
	}, "more than 10000 deep"},
	"aliases": {func(w io.Writer) {
		io.WriteString(w, "variant: fcos\nversion: 1.6.0\na: &a [x]\n")
		for i := 'b'; i < 'h'; i++ {
			fmt.Fprintf(w, "%c: &%c [%s]\n", i, i, strings.Repeat(fmt.Sprintf("*%c,", i-1), 50))
		}
		io.WriteString(w, "storage:\n  files: *g\n")
	}, "this is a list, but a mapping is expected"},
	"aliases of a large text": {func(w io.Writer) {
		io.WriteString(w, "variant: fcos\nversion: 1.6.0\nx: &a {inline: "+strings.Repeat("x", 100_000)+"}\nstorage:\n  files:\n")
		for i := range 1000 {
			fmt.Fprintf(w, "  - {path: /%d, contents: *a}\n", i)
		}
	}, "the aliases make this config far larger than its text"},
	"YAML in flow style": {func(w io.Writer) {
		io.WriteString(w, "variant: fcos\nversion: 1.6.0\nx: [a")
		repeat(w, ",a", 140_000)
		io.WriteString(w, "]\n")
	}, ""},
}

func repeat(w io.Writer, text string, bytes int) {
	piece := strings.Repeat(text, 4096)
	for ; bytes > len(piece); bytes -= len(piece) {
		io.WriteString(w, piece)
	}
	io.WriteString(w, piece[:bytes/len(text)*len(text)])
}

// file has one file with so many bytes of base64.
func file(w io.Writer, bytes int) {
	io.WriteString(w, begin+`,"storage":{"files":[{"path":"/a","contents":{"source":"data:;base64,`)
	repeat(w, "AAAA", bytes)
	io.WriteString(w, `"}}]}}`)
}

// files has n files; # is a number.
func files(w io.Writer, item string, n int) {
	io.WriteString(w, begin+`,"storage":{"files":[`)
	for i := range n {
		if i > 0 {
			io.WriteString(w, ",")
		}
		io.WriteString(w, strings.ReplaceAll(item, "#", fmt.Sprint(i)))
	}
	io.WriteString(w, "]}}")
}

func packed(w io.Writer, times int, text func(io.Writer)) {
	if times == 0 {
		text(w)
		return
	}
	z := gzip.NewWriter(w)
	packed(z, times-1, text)
	z.Close()
}

// merged has a config of so many bytes in a data URL.
func merged(w io.Writer, size int) {
	var inner bytes.Buffer
	packed(&inner, 1, func(w io.Writer) { io.WriteString(w, begin+"}"); repeat(w, " ", size) })
	fmt.Fprintf(w, `{"ignition":{"version":"3.5.0","config":{"merge":[{"compression":"gzip","source":"data:;base64,%s"}]}}}`, base64.StdEncoding.EncodeToString(inner.Bytes()))
}

// unbroken is a text without what the box puts between its words.
func unbroken(text string) string {
	return strings.NewReplacer("|", "", " ", "", "\n", "").Replace(text)
}

// measureCommand has this program run another and write its peak of memory, in KiB, to
// descriptor 3. What a process takes counts from its fork on, and the tests' own process
// may be larger than whatever it starts.
const measureCommand = "measure"

func measure(args []string) (status int) {
	c := exec.Command(args[0], args[1:]...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	if err := c.Run(); c.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		return 127
	}
	fmt.Fprint(os.NewFile(3, "peak"), c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	return c.ProcessState.ExitCode()
}

func TestConfigsTakeNoMoreMemoryThanThereIs(t *testing.T) {
	for name, tc := range hugeConfigs {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, canary.Birds{})
			m.env = append(m.env, fmt.Sprintf("GOMEMLIMIT=%d", available))
			f, err := os.Create(m.path("config.ign"))
			if err != nil {
				t.Fatal(err)
			}
			tc.text(f)
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			stage := m.stage("file", "fetch")
			own, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			stage.Args = append([]string{own, measureCommand, stage.Path}, append(stage.Args[1:], "--log-to-stdout")...)
			stage.Path = own
			written, err := os.Create(m.path("peak"))
			if err != nil {
				t.Fatal(err)
			}
			defer written.Close()
			stage.ExtraFiles = []*os.File{written}
			out, err := stage.CombinedOutput()
			if (err != nil) != (tc.refused != "") || !strings.Contains(unbroken(string(out)), unbroken(tc.refused)) {
				t.Errorf("got %v, want %q in:\n%.3000s", err, tc.refused, out)
			}
			text, err := os.ReadFile(m.path("peak"))
			if err != nil {
				t.Fatal(err)
			}
			kib, err := strconv.ParseInt(string(text), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if peak := kib << 10; peak > mostCost {
				t.Errorf("%d bytes of memory, at most %d may be", peak, mostCost)
			} else {
				t.Logf("%d MiB", peak>>20)
			}
		})
	}
}
