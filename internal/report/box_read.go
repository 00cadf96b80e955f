package report

import (
	"strings"
)

// A FoundBox is a failure box that was read.
type FoundBox struct {
	Text string
	// Stage is empty if the box has none.
	Stage string
	// Kind is also the exit status of the agent.
	Kind Kind
}

// A BoxReader finds failure boxes in a text where other lines come between theirs, as on
// a console.
type BoxReader struct {
	lines []string
	// rules of the box so far; the headline is between the first two.
	rules    int
	headline []string
	stage    string
}

// maxBoxLines bounds what is taken for a box.
const maxBoxLines = 1000

// Add takes a line, without its end, and returns a box that it completes, or nil.
func (b *BoxReader) Add(line string) *FoundBox {
	rule := line == boxRule
	content, isLine := strings.CutPrefix(line, "| ")
	content, closed := strings.CutSuffix(content, " |")
	if !rule && (b.rules == 0 || !isLine || !closed) || len(b.lines) > maxBoxLines {
		return nil
	}
	b.lines = append(b.lines, line)
	if !rule {
		if b.rules == 1 {
			b.headline = append(b.headline, strings.TrimSpace(content))
		} else if stage, ok := strings.CutPrefix(content, "stage "); ok && b.stage == "" {
			b.stage = strings.TrimSpace(stage)
		}
		return nil
	}
	b.rules++
	kind := kindOfHeadline(strings.Join(b.headline, " "))
	switch {
	case b.rules == 2 && kind == 0:
		// The end of something else, whose beginning was lost: this may be a first rule.
		*b = BoxReader{lines: []string{line}, rules: 1}
	case b.rules == 3:
		found := &FoundBox{strings.Join(b.lines, "\n") + "\n", b.stage, kind}
		*b = BoxReader{}
		return found
	}
	return nil
}

func kindOfHeadline(text string) Kind {
	for kind, headline := range headlines {
		if text == headline {
			return kind
		}
	}
	return 0
}
