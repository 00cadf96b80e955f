// Package doc holds configs as documents: trees of nodes that know where they
// came from. All versions of the spec, JSON and YAML, meet here. It knows the form
// of the spec's types, but none of its rules.
//
//	text --ReadJSON--> nodes --(config: normalize)--> nodes --Decode--> typed values
//	                     ^                                                  |
//	                     +-----------------------Encode---------------------+
//
// A Node is a value of a document: a scalar's text, the members of an object or
// the items of a list, and its origin, which is the source, the line and column,
// and the path that the parents, keys and indexes make. A node is not changed
// after the document was read and normalized, so trees can share nodes: those that
// Merge and Encode return hold nodes of other trees. That is why Parent means the
// parent in the document that a node was read from, whatever tree holds it now.
//
// FieldsOf reads the tags of a struct type: the names of its members, since when
// they exist, and how lists merge. The other functions walk types by it:
//
//   - Decode fills in typed values. Objects remember their node in an Object, the
//     first field of each type; an absent one that of the object around it.
//   - Encode is the inverse. It returns the nodes that the values came from where
//     nothing was changed, so that they keep their origins, and new ones elsewhere.
//   - Merge lays one tree over another and returns a third.
//
// FillPlaceholders and MapTexts are for what is written as ${kind:name} in strings, of which
// the callers know the kinds.
//
// A document may be tens of megabytes, or have many thousands of values. Strings
// without escapes are therefore parts of the text that was read, and nodes are
// allocated many at a time.
package doc
