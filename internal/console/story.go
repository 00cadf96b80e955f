package console

import (
	"fmt"
	"io"
	"time"
)

// storyWidth is that of a line of a story, in columns.
const storyWidth = 79

// A Story writes for people how a first boot goes: which stage runs, and what it does.
type Story struct {
	to      io.Writer
	started time.Time
}

// NewStory returns a Story that begins now.
func NewStory(to io.Writer) *Story { return &Story{to, time.Now()} }

// Seconds are those since the beginning.
func (s *Story) Seconds() float64 { return time.Since(s.started).Seconds() }

// Tell writes about an event.
func (s *Story) Tell(e Event) {
	switch e.Kind {
	case StageStarted:
		fmt.Fprintf(s.to, "%4.0f s  %-14s %s\n", s.Seconds(), e.Stage, Stages[e.Stage])
	case OperationFinished:
		s.item("-", e.Text)
	case OperationFailed:
		s.item("!", e.Text)
	}
}

func (s *Story) item(mark, text string) {
	const indent = 10
	line := []rune(mark + " " + text)
	if len(line) > storyWidth-indent {
		line = append(line[:storyWidth-indent-3], []rune("...")...)
	}
	fmt.Fprintf(s.to, "%*s%s\n", indent, "", string(line))
}
