package butane

import (
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// What is included is bounded, so that a mistake ends with a message: a document that is
// larger than this many bytes is none, and people follow no more than some steps.
const (
	maxIncluded     = 16 << 20
	maxIncludeDepth = 16
	maxDocuments    = 256
)

// include opens the documents that a document includes. One that was opened before, for
// another document, keeps its place in the order.
func (t *translation) include() {
	for _, n := range t.document.Member("include").Items {
		inside, ok := t.localPath(n, n.Text)
		if !ok || !t.mayInclude(n, inside) {
			t.incomplete = true
			continue
		}
		child := t.opened(inside)
		if child == nil {
			child = t.openFile(n, inside)
		}
		if child != nil {
			t.included = append(t.included, child)
		}
	}
}

// opened returns the document at a path in Files that was included before, or nil.
func (c *composition) opened(inside string) *translation {
	for _, t := range c.documents {
		if t.path == inside {
			return t
		}
	}
	return nil
}

// mayInclude checks that documents do not include each other, and are not too many.
func (t *translation) mayInclude(n *doc.Node, inside string) bool {
	chain := []string{inside}
	depth := 0
	for around := t; around != nil; around = around.parent {
		chain = append(chain, around.shownPath())
		depth++
		if around.path == inside {
			t.error(config.RuleIncludeCycle, n.Origin(), "this leads back to the same document without an end: %s; leave one of them out", chainText(chain))
			return false
		}
	}
	if depth > maxIncludeDepth {
		t.error(config.RuleIncludeCycle, n.Origin(), "documents are included in more than %d steps here: %s; include them in fewer steps", maxIncludeDepth, chainText(chain))
		return false
	}
	if len(t.documents) >= maxDocuments {
		t.error(config.RuleIncludeCycle, n.Origin(), "more than %d documents are included; join some of them", maxDocuments)
		return false
	}
	return true
}

// shownPath is what messages call a document.
func (t *translation) shownPath() string {
	if t.path == "" {
		return filepath.Base(t.decoder.source.Name)
	}
	return t.path
}

// chainText says how documents include each other, given the last one first.
func chainText(chain []string) string {
	var b strings.Builder
	for i, name := range slices.Backward(chain) {
		switch i {
		case len(chain) - 1:
			b.WriteString(shown(name))
		case len(chain) - 2:
			b.WriteString(" includes " + shown(name))
		default:
			b.WriteString(", which includes " + shown(name))
		}
	}
	return b.String()
}

// openFile opens the document at a path in Files, which n names. It returns nil if that
// cannot be read.
func (t *translation) openFile(n *doc.Node, inside string) *translation {
	text, ok := t.readIncluded(n, inside)
	if !ok {
		t.incomplete = true
		return nil
	}
	child := &translation{Options: t.Options, composition: t.composition, workstation: t.workstation, path: inside, parent: t}
	child.Raw = true // it is a part of a config
	name := inside
	if t.FilesDir != "" {
		name = filepath.Join(t.FilesDir, filepath.FromSlash(inside))
	}
	if !IsButane(text) {
		child.json = Document{name, text}
		t.documents = append(t.documents, child)
		return child
	}
	if err := child.open(text, name); err != nil {
		t.composition.problems = append(t.composition.problems, child.problems...)
		t.incomplete = true
		return nil
	}
	return child
}

// readIncluded reads a regular file: a pipe would be waited for.
func (t *translation) readIncluded(n *doc.Node, inside string) ([]byte, bool) {
	info, err := fs.Stat(t.Files, inside)
	switch {
	case err != nil || inside == ".":
		t.localError(n, n.Text, err)
		return nil, false
	case info.IsDir():
		t.error(config.RuleLocalUnreadable, n.Origin(), "%s in %s is a directory, not a file; name each document that is to be included", shown(n.Text), t.filesPlace())
		return nil, false
	case !info.Mode().IsRegular():
		t.error(config.RuleLocalUnreadable, n.Origin(), "%s in %s is not a file (%s), so it cannot be included", shown(n.Text), t.filesPlace(), info.Mode().Type())
		return nil, false
	case info.Size() > maxIncluded:
		t.tooLarge(n)
		return nil, false
	}
	file, err := t.Files.Open(inside)
	if err != nil {
		t.localError(n, n.Text, err)
		return nil, false
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxIncluded+1))
	switch {
	case err != nil:
		t.localError(n, n.Text, err)
		return nil, false
	case len(text) > maxIncluded:
		t.tooLarge(n)
		return nil, false
	}
	return text, true
}

func (t *translation) tooLarge(n *doc.Node) {
	t.error(config.RuleLocalUnreadable, n.Origin(), "%s in %s has more than %d MiB, which no config has; is it a config at all?", shown(n.Text), t.filesPlace(), maxIncluded>>20)
}

// mergeIncluded merges documents, each over those before it, as config.Merge does. Each is
// valid by itself. What only a document alone would be warned of is not said.
func mergeIncluded(documents []*translation) (merged *config.Config, problems config.Problems, err error) {
	var failure error
	var alone config.Problems
	keepTexts(documents)
	for _, t := range documents {
		cfg, kind := t.parse()
		problems = append(problems, t.problems...)
		switch {
		case kind != nil && failure == nil:
			failure = kind
		case kind != nil:
		default:
			alone = append(alone, cfg.Validate()...)
			if merged == nil {
				merged = cfg
			} else {
				problems = append(problems, lostConditions(merged, cfg)...)
				merged = config.Merge(merged, cfg)
			}
		}
	}
	if failure != nil {
		return nil, problems, &config.ParseError{Kind: failure, Problems: problems}
	}
	whole := merged.Validate()
	problems = slices.DeleteFunc(problems, func(p config.Problem) bool {
		return p.Severity != config.Error && slices.Contains(alone, p) && !slices.Contains(whole, p)
	})
	for _, p := range whole {
		if !slices.Contains(problems, p) {
			problems = append(problems, p)
		}
	}
	if problems.HasErrors() {
		return nil, problems, &config.ParseError{Kind: ErrGenerated, Problems: problems}
	}
	return merged, problems, nil
}

// parse returns the config of one document, or the kind of the error that refuses it.
func (t *translation) parse() (cfg *config.Config, kind error) {
	var err error
	if t.decoder != nil {
		if t.escapesFacts {
			t.result = escapeFacts(t.result)
		}
		cfg, err = t.check()
	} else if cfg, t.problems, err = t.parseJSON(); err != nil && !t.problems.HasErrors() {
		t.error(config.RuleDocumentEmpty, config.Origin{Source: t.json.Name}, "%v", err)
	}
	if err != nil {
		return nil, err.(*config.ParseError).Kind
	}
	return cfg, nil
}
