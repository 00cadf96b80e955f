package network

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// A File is what a renderer makes.
type File struct {
	Name string
	Mode fs.FileMode
	Text string
}

// Write writes files to a directory, which is created.
func Write(dir string, files []File) error {
	err := os.MkdirAll(dir, 0o755)
	for _, f := range files {
		err = errors.Join(err, system.WriteFile(filepath.Join(dir, f.Name), []byte(f.Text), f.Mode))
	}
	if err != nil {
		return &report.Error{Doing: "writing files for the network to " + dir, Err: err}
	}
	return nil
}

// sections are a text of sections with keys and values, with a blank line before each
// section but the first.
type sections struct{ strings.Builder }

func (s *sections) section(name string) {
	if s.Len() > 0 {
		s.WriteString("\n")
	}
	fmt.Fprintf(s, "[%s]\n", name)
}

// set writes a key, unless its value is "".
func (s *sections) set(key, value string) {
	if value != "" {
		fmt.Fprintf(s, "%s=%s\n", key, value)
	}
}

// number is "" for 0.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// seconds are milliseconds as systemd and netdev files have them: .1
func seconds(milliseconds int) string {
	if milliseconds == 0 {
		return ""
	}
	const second = 1000
	return strings.TrimPrefix(strconv.FormatFloat(float64(milliseconds)/second, 'f', -1, 64), "0")
}

// join is for lists of what has a text.
func join[T fmt.Stringer](items []T, separator string) string {
	var texts []string
	for _, item := range items {
		texts = append(texts, item.String())
	}
	return strings.Join(texts, separator)
}
