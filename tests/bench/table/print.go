package table

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// A Table is rows under a title.
type Table struct {
	Title string
	Rows  []Row
}

// A Format is how tables are printed.
type Format string

// Formats. Text is for terminals, Markdown for docs/performance.md.
const (
	Text     Format = "text"
	Markdown Format = "markdown"
	JSON     Format = "json"
)

// ChooseFormat is the format that two flags ask for.
func ChooseFormat(json, markdown bool) Format {
	switch {
	case json:
		return JSON
	case markdown:
		return Markdown
	}
	return Text
}

// Print prints tables.
func (f Format) Print(w io.Writer, tables ...Table) error {
	switch f {
	case JSON:
		return printJSON(w, tables)
	case Markdown:
		return printMarkdown(w, tables)
	}
	return printText(w, tables)
}

// columns are the cells of a line, and its head.
var columns = []string{"case", "ours", "reference", "ratio", "goal", "met"}

func (r Row) cells() []string {
	reference, ratio := "-", "-"
	if len(r.Figures) > 1 {
		reference = r.Unit.text(r.Figures[1])
	}
	if n, known := r.Ratio(); known {
		ratio = times(n)
	}
	return []string{r.What, r.Unit.text(r.Figures[0]), reference, ratio, r.Goal.words(r.Unit), r.Verdict()}
}

func printText(w io.Writer, tables []Table) error {
	for _, table := range tables {
		if _, err := fmt.Fprintf(w, "\n%s\n\n", table.Title); err != nil {
			return err
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, strings.Join(columns, "\t"))
		for _, r := range table.Rows {
			fmt.Fprintln(t, strings.Join(r.cells(), "\t"))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func printMarkdown(w io.Writer, tables []Table) error {
	var b strings.Builder
	for _, table := range tables {
		fmt.Fprintf(&b, "\n%s:\n\n| %s |\n|---|---:|---:|---:|---|---|\n", table.Title, strings.Join(columns, " | "))
		for _, r := range table.Rows {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(r.cells(), " | "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// A printedRow has figures as they are, for programs.
type printedRow struct {
	Case      string   `json:"case"`
	Unit      string   `json:"unit"`
	Ours      float64  `json:"ours"`
	Reference *float64 `json:"reference,omitempty"`
	Ratio     float64  `json:"ratio,omitempty"`
	Goal      string   `json:"goal,omitempty"`
	Met       string   `json:"met,omitempty"`
}

type printedTable struct {
	Title string       `json:"title"`
	Rows  []printedRow `json:"rows"`
}

func printJSON(w io.Writer, tables []Table) error {
	all := []printedTable{}
	for _, table := range tables {
		printed := printedTable{Title: table.Title, Rows: []printedRow{}}
		for _, r := range table.Rows {
			p := printedRow{Case: r.What, Unit: r.Unit.name, Ours: r.Figures[0]}
			if len(r.Figures) > 1 {
				p.Reference = &r.Figures[1]
			}
			p.Ratio, _ = r.Ratio()
			if r.Goal.Kind != None {
				p.Goal, p.Met = r.Goal.words(r.Unit), r.Verdict()
			}
			printed.Rows = append(printed.Rows, p)
		}
		all = append(all, printed)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(all)
}
