// Package yaml reads YAML 1.2 into a tree of nodes that know their line and column. It is
// for configs: it reads the first document of a text, has no comments and styles, and
// writes nothing.
//
//	text --normalized--> lines that end with \n --Read--> Node --> config/butane
//
// A reader goes through the text once. Outside of brackets and braces a function reads a
// value that is indented further than what is around it. Whether a value is the first key
// of a mapping is known only after it, when a colon follows; a key is in one line,
// so that nothing is read twice. Aliases are pointers: a text makes no more nodes than it
// has characters, and whoever follows aliases bounds what they make.
//
// Texts mean what they mean to go.yaml.in/yaml/v3, which Butane has, with what is peculiar
// to it: booleans and null of YAML 1.2, integers and << of YAML 1.1; text with ? cannot
// stand in brackets. These differences are on purpose; TestDifferences has them all:
//
//   - A text in UTF-16 is refused.
//   - What stands behind a document without a line --- or ... between is an error here;
//     yaml.v3 does not read it. What stands behind such a line is not read, and yaml.v3
//     reads a part of it.
//   - A line with only blanks and tabs is empty, with or without a comment; yaml.v3 refuses
//     most with a tab.
//   - U+2028 and U+2029 are characters like others, as in YAML 1.2; to yaml.v3 they end
//     lines. So is a byte order mark that is not the first character, or after another.
//   - The line %YAML 1.2 is known as %YAML 1.1 is.
//   - There are no timestamps: they are strings.
//   - A number has one sign: 0b-1 and 0o-7 are strings.
//   - In brackets a key follows the ? of an explicit key, and brackets and braces with such
//     a key in them can be keys themselves; yaml.v3 loses count of its brackets.
//   - Collections are up to 10,000 deep in each other, of both styles together.
//   - A value that is not there has the place of what is around it, which can differ at the
//     end of the text.
package yaml
