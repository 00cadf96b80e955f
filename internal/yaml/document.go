package yaml

import "strings"

// document reads the first document, with the directives before it.
func (r *reader) document() *Document {
	r.directives()
	r.skip()
	if r.at == len(r.text) {
		return &Document{}
	}
	if r.atMarker() && r.peek() == '-' {
		r.at += len("---")
		r.fresh = false
	} else if r.atMarker() {
		r.fail(r.mark(), "a document ends here, but none has started")
	}
	d := &Document{Root: r.blockNode(false)}
	r.skip()
	if r.at < len(r.text) && !r.atMarker() {
		r.failAfterDocument()
	}
	d.Second = r.second()
	return d
}

// directives reads the lines that start with % before a document, and the --- after them.
func (r *reader) directives() {
	hasVersion := false
	for r.skip(); r.peek() == '%' && r.at == r.lineStart; r.skip() {
		at := r.mark()
		end := r.at + len(strings.SplitAfterN(r.text[r.at:], "\n", 2)[0])
		text, _, _ := strings.Cut(r.text[r.at:end], " #")
		words := strings.Fields(text)
		switch {
		case words[0] == "%YAML" && len(words) == 2 && !hasVersion:
			hasVersion = true
			if words[1] != "1.1" && words[1] != "1.2" {
				r.fail(at, "this is YAML %s; 1.1 and 1.2 are known", words[1])
			}
		case words[0] == "%TAG" && len(words) == 3 && isHandle(words[1]) && r.handles[words[1]] == "":
			r.handles[words[1]] = r.unescapedTag(at, words[2])
		default:
			r.fail(at, "a line that starts with %% is an instruction for YAML, like %%YAML 1.2 or %%TAG ! prefix, each once; text that starts with it needs quotes")
		}
		r.at = end - 1
	}
	if (hasVersion || len(r.handles) > 0) && !(r.atMarker() && r.peek() == '-') {
		r.fail(r.mark(), "after lines that start with %% the document starts with a line ---")
	}
}

// second returns the last line between documents before there is more than comments, or 0.
func (r *reader) second() int {
	border := 0
	for r.at < len(r.text) {
		if r.atMarker() {
			border = int(r.line)
			r.at += len("---")
		}
		r.skipBlanks()
		if !r.atLineEnd() {
			return border
		}
		r.skipComment()
		if r.peek() == '\n' {
			r.newLine()
		}
	}
	return 0
}
