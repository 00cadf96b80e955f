package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	outcome "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/storage"
)

const (
	defaultColumns = 80
	leastColumns   = 40
	green          = "32"
	margin         = "  "
)

// columns is the width of the terminal, as far as it is told.
func columns() int {
	n, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if err != nil || n <= 0 {
		return defaultColumns
	}
	return max(n, leastColumns)
}

// A drawing shows plans to people. What is coloured has a mark or a word that
// says the same.
type drawing struct {
	columns int
	paint   painter
}

// looks are the mark and the colour of what becomes of a partition.
var looks = map[storage.Change]struct{ mark, colour string }{
	storage.Created:  {"+", green},
	storage.Resized:  {"~", blue},
	storage.Replaced: {"!", yellow},
	storage.Deleted:  {"-", red},
}

func (d drawing) state(s storage.Change, text string) string {
	if look, ok := looks[s]; ok {
		return d.paint.bold(look.colour, text)
	}
	return text
}

func (d drawing) plan(p *planned) string {
	var b strings.Builder
	for _, disk := range p.Disks {
		b.WriteString(d.disk(disk) + "\n")
	}
	switch {
	case len(p.Conflicts) > 0:
		b.WriteString(d.conflicts(p.Conflicts))
	case len(p.Operations) == 0:
		b.WriteString("Nothing to do: the disks are as the config describes them.\n")
	default:
		b.WriteString(plural(len(p.Operations), "operation") + ":\n")
		for i, o := range p.Operations {
			b.WriteString(d.item(i, o.Name))
			b.WriteString(d.note("at", origin(o.Origin)))
		}
	}
	return b.String()
}

func (d drawing) conflicts(all []outcome.Problem) string {
	var b strings.Builder
	b.WriteString(d.paint.bold(red, plural(len(all), "conflict")) + ", so that nothing would be done:\n")
	for i, c := range all {
		text := c.Cause
		if c.Operation != "" {
			text = c.Operation + ": " + text
		}
		b.WriteString(d.item(i, text) + d.note("hint", c.Hint) + d.note("at", origin(c.Origin)))
	}
	return b.String()
}

// origin is a place in a config, for editors and for people.
func origin(o config.Origin) string {
	at := place(o, o.Column)
	if o.Path != "" {
		at = strings.TrimSpace(at + " (" + o.Path + ")")
	}
	return at
}

// item is an entry of a numbered list, wrapped.
func (d drawing) item(i int, text string) string {
	return d.wrapped(fmt.Sprintf("%3d. ", i+1), text)
}

// note is a line below an item; nothing if there is nothing to say.
func (d drawing) note(label, text string) string {
	if text == "" {
		return ""
	}
	return d.wrapped("     "+label+": ", text)
}

// wrapped breaks a text at blanks, so that it stays beside what is before it.
func (d drawing) wrapped(before, text string) string {
	var b strings.Builder
	b.WriteString(before)
	at, indent := width(before), width(before)
	for i, word := range strings.Fields(printable(text)) {
		switch {
		case i == 0:
		case at+1+width(word) > d.columns:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += width(word)
	}
	return b.String() + "\n"
}

// disk draws a disk: its bars, and what is on it as a list.
func (d drawing) disk(p storage.DiskPreview) string {
	var b strings.Builder
	title := fmt.Sprintf("%s, %s", p.Device, inUnits(p.Size))
	if p.Node != p.Device {
		title += " (" + p.Node + ")"
	}
	b.WriteString(printable(title) + "\n")
	bar := max(d.columns-width(margin+"before "), 1)
	if p.After == nil || same(p) {
		b.WriteString(d.row("now    ", p.Before, p.Size, bar))
	} else {
		b.WriteString(d.row("before ", p.Before, p.Size, bar) + d.row("after  ", *p.After, p.Size, bar))
	}
	if p.Before.Damage != "" {
		b.WriteString(d.wrapped(margin+"damaged: ", p.Before.Damage))
	}
	b.WriteString(d.list(p))
	return b.String()
}

// same tells that there is nothing new to see in the second bar.
func same(p storage.DiskPreview) bool {
	return p.Before.Table == p.After.Table && p.Before.Whole == p.After.Whole &&
		slices.EqualFunc(p.Before.Partitions, p.After.Partitions, func(a, b storage.PartitionPreview) bool {
			a.Contents, b.Contents = storage.Contents{}, storage.Contents{}
			return a == b
		})
}

// row is one bar with its name.
func (d drawing) row(name string, l storage.Layout, size uint64, bar int) string {
	return margin + name + d.bar(l, size, bar) + "\n"
}

// list has a line for each partition that is, or was.
func (d drawing) list(p storage.DiskPreview) string {
	rows := [][]string{{"", "#", "label", "start", "size", "", "holds"}}
	var states []storage.Change
	parts := p.Before.Partitions
	if p.After != nil {
		parts = slices.Clone(p.After.Partitions)
		for _, old := range p.Before.Partitions {
			if old.State == storage.Deleted {
				parts = append(parts, old)
			}
		}
		slices.SortStableFunc(parts, func(a, b storage.PartitionPreview) int { return a.Number - b.Number })
	}
	for _, part := range parts {
		state := string(part.State)
		if p.After == nil {
			state = ""
		}
		rows = append(rows, []string{looks[part.State].mark, strconv.Itoa(part.Number), printable(part.Label), inUnits(part.Start), d.sizes(p, part), state, holds(part.Contents)})
		states = append(states, part.State)
	}
	if len(parts) == 0 {
		return d.wrapped(margin, wholeDisk(p))
	}
	return d.aligned(rows, states)
}

// sizes is a partition's size, with what it was if that changes.
func (d drawing) sizes(p storage.DiskPreview, part storage.PartitionPreview) string {
	for _, old := range p.Before.Partitions {
		if old.Number == part.Number && part.State == storage.Resized {
			return inUnits(old.Size) + " -> " + inUnits(part.Size)
		}
	}
	return inUnits(part.Size)
}

// holds says what is on a partition and what becomes of it.
func holds(c storage.Contents) string {
	switch {
	case c.New:
		return printable(c.What) + ", made new"
	case c.Wiped:
		return "nothing, wiped"
	case c.What == "":
		return "nothing known"
	}
	return printable(c.What)
}

// wholeDisk says what is on a disk without partitions.
func wholeDisk(p storage.DiskPreview) string {
	is := "holds " + layoutWords(p.Before)
	if p.After == nil || same(p) && p.Before.Whole == p.After.Whole {
		return is
	}
	return is + "; then " + layoutWords(*p.After)
}

func layoutWords(l storage.Layout) string {
	switch l.Table {
	case "":
		return holds(l.Whole)
	case "gpt":
		return "an empty GPT"
	case "dos":
		return "an MBR partition table"
	}
	return "a GPT that cannot be used"
}

// aligned prints rows as columns, all but the last of which are as wide as
// their widest cell. Numbers and sizes are set right.
func (d drawing) aligned(rows [][]string, states []storage.Change) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	var b strings.Builder
	for n, row := range rows {
		line := margin
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-width(cell))
			if right := i == 1 || i == 3 || i == 4; right {
				cell = pad + cell
			} else if i < len(row)-1 {
				cell += pad
			}
			if i > 0 && widths[i] > 0 {
				line += margin[:min(i, 2)]
			}
			line += cell
		}
		line = strings.TrimRight(line, " ")
		if n > 0 {
			line = d.state(states[n-1], line)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// inUnits prints a size in the largest unit of which it is a whole number, or
// rounded.
func inUnits(bytes uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	n, unit := float64(bytes), 0
	for n >= 1024 && unit < len(units)-1 {
		n, unit = n/1024, unit+1
	}
	return strings.TrimSuffix(strconv.FormatFloat(n, 'f', 1, 64), ".0") + " " + units[unit]
}
