// Package man writes manual pages in the language of man(7), from what the programs
// themselves say about their flags. Only builds with the tag manpages link it.
package man

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A Page is the manual page of a program.
type Page struct {
	Name    string // as it is called: "firstlightctl validate"
	Section int
	Short   string // what it does, in a line
	// Synopsis is what follows the name in each of its forms.
	Synopsis []string
	// Text has paragraphs, with blank lines between them. One with indented lines
	// keeps them; one that begins with "Exit status:" is a section of its own.
	Text     string
	Flags    []Flag
	Examples []Example
	SeeAlso  []string // other pages: "butane(1)"
}

// A Flag is one flag.
type Flag struct {
	Names   []string // with their dashes
	Value   string   // its placeholder; "" if it takes none
	Usage   string
	Default string // "" if it is not worth a word
}

// An Example is a command line and what it is for, or "" after another of its kind.
type Example struct{ Text, Command string }

// File is the name of the page's file: firstlightctl-validate.1.
func (p Page) File() string {
	return fmt.Sprintf("%s.%d", p.title(), p.Section)
}

func (p Page) title() string { return strings.ReplaceAll(p.Name, " ", "-") }

// Write writes the page below a directory of manual pages. It is that of a version, from
// a day (2026-11-29), or a time that begins with it.
func (p Page) Write(dir, version, date string) error {
	dir = filepath.Join(dir, fmt.Sprintf("man%d", p.Section))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, p.File()), []byte(p.Format(version, date)), 0o644)
}

// Format returns the page.
func (p Page) Format(version, date string) string {
	var b strings.Builder
	date, _, _ = strings.Cut(date, "T")
	fmt.Fprintf(&b, ".TH %s %d %s \"Firstlight %s\"\n", strings.ToUpper(literal(p.title())), p.Section, date, version)
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n.SH SYNOPSIS\n", literal(p.title()), prose(p.Short))
	for i, form := range p.Synopsis {
		if i > 0 {
			b.WriteString(".br\n")
		}
		b.WriteString(strings.TrimRight("\\fB"+literal(p.Name)+"\\fR "+literal(form), " ") + "\n")
	}
	b.WriteString(".SH DESCRIPTION\n" + paragraphs(p.Text))
	if len(p.Flags) > 0 {
		b.WriteString(".SH OPTIONS\n")
		for _, f := range p.Flags {
			b.WriteString(f.format())
		}
	}
	if status := exitStatus(p.Text); status != "" {
		b.WriteString(".SH EXIT STATUS\n" + verbatim(status))
	}
	if len(p.Examples) > 0 {
		b.WriteString(".SH EXAMPLES\n")
		for i, e := range p.Examples {
			if i > 0 {
				b.WriteString(".PP\n")
			}
			if e.Text != "" {
				b.WriteString(prose(e.Text) + "\n.PP\n")
			}
			b.WriteString(verbatim("    " + e.Command))
		}
	}
	if len(p.SeeAlso) > 0 {
		b.WriteString(".SH SEE ALSO\n" + literal(strings.Join(p.SeeAlso, ", ")) + "\n")
	}
	return b.String()
}

func (f Flag) format() string {
	names := make([]string, len(f.Names))
	for i, name := range f.Names {
		names[i] = "\\fB" + literal(name) + "\\fR"
	}
	head, usage := strings.Join(names, ", "), f.Usage
	if f.Value != "" {
		head += " \\fI" + literal(f.Value) + "\\fR"
	}
	if f.Default != "" {
		usage += "; by default " + f.Default
	}
	return ".TP\n" + head + "\n" + prose(usage) + "\n"
}

const statusTitle = "Exit status:\n"

// paragraphs returns a text without its exit status.
func paragraphs(text string) string {
	var all []string
	for part := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		if !strings.HasPrefix(part, statusTitle) {
			all = append(all, paragraph(part))
		}
	}
	return strings.Join(all, ".PP\n")
}

// paragraph keeps lines as they are from the first indented one on.
func paragraph(text string) string {
	head, rest := text, ""
	if strings.HasPrefix(text, " ") {
		head, rest = "", text
	} else if i := strings.Index(text, "\n "); i >= 0 {
		head, rest = text[:i], text[i+1:]
	}
	var b strings.Builder
	if head != "" {
		b.WriteString(prose(head) + "\n")
	}
	if rest != "" {
		if head != "" {
			b.WriteString(".PP\n")
		}
		b.WriteString(verbatim(rest))
	}
	return b.String()
}

func exitStatus(text string) string {
	_, status, _ := strings.Cut(text, statusTitle)
	status, _, _ = strings.Cut(status, "\n\n")
	return status
}

// verbatim returns lines that are not filled.
func verbatim(text string) string {
	return ".nf\n" + literal(strings.TrimRight(text, "\n")) + "\n.fi\n"
}

var flagInProse = regexp.MustCompile(`(^|[\s(,])(--?[a-z][a-z-]*)`)

// prose returns a text that is filled; in flags the dashes are those that a shell takes.
func prose(text string) string {
	return flagInProse.ReplaceAllStringFunc(escape(text), func(m string) string { return strings.ReplaceAll(m, "-", `\-`) })
}

// literal returns a text that can be copied to a shell.
func literal(text string) string { return strings.ReplaceAll(escape(text), "-", `\-`) }

// escape protects what roff gives a meaning: backslashes, and dots and quotes that
// begin a line.
func escape(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, `\`, `\e`), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
