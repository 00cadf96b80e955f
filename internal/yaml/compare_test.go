package yaml

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// A tree is written as text, a node a line, with the numbers that nodes are and stand for.
// Values that are not there have no place.
type tree struct {
	strings.Builder
	numbers map[any]int
}

func (t *tree) line(depth int, line, column int, tag, value string) {
	place := ""
	if line > 0 {
		place = fmt.Sprintf("%d:%d", line, column)
	}
	fmt.Fprintf(t, "%*s%s %s %q\n", depth, "", place, tag, value)
}

// ourTree also returns the line that Read says ends the document before there is more.
func ourTree(text string) (written string, second int, err error) {
	document, err := Read([]byte(text))
	if err != nil {
		return "", 0, err
	}
	t := &tree{numbers: map[any]int{}}
	if document.Root != nil {
		t.ours(document.Root, 0)
	}
	return t.String(), document.Second, nil
}

func (t *tree) ours(n *Node, depth int) {
	t.numbers[n] = len(t.numbers)
	line, value := int(n.Line), n.Value
	switch {
	case n.Kind == AliasNode:
		value = fmt.Sprintf("*%d", t.numbers[n.Alias])
	case n.Kind != ScalarNode:
		value = fmt.Sprint(n.Kind)
	case n.Value == "" && n.Plain && n.Tag == "":
		line = 0
	case n.ShortTag() == "!!int":
		number, ok := n.Int()
		value += fmt.Sprint(" ", number, ok)
	case n.ShortTag() == "!!float":
		number, ok := n.Float()
		value += fmt.Sprint(" ", number, ok)
	case n.ShortTag() == "!!binary":
		decoded, ok := n.Binary()
		value += fmt.Sprint(" ", decoded, ok)
	}
	t.line(depth, line, int(n.Column), n.ShortTag(), value)
	for _, c := range n.Content {
		t.ours(c, depth+1)
	}
}

// theirTree reads with yaml.v3, and refuses what follows the document without a line
// between, as Read does.
func theirTree(text string) (written string, err error) {
	defer func() {
		if e := recover(); e != nil {
			err = fmt.Errorf("yaml.v3 has panicked: %v", e)
		}
	}()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	if err := decoder.Decode(new(yaml.Node)); err != nil && strings.HasSuffix(err.Error(), "did not find expected <document start>") {
		return "", err
	}
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n").Replace(strings.TrimPrefix(text, byteOrderMark))
	t := &theirs{tree{numbers: map[any]int{}}, strings.Split(text, "\n")}
	t.node(document.Content[0], 0)
	return t.String(), nil
}

type theirs struct {
	tree
	rows []string
}

func (t *theirs) node(n *yaml.Node, depth int) {
	t.numbers[n] = len(t.numbers)
	line, value := n.Line, n.Value
	switch tag := n.ShortTag(); {
	case n.Kind == yaml.AliasNode:
		value = fmt.Sprintf("*%d", t.numbers[n.Alias])
	case n.Kind != yaml.ScalarNode:
		value = fmt.Sprint(map[yaml.Kind]Kind{yaml.MappingNode: MappingNode, yaml.SequenceNode: SequenceNode}[n.Kind])
	case n.Value == "" && n.Style == 0:
		line = 0
	case tag == "!!int":
		value += decoded[int64](n)
	case tag == "!!float":
		value += decoded[float64](n)
	case tag == "!!binary":
		value += decoded[string](n)
	}
	t.line(depth, line, t.column(n), tagOf(n), value)
	for _, c := range n.Content {
		t.node(c, depth+1)
	}
}

func decoded[T any](n *yaml.Node) string {
	var value, zero T
	if n.Decode(&value) != nil {
		return fmt.Sprint(" ", zero, false)
	}
	return fmt.Sprint(" ", value, true)
}

// tagOf has no timestamps that are not tagged.
func tagOf(n *yaml.Node) string {
	if n.Kind == yaml.AliasNode {
		return tagOf(n.Alias)
	}
	if tag := n.ShortTag(); tag != "!!timestamp" || n.Style&yaml.TaggedStyle != 0 {
		return tag
	}
	return "!!str"
}

// column is in bytes; theirs counts characters.
func (t *theirs) column(n *yaml.Node) int {
	if n.Line > len(t.rows) {
		return n.Column
	}
	row, at := t.rows[n.Line-1], 0
	for i := 1; i < n.Column; i++ {
		_, size := utf8.DecodeRuneInString(row[min(at, len(row)):])
		at += max(size, 1)
	}
	return at + 1
}
