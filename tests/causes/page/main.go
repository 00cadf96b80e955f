// Command page writes docs/troubleshooting.md from the table of causes, for go generate:
//
//	page ../../docs/troubleshooting.md
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/firstlight-os/firstlight/tests/causes"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "page: name the file to write")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], []byte(page()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "page:", err)
		os.Exit(1)
	}
}

const head = `# Troubleshooting

<!-- by go generate ./tests/causes -->

A first boot that fails ends with the failure box on every console, and the machine stops
in the emergency shell of its initramfs. The box has what was being done, the cause, the
place in the config, and a hint; of several problems the first two are whole. The same is in
` + "`/run/ignition/report.txt`" + `, and the log (` + "`journalctl -t ignition`" + `) has more;
[operating.md](operating.md#what-the-console-shows) explains both.

Below are the commonest causes. For each a test runs the program into it and reads the box
that is shown here. Words in capitals stand for what differs from machine to machine.

| the box says | cause |
|---|---|
`

// page is the whole documentation.
func page() string {
	var b strings.Builder
	b.WriteString(head)
	for _, c := range causes.All {
		fmt.Fprintf(&b, "| %s | [%s](#%s) |\n", strings.ReplaceAll(c.Message, "|", "\\|"), c.Name, anchor(c.Name))
	}
	for _, c := range causes.All {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n%s\n\n%s\n%s", c.Name, box(c), wrap(c.Means, "", 92), wrap(c.Do, "", 92), example(c.Config))
	}
	return b.String()
}

// anchor is the fragment of a heading.
func anchor(heading string) string {
	return strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(heading, ",", ""), " ", "-"))
}

// example is the config of a box, in which its line and column are those of the place.
func example(config string) string {
	if config == "" {
		return ""
	}
	text := strings.TrimSuffix(strings.Replace(config, causes.Mark, "", 1), "\n")
	return "\nThe config of this box:\n\n    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n"
}

// box is what the failure box has of a cause.
func box(c causes.Cause) string {
	place := c.Path
	if strings.Contains(c.Config, causes.Mark) {
		line, column := causes.Place(c.Config)
		place = fmt.Sprintf("line %d, column %d", line, column)
		if c.Path != "" {
			place += " (" + c.Path + ")"
		}
	}
	var b strings.Builder
	for _, e := range [][2]string{{"operation", c.Operation}, {"cause", c.Says}, {"config", place}, {"hint", c.Hint}} {
		if e[1] != "" {
			fmt.Fprintf(&b, "    %-11s%s\n", e[0], strings.TrimLeft(wrap(e[1], strings.Repeat(" ", 15), 80), " "))
		}
	}
	return b.String()
}

// wrap breaks a text into lines of a width; all begin with an indent.
func wrap(text, indent string, width int) string {
	var lines []string
	line := indent
	for word := range strings.FieldsSeq(text) {
		if line != indent && len(line)+1+len(word) > width {
			lines, line = append(lines, line), indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n")
}
