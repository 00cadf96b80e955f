package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// corpus are configs with what the reference says of them, and how it exits.
const corpus = "../../config/butane/testdata/corpus"

var (
	entry = regexp.MustCompile(`(?m)^(error|warning) at (?:(\$\S*), )?line (\d+) col (\d+): `)
	// A line of the pretty form that marks a place: what follows is wording.
	marked = regexp.MustCompile(`(?m)^( +\| +\^+) .*$`)
)

// places are severity, path, line and column of all entries of a report. The
// reference says some things several times of one place; we say them once.
func places(report string) []string {
	var all []string
	report = strings.Join(slices.DeleteFunc(strings.Split(report, "\n"), isOurs), "\n")
	for _, m := range entry.FindAllStringSubmatch(report, -1) {
		all = append(all, fmt.Sprintf("%s at %s %s:%s", m[1], m[2], m[3], m[4]))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// isOurs reports whether a text has a warning that the reference does not have.
func isOurs(text string) bool {
	return strings.Contains(text, "which stand in the config") || strings.Contains(text, "not the certificate of an authority") || strings.Contains(text, "not the hash of a password")
}

// likeReference runs the personality as the corpus was recorded.
func likeReference(t *testing.T, stem string, flags ...string) (status int, stderr string) {
	t.Helper()
	text, err := os.Open(stem + ".bu")
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	if _, err := os.Stat(stem + ".files"); err == nil {
		flags = append(flags, "-d", stem+".files")
	}
	for _, flag := range []string{"raw", "strict"} {
		if strings.HasSuffix(stem, "."+flag) {
			flags = append(flags, "--"+flag)
		}
	}
	var out, report strings.Builder
	status = butaneProgram(flags, text, &out, &report)
	if (status == 0) != (out.Len() > 0) {
		t.Errorf("exit status %d, but %d bytes of output", status, out.Len())
	}
	return status, report.String()
}

func TestButaneReportsLikeTheReference(t *testing.T) {
	names, err := filepath.Glob(corpus + "/*.bu")
	if err != nil || len(names) < 86 {
		t.Fatalf("%d configs, %v", len(names), err)
	}
	for _, name := range names {
		stem := strings.TrimSuffix(name, ".bu")
		t.Run(filepath.Base(stem), func(t *testing.T) {
			want := 0
			var lines, pretty string
			if recorded, err := os.ReadFile(stem + ".err"); err == nil {
				rest, ok := strings.CutPrefix(string(recorded), "exit ")
				if _, err := fmt.Sscan(rest, &want); err != nil || !ok {
					t.Fatalf("the recorded report begins with %.20q", recorded)
				}
				lines, pretty, _ = strings.Cut(rest, "=== pretty\n")
			}
			status, report := likeReference(t, stem, "--raw-errors")
			if status != want {
				t.Errorf("exit status %d, want %d\n%s", status, want, report)
			}
			compareEntries(t, "places", report, places(report), places(lines))

			_, report = likeReference(t, stem)
			compareEntries(t, "pretty", report, shapes(report), shapes(pretty))
		})
	}
}

// compareEntries compares the entries of two reports. If the document itself has errors,
// the reference stops there, and we go on to those of what would be generated.
func compareEntries(t *testing.T, what, report string, got, want []string) {
	t.Helper()
	if strings.Contains(report, "the source config is not valid") {
		got = slices.DeleteFunc(got, func(e string) bool { return strings.HasPrefix(e, "error") && !slices.Contains(want, e) })
	}
	compare(t, what, strings.Join(got, "\n\n"), strings.Join(want, "\n\n"))
}

// shapes are the entries of a pretty report without their wording, sorted.
// Secrets, which the reference shows, are left out.
func shapes(report string) []string {
	var all []string
	for _, part := range strings.Split(report, "\n\n") {
		lines := strings.Split(marked.ReplaceAllString(part, "$1"), "\n")
		if !strings.Contains(part, "\n  --> ") || isOurs(part) {
			continue // a last line, or a warning that the reference does not have
		}
		lines = slices.DeleteFunc(lines, func(l string) bool {
			_, text, isText := strings.Cut(l, " | ")
			return l == "" || !strings.HasPrefix(l, " ") && entryHead.FindString(l) == "" ||
				isText && len(line{text: text, scalars: scan(text, nil)}.secrets(0, len(text))) > 0
		})
		all = append(all, strings.Join(lines, "\n"))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// entryHead is the first line of an entry.
var entryHead = regexp.MustCompile(`^(error|warning)(\[\$\S+\])?:$`)
