package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/check"
	"github.com/firstlight-os/firstlight/internal/fetch"
)

// A merger merges configs as the fetch stages do at boot, but without network.
type merger struct {
	report *report
	lines  *lineFinder
	client *fetch.Client
	// notFetched are the notes on references that were skipped, and remote are all that
	// need the network.
	notFetched []string
	remote     []config.Resource
	// facts are those of the machine, and skipped the entries that are for others.
	facts   givenFacts
	skipped []config.Skipped
}

// printMerged merges configs, adds to the report what is wrong with each of
// them and with the whole, and prints the whole unless one cannot be read.
func printMerged(inputs []input, facts givenFacts, r *report, stdout, stderr io.Writer) error {
	m := &merger{report: r, lines: newLineFinder(r), client: fetch.New(nil, 0), facts: facts}
	m.client.Offline = true
	var merged *config.Config
	for _, in := range inputs {
		cfg, err := m.read(in)
		if err != nil {
			return err
		}
		if cfg == nil {
			continue
		}
		cfg, err = m.resolve(cfg)
		if err != nil {
			return err
		}
		if merged != nil {
			cfg = config.Merge(merged, cfg)
		}
		merged = cfg
	}
	for _, note := range m.notFetched {
		fmt.Fprintln(stderr, "note:", printable(note))
	}
	for _, s := range m.skipped {
		fmt.Fprintln(stderr, "note: skipped", printable(s.String()))
	}
	if merged == nil || r.problems.HasErrors() {
		return nil
	}
	m.addNew(merged.ValidateMerged())
	merged, err := merged.TranslateTo(config.Newest) // as machines have it
	if err != nil {
		return fmt.Errorf("printing the merged config: %w", err)
	}
	text, err := merged.MarshalJSON()
	if err != nil {
		return fmt.Errorf("printing the merged config: %w", err)
	}
	l := annotatedJSON{cfg: merged, lines: m.lines}
	if _, err := stdout.Write(l.bytes(text)); err != nil {
		return fmt.Errorf("writing the merged config: %w", err)
	}
	return nil
}

// read is nil if the config was refused. The error says that it uses a fact that was not
// given.
func (m *merger) read(in input) (*config.Config, error) {
	cfg, problems, err := butane.ParseAny(in.text, in.name)
	m.report.add(in, check.WithError(in.name, problems, err))
	if err != nil {
		return nil, nil
	}
	return m.withFacts(cfg)
}

// addNew adds problems, except those that a single config was reported with. What was a
// warning there can be an error of the whole.
func (m *merger) addNew(problems config.Problems) {
	for _, p := range printableProblems(problems) {
		same := func(q config.Problem) bool { return q.Origin == p.Origin && q.Message == p.Message }
		if i := slices.IndexFunc(m.report.problems, same); i >= 0 {
			m.report.problems[i].Severity = max(m.report.problems[i].Severity, p.Severity)
		} else {
			m.report.problems = append(m.report.problems, p)
		}
	}
}

// resolve merges what a config refers to: all of it, or what is in data URLs if the
// client is offline.
func (m *merger) resolve(cfg *config.Config) (*config.Config, error) {
	r := config.Resolver{Fetch: m.fetchReference}
	if !m.client.Offline {
		r.Configure = func(settings config.Ignition) error {
			return m.client.Configure(context.Background(), limitTimeouts(settings))
		}
	}
	return r.Resolve(cfg)
}

// fetchLimit bounds each fetch of a config and each question to a server.
const fetchLimit = 30 * time.Second

// limitTimeouts keeps a config from having a plan wait for ever.
func limitTimeouts(settings config.Ignition) config.Ignition {
	seconds := int(fetchLimit / time.Second)
	if t := config.ValueOr(settings.Timeouts.HTTPTotal, 0); t == 0 || t > seconds {
		settings.Timeouts.HTTPTotal = &seconds
	}
	return settings
}

// fetchReference returns a referenced config. It is nil if it was refused, or is remote
// and the client is offline.
func (m *merger) fetchReference(ref config.Resource) (*config.Config, int, error) {
	source, o := config.ValueOr(ref.Source, ""), ref.Origin("source")
	at := position(o, m.lines.find(o).column)
	name := at + " (data URL)"
	if config.IsRemote(source) && !config.IsSecret(source) {
		m.remote = append(m.remote, ref)
		name = fetch.Redact(source)
	}
	if config.IsSecret(source) {
		m.notFetched = append(m.notFetched, fmt.Sprintf("%s: %s is for a machine to read, so its contents are missing here", at, fetch.Redact(source)))
		return nil, 0, nil
	}
	if config.IsRemote(source) && m.client.Offline {
		m.notFetched = append(m.notFetched, fmt.Sprintf("%s: %s is not fetched, so its contents are missing here", at, fetch.Redact(source)))
		return nil, 0, nil
	}
	text, err := m.client.Bytes(context.Background(), ref, config.CurrentLimit())
	if err != nil {
		m.addNew(config.Problems{config.NewProblem(config.RuleReferenceUnreadable, config.Error, o, "%v", err)})
		return nil, 0, nil
	}
	child, err := m.read(newInput(name, text))
	return child, len(text), err
}

// annotatedJSON is a config as indented JSON with the position of each value in a
// comment after it.
type annotatedJSON struct {
	cfg   *config.Config
	lines *lineFinder
	dec   *json.Decoder
	rows  []annotatedLine
}

type annotatedLine struct {
	text   string
	origin config.Origin
}

func (l *annotatedJSON) bytes(text []byte) []byte {
	l.dec = json.NewDecoder(bytes.NewReader(text))
	l.dec.UseNumber()
	l.value(nil, "")
	var b bytes.Buffer
	for _, r := range l.rows {
		b.WriteString(r.text)
		if at := position(r.origin, l.lines.find(r.origin).column); at != "" {
			b.WriteString("  // " + at)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// value adds the lines of the next value; before is its name, if it has one. The
// JSON was printed by this program, so decoding it cannot fail.
func (l *annotatedJSON) value(path []any, before string) {
	token, _ := l.dec.Token()
	open, composite := token.(json.Delim)
	if !composite {
		l.add(before+tokenText(token), l.cfg.Origin(path...))
		return
	}
	if !l.dec.More() {
		closing, _ := l.dec.Token()
		l.add(before+open.String()+fmt.Sprint(closing), l.cfg.Origin(path...))
		return
	}
	l.add(before+open.String(), config.Origin{})
	indent := strings.Repeat("  ", len(path))
	for i := 0; l.dec.More(); i++ {
		if i > 0 {
			l.rows[len(l.rows)-1].text += ","
		}
		step, name := any(i), ""
		if open == '{' {
			step, _ = l.dec.Token()
			name = tokenText(step) + ": "
		}
		l.value(append(path[:len(path):len(path)], step), indent+"  "+name)
	}
	closing, _ := l.dec.Token()
	l.add(indent+fmt.Sprint(closing), config.Origin{})
}

func tokenText(token json.Token) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(token) // a string, number, boolean or null
	return strings.TrimSuffix(b.String(), "\n")
}

func (l *annotatedJSON) add(text string, o config.Origin) {
	l.rows = append(l.rows, annotatedLine{text, o})
}
