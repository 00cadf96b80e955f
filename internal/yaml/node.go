package yaml

// A Node is one value or key of a document.
type Node struct {
	Kind  Kind
	Plain bool   // a scalar without quotes, whose text says what type it has
	Tag   string // as it was given, !!int for tag:yaml.org,2002:int; "" if there is none
	Value string // of a scalar, without quotes and escapes; of an alias, the name
	// Content has the items of a sequence, and the keys and values of a mapping in turn.
	Content []*Node
	Alias   *Node // what an alias stands for, which may be around it

	Line, Column int32 // from 1, the column in bytes
}

// A Kind is a form that a node is written in.
type Kind uint8

// The kinds of nodes.
const (
	ScalarNode Kind = iota + 1
	MappingNode
	SequenceNode
	AliasNode
)

// A Document is the first one of a text.
type Document struct {
	Root *Node // nil if the text has no document
	// Second is the line that ends the document if something else than comments comes
	// after it, or 0.
	Second int
}
