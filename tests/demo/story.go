package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// A story is told from the journal as it appears on the console: which stage
// runs, what it does, how long it took.
type story struct {
	started time.Time
	rest    []byte
	stage   string
}

func newStory(started time.Time) *story { return &story{started: started} }

var (
	message  = regexp.MustCompile(`ignition\[\d+\]: ([a-z-]+): (.*)`)
	finished = regexp.MustCompile(`\[finished\] (.*) \((\d+\.\d+) s\)`)
)

var purpose = map[string]string{
	"fetch-offline": "find the config",
	"fetch":         "get what needs the network",
	"kargs":         "kernel arguments",
	"disks":         "partitions and filesystems",
	"mount":         "mount them below the new root",
	"files":         "users, files, units",
	"umount":        "unmount, hand over to the real system",
}

// tell takes a piece of the console.
func (s *story) tell(p []byte) {
	s.rest = append(s.rest, p...)
	for {
		line, rest, ok := bytes.Cut(s.rest, []byte("\n"))
		if !ok {
			return
		}
		s.rest = rest
		s.line(strings.TrimRight(string(line), "\r"))
	}
}

func (s *story) line(line string) {
	m := message.FindStringSubmatch(line)
	if m == nil {
		return
	}
	stage, text := m[1], m[2]
	if purpose[stage] == "" {
		return
	}
	if stage != s.stage {
		s.stage = stage
		fmt.Printf("%4.0f s  %-14s %s\n", time.Since(s.started).Seconds(), stage, purpose[stage])
	}
	if f := finished.FindStringSubmatch(text); f != nil {
		fmt.Printf("          - %s\n", short(f[1], 66))
	} else if strings.Contains(text, "[failed]") {
		fmt.Printf("          ! %s\n", short(text, 66))
	}
}

func short(text string, width int) string {
	if len(text) > width {
		return text[:width-3] + "..."
	}
	return text
}
