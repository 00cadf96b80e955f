package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/fetch"
)

// A merger does at the desk what the first stages do at boot, without network.
type merger struct {
	report *report
	lines  *lineFinder
	data   *fetch.Client
	// notFetched are the notes on references that were left out.
	notFetched []string
}

// printMerged merges configs, adds to the report what is wrong with each of
// them and with the whole, and prints the whole unless one cannot be read.
func printMerged(inputs []input, r *report, stdout, stderr io.Writer) error {
	m := &merger{report: r, lines: newLineFinder(r), data: fetch.New(nil, 0)}
	m.data.Offline = true
	var merged *config.Config
	for _, in := range inputs {
		cfg := m.read(in)
		if cfg == nil {
			continue
		}
		if cfg = m.follow(cfg); merged != nil {
			cfg = config.Merge(merged, cfg)
		}
		merged = cfg
	}
	for _, note := range m.notFetched {
		fmt.Fprintln(stderr, "note:", note)
	}
	if merged == nil || r.problems.HasErrors() {
		return nil
	}
	m.addNew(merged.Validate())
	l := listing{cfg: merged, lines: m.lines}
	if _, err := stdout.Write(l.bytes()); err != nil {
		return fmt.Errorf("writing the merged config: %w", err)
	}
	return nil
}

// read is nil if the config was refused.
func (m *merger) read(in input) *config.Config {
	cfg, problems, err := butane.ParseAny(in.text, in.name)
	m.report.add(in, allProblems(in.name, problems, err))
	if err != nil {
		return nil
	}
	return cfg
}

// addNew adds problems, of which those of a single config are known already.
func (m *merger) addNew(problems config.Problems) {
	for _, p := range problems {
		if !slices.Contains(m.report.problems, p) {
			m.report.problems = append(m.report.problems, p)
		}
	}
}

// follow merges what a config refers to, depth first, as far as it is in data
// URLs. A data URL cannot hold itself, so this ends.
func (m *merger) follow(cfg *config.Config) *config.Config {
	if ref := cfg.Ignition.Config.Replace; ref.Source != nil {
		if child := m.referred(ref); child != nil {
			return m.follow(child)
		}
		return cfg
	}
	merged := cfg
	for _, ref := range cfg.Ignition.Config.Merge {
		if child := m.referred(ref); child != nil {
			merged = config.Merge(merged, m.follow(child))
		}
	}
	return merged
}

// referred is nil if the reference is remote or the config was refused.
func (m *merger) referred(ref config.Resource) *config.Config {
	source, o := config.ValueOr(ref.Source, ""), ref.Origin("source")
	at := place(o, m.lines.find(o).column)
	if config.IsRemote(source) {
		m.notFetched = append(m.notFetched, fmt.Sprintf("%s: %s is not fetched; what it holds is missing here", at, fetch.Redact(source)))
		return nil
	}
	// Config files of hundreds of megabytes are a mistake, but not ours.
	const most = 1 << 30
	text, err := m.data.Bytes(context.Background(), ref, most)
	if err != nil {
		m.addNew(config.Problems{{Severity: config.Error, Origin: o, Message: err.Error()}})
		return nil
	}
	return m.read(input{at + " (data URL)", text})
}

// A listing is a config as indented JSON, each value with its place behind it.
type listing struct {
	cfg   *config.Config
	lines *lineFinder
	dec   *jsontext.Decoder
	rows  []row
}

type row struct {
	text   string
	origin config.Origin
}

func (l *listing) bytes() []byte {
	l.dec = jsontext.NewDecoder(bytes.NewReader(l.cfg.Marshal()))
	l.value(nil, "")
	var b bytes.Buffer
	for _, r := range l.rows {
		b.WriteString(r.text)
		if at := place(r.origin, l.lines.find(r.origin).column); at != "" {
			b.WriteString("  // " + at)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// value adds the rows of the next value, which follows after a name or nothing.
// The JSON is our own, so that errors need no attention.
func (l *listing) value(path []any, before string) {
	kind := l.dec.PeekKind()
	if kind != '{' && kind != '[' {
		text, _ := l.dec.ReadValue()
		l.add(before+string(text), l.cfg.Origin(path...))
		return
	}
	open, _ := l.dec.ReadToken()
	closing := jsontext.Kind('}')
	if kind == '[' {
		closing = ']'
	}
	if l.dec.PeekKind() == closing {
		_, _ = l.dec.ReadToken()
		l.add(before+open.String()+string(rune(closing)), l.cfg.Origin(path...))
		return
	}
	l.add(before+open.String(), config.Origin{})
	indent := strings.Repeat("  ", len(path))
	for i := 0; l.dec.PeekKind() != closing; i++ {
		if i > 0 {
			l.rows[len(l.rows)-1].text += ","
		}
		step, name := any(i), ""
		if kind == '{' {
			token, _ := l.dec.ReadToken()
			step, name = token.String(), fmt.Sprintf("%q: ", token.String())
		}
		l.value(append(path[:len(path):len(path)], step), indent+"  "+name)
	}
	_, _ = l.dec.ReadToken()
	l.add(indent+string(rune(closing)), config.Origin{})
}

func (l *listing) add(text string, o config.Origin) { l.rows = append(l.rows, row{text, o}) }
