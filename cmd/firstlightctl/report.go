package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
	failure "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/timeline"
)

const reportHelp = `Show the record of a first boot: its stages and operations on a time axis, what
was waited for, the warnings, the configs with their digests, their entries
that are for other machines, and if it has failed why, with the box that the
console had.

Without an argument it is the newest record of this machine: the newest of
/var/log/firstlight/*.json, or of a boot that goes on /run/ignition/record.json
or report.json. FILE may be such a file of another machine; - is standard input.
A URL is fetched by HTTP. More than 32 MiB are refused.

Formats:
  text   for terminals, as wide as COLUMNS says or the terminal is. In bars # is
         work, / is waiting, ! is what has failed and = is several operations
  html   one page that loads nothing and runs nothing, for tickets
  svg    a picture
  json   the record; what is not printable in it is replaced
  trace  events for https://ui.perfetto.dev and chrome://tracing

Of a stage with more than 40 operations text, html and svg show alone those that
have failed and those that took a hundredth of its time, 20 at most. The others
are summed up by what they do, as "creating file"; the time is the sum, of what
may have run at the same time. Of waits the 20 longest of a stage are shown.

Exit status:
  0  the record was shown, whatever became of the boot
  2  wrong usage, or a record that cannot be read`

type reportOptions struct{ format, output string }

func reportCommand() *cobra.Command {
	o := reportOptions{format: "text"}
	c := &cobra.Command{
		Use:   "report [flags] [FILE|URL|-]",
		Short: "Show what happened in a first boot",
		Long:  reportHelp,
		Example: "  firstlightctl report\n" +
			"  firstlightctl report --format html --output boot.html record.json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return errors.New("report takes one FILE or URL; - is standard input")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return runReport(args, o, c.InOrStdin(), c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVar(&o.format, "format", o.format, "`FORMAT`: text, html, svg, json or trace")
	f.StringVarP(&o.output, "output", "o", "", "write to `FILE` instead of standard output")
	return c
}

// reportFormats are the ways to print a record.
var reportFormats = []struct {
	name   string
	render func(r failure.Record, d drawing) ([]byte, error)
}{
	{"text", func(r failure.Record, d drawing) ([]byte, error) { return []byte(d.record(timeline.New(r))), nil }},
	{"html", func(r failure.Record, _ drawing) ([]byte, error) { return timeline.New(r).HTML() }},
	{"svg", func(r failure.Record, _ drawing) ([]byte, error) { return timeline.New(r).SVG(), nil }},
	{"json", func(r failure.Record, _ drawing) ([]byte, error) {
		var b strings.Builder
		err := encode(&b, r)
		return []byte(b.String()), err
	}},
	{"trace", func(r failure.Record, _ drawing) ([]byte, error) { return timeline.Trace(r) }},
}

func runReport(args []string, o reportOptions, stdin io.Reader, stdout io.Writer) error {
	render := func(failure.Record, drawing) ([]byte, error) { return nil, nil }
	var names []string
	for _, f := range reportFormats {
		if names = append(names, f.name); f.name == o.format {
			render, names = f.render, nil
			break
		}
	}
	if names != nil {
		return fmt.Errorf("there is no format %q; there are %s", o.format, strings.Join(names, ", "))
	}
	name, err := recordOf(args)
	if err != nil {
		return err
	}
	text, err := readRecord(name, stdin)
	if err != nil {
		return fmt.Errorf("reading the record: %w", err)
	}
	record, err := timeline.Parse(text)
	if err != nil {
		return fmt.Errorf("reading the record %s: %w", shownRecord(name), err)
	}
	shown := stdout
	if o.output != "" {
		shown = io.Discard // a file has neither colours nor a width
	}
	rendered, err := render(record, drawing{columns: columns(shown), color: colorizer(wantsColor(shown))})
	if err == nil {
		err = writeOutput(o.output, rendered, stdout)
	}
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// Where the records of this machine are: those of earlier boots, and what a boot that
// goes on has; see docs/operating.md. A variable for tests.
var (
	keptRecords = "/var/log/firstlight/*.json"
	bootRecords = []string{"/run/ignition/record.json", "/run/ignition/report.json"}
)

// recordOf returns the file or URL to read.
func recordOf(args []string) (string, error) {
	if len(args) == 1 {
		return args[0], nil
	}
	kept, err := filepath.Glob(keptRecords)
	if err != nil {
		return "", err
	}
	newest, at := "", time.Time{}
	for _, name := range kept {
		if info, err := os.Stat(name); err == nil && (newest == "" || info.ModTime().After(at)) {
			newest, at = name, info.ModTime()
		}
	}
	if newest != "" {
		return newest, nil
	}
	for _, name := range bootRecords {
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
	}
	return "", fmt.Errorf("this machine has no record of a first boot that you may read (%s, %s): run this as root, or name a FILE", keptRecords, strings.Join(bootRecords, ", "))
}

// fetchTime bounds the fetch of a record, retries included.
const fetchTime = 30 * time.Second

// readRecord reads a file, a URL or standard input. What is too large for a record is cut
// off: Parse refuses it.
func readRecord(name string, stdin io.Reader) ([]byte, error) {
	if isURL(name) {
		client := fetch.New(nil, fetchTime)
		return client.Bytes(context.Background(), config.Resource{Source: &name}, config.Limit{Bytes: timeline.MaxBytes})
	}
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, timeline.MaxBytes+1))
}

func isURL(name string) bool {
	scheme, _, ok := strings.Cut(strings.ToLower(name), "://")
	return ok && (scheme == "http" || scheme == "https")
}

// shownRecord is how messages name what was read.
func shownRecord(name string) string {
	switch {
	case name == "-":
		return stdinName
	case isURL(name):
		return fetch.Redact(name)
	}
	return name
}
