// Package format lays configs out in one way: indentation by two spaces, one space
// after a colon or a dash, no more than one blank line in a row, no white space at the
// end of a line. What is written stays: comments, the order of keys, anchors, quotes,
// numbers as they are (0644 is octal), the text of block scalars to the byte.
//
// YAML is not printed anew from its nodes, as that loses comments and quotes. The
// parser says where each key, item and scalar begins, and its lines are indented by
// that. It never changes what a config means: the result is parsed again and compared.
package format

import (
	"bytes"
	"encoding/json"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// Config formats a Butane document in YAML or an Ignition config in JSON, which it
// detects as butane.IsButane does. Lines end as the first one does, in LF or CRLF.
// Formatting a formatted text changes nothing.
//
// Only the syntax has to be right. A text with errors of syntax is refused with the
// *config.ParseError of its parser, which calls the text name. So is a key that begins
// with a question mark, and what cannot be formatted without another meaning.
func Config(text []byte, name string) ([]byte, error) {
	root, err := doc.ReadJSON(text, &doc.Source{Name: name})
	switch {
	case err == nil && (root.Kind == doc.Map || root.Kind == doc.List):
		return formatJSON(text)
	case butane.IsButane(text):
		return formatYAML(bytes.TrimPrefix(text, []byte("\ufeff")), name)
	}
	_, _, err = config.Parse(text, name)
	return nil, err
}

func formatJSON(text []byte) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(text), "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return bytes.ReplaceAll(b.Bytes(), []byte("\n"), lineEnd(text)), nil
}

// lineEnd is how the first line of a text ends.
func lineEnd(text []byte) []byte {
	if i := bytes.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		return []byte("\r\n")
	}
	return []byte("\n")
}

func formatYAML(text []byte, name string) ([]byte, error) {
	var before, after yaml.Node
	if err := parse(text, &before); err != nil {
		return nil, unread(text, name, err)
	}
	r := newReader(text)
	r.document(&before)
	if r.complexKey != nil {
		return nil, refusal(name, r.complexKey, "a key that begins with a question mark is not formatted; write it as KEY: VALUE")
	}
	formatted := r.format()
	if parse(formatted, &after) != nil {
		return nil, refusal(name, &before, "this cannot be formatted, the result would not be valid YAML; does a key begin with a question mark?")
	}
	if n := difference(&before, &after); n != nil {
		return nil, refusal(name, n, "this cannot be formatted without another meaning; write this value in one line, in quotes")
	}
	return formatted, nil
}

// parse reads a text to its end, and returns its first document.
func parse(text []byte, first *yaml.Node) error {
	parser := yaml.NewDecoder(bytes.NewReader(text))
	err := parser.Decode(first)
	for err == nil {
		err = parser.Decode(new(yaml.Node))
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// unread is the error of a text that the YAML library does not read: that of Butane, or
// of what Butane reads and the library does not.
func unread(text []byte, name string, unreadable error) error {
	if _, _, err := butane.Parse(text, name); err != nil {
		return err
	}
	for i, l := range bytes.Split(text, []byte("\n")) {
		if bytes.Contains(l, []byte("\t")) && (&line{text: bytes.TrimRight(l, "\r")}).isBlank() {
			return refusal(name, &yaml.Node{Line: i + 1}, "an empty line with a tab is not formatted; remove the tab")
		}
	}
	return refusal(name, &yaml.Node{}, "this is not formatted: "+unreadable.Error())
}

func refusal(name string, at *yaml.Node, message string) error {
	origin := config.Origin{Source: name, Line: max(at.Line, 1), Column: max(at.Column, 1)}
	return &config.ParseError{Kind: butane.ErrDocument, Problems: config.Problems{config.NewProblem(config.RuleSyntaxYAML, config.Error, origin, "%s", message)}}
}

// difference returns the first node that is not the same in two documents, wherever it
// stands, or nil.
func difference(before, after *yaml.Node) *yaml.Node {
	if before.Kind != after.Kind || before.Style != after.Style || before.Tag != after.Tag ||
		before.Value != after.Value || before.Anchor != after.Anchor || len(before.Content) != len(after.Content) {
		return before
	}
	for i := range before.Content {
		if n := difference(before.Content[i], after.Content[i]); n != nil {
			return n
		}
	}
	return nil
}
