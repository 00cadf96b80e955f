package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	failure "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

const (
	defaultColumns = 80
	minColumns     = 40
	green          = "32"
	margin         = "  "
)

// columns returns the width of the terminal, from COLUMNS.
func columns() int {
	n, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if err != nil || n <= 0 {
		return defaultColumns
	}
	return max(n, minColumns)
}

// A drawing prints plans for people. Whatever is coloured also has a mark or a
// word with the same meaning.
type drawing struct {
	columns int
	color   colorizer
}

// changeStyles are the mark and the colour of each change of a partition.
var changeStyles = map[plan.ChangeKind]struct{ mark, colour string }{
	plan.Created:  {"+", green},
	plan.Resized:  {"~", blue},
	plan.Replaced: {"!", yellow},
	plan.Deleted:  {"-", red},
}

func (d drawing) colorize(s plan.ChangeKind, text string) string {
	if style, ok := changeStyles[s]; ok {
		return d.color.bold(style.colour, text)
	}
	return text
}

func (d drawing) plan(p *planResult) string {
	var b strings.Builder
	for _, disk := range p.Disks {
		b.WriteString(d.disk(disk) + "\n")
	}
	b.WriteString(d.destroys(p.Disks))
	for _, warning := range p.Warnings {
		b.WriteString(d.wrap("warning: ", warning))
	}
	switch {
	case len(p.Conflicts) > 0:
		b.WriteString(d.conflicts(p.Conflicts))
	case len(p.Operations) == 0:
		b.WriteString("Nothing to do: the disks are as the config describes them.\n")
	default:
		b.WriteString(system.Plural(len(p.Operations), "operation") + ":\n")
		for i, o := range p.Operations {
			b.WriteString(d.listItem(i, o.Name))
			b.WriteString(d.note("at", origin(o.Origin)))
		}
	}
	return b.String()
}

// destroys is one line, however long, about what is lost on all disks.
func (d drawing) destroys(disks []plan.DiskPreview) string {
	var lost []string
	disks = slices.DeleteFunc(slices.Clone(disks), func(p plan.DiskPreview) bool { return len(p.Destroys) == 0 })
	for _, p := range disks {
		on := ""
		if len(disks) > 1 {
			on = " on " + p.Device
		}
		lost = append(lost, strings.Join(p.Destroys, ", ")+on)
	}
	if len(lost) == 0 {
		return ""
	}
	return d.color.bold(red, "this destroys: "+printable(strings.Join(lost, "; "))) + "\n"
}

func (d drawing) conflicts(all []failure.Problem) string {
	var b strings.Builder
	b.WriteString(d.color.bold(red, system.Plural(len(all), "conflict")) + ", so nothing would be done:\n")
	for i, c := range all {
		text := c.Cause
		if c.Operation != "" {
			text = c.Operation + ": " + text
		}
		b.WriteString(d.listItem(i, text) + d.note("hint", c.Hint) + d.note("at", origin(c.Origin)))
	}
	return b.String()
}

// origin formats an origin with its path.
func origin(o config.Origin) string {
	at := position(o, o.Column)
	if o.Path != "" {
		at = strings.TrimSpace(at + " (" + o.Path + ")")
	}
	return at
}

// listItem is an entry of a numbered list, wrapped.
func (d drawing) listItem(i int, text string) string {
	return d.wrap(fmt.Sprintf("%3d. ", i+1), text)
}

// note is a line below an item; "" if text is empty.
func (d drawing) note(label, text string) string {
	if text == "" {
		return ""
	}
	return d.wrap("     "+label+": ", text)
}

// wrap breaks a text at blanks and indents it by the width of before.
func (d drawing) wrap(before, text string) string {
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

// disk draws a disk: its bars, and its partitions as a table.
func (d drawing) disk(p plan.DiskPreview) string {
	var b strings.Builder
	title := fmt.Sprintf("%s, %s", p.Device, system.FormatSize(p.Size))
	if p.Node != p.Device {
		title += " (" + p.Node + ")"
	}
	b.WriteString(printable(title) + "\n")
	bar := max(d.columns-width(margin+"before "), 1)
	if p.After == nil || unchanged(p) {
		b.WriteString(d.barRow("now    ", p.Before, p.Size, bar))
	} else {
		b.WriteString(d.barRow("before ", p.Before, p.Size, bar) + d.barRow("after  ", *p.After, p.Size, bar))
	}
	if p.Before.Damage != "" {
		b.WriteString(d.wrap(margin+"damaged: ", p.Before.Damage))
	}
	if p.Before.Table == "dos" && len(p.Before.Partitions) > 0 {
		b.WriteString(d.wrap(margin, "holds "+layoutText(p.Before)))
	}
	b.WriteString(d.partitionTable(p))
	return b.String()
}

// unchanged reports whether the second bar would be the same as the first.
func unchanged(p plan.DiskPreview) bool {
	return p.Before.Table == p.After.Table && p.Before.Whole == p.After.Whole &&
		slices.EqualFunc(p.Before.Partitions, p.After.Partitions, func(a, b plan.PartitionPreview) bool {
			a.Contents, b.Contents = plan.Contents{}, plan.Contents{}
			return a == b
		})
}

// barRow is one bar with its name.
func (d drawing) barRow(name string, l plan.Layout, size uint64, bar int) string {
	return margin + name + d.bar(l, size, bar) + "\n"
}

// partitionTable has a line for each partition before or after.
func (d drawing) partitionTable(p plan.DiskPreview) string {
	rows := [][]string{{"", "#", "label", "start", "size", "", "holds"}}
	var states []plan.ChangeKind
	parts := p.Before.Partitions
	if p.After != nil {
		parts = slices.Clone(p.After.Partitions)
		for _, old := range p.Before.Partitions {
			if old.State == plan.Deleted {
				parts = append(parts, old)
			}
		}
		slices.SortStableFunc(parts, func(a, b plan.PartitionPreview) int { return a.Number - b.Number })
	}
	for _, part := range parts {
		state := string(part.State)
		if p.After == nil {
			state = ""
		}
		rows = append(rows, []string{changeStyles[part.State].mark, strconv.Itoa(part.Number), printable(part.Label), system.FormatSize(part.Start), d.sizes(p, part), state, contentsText(part.Contents)})
		states = append(states, part.State)
	}
	if len(parts) == 0 {
		return d.wrap(margin, wholeDiskText(p))
	}
	return d.columnsOf(rows, states)
}

// sizes is a partition's size, with the old one if it changes.
func (d drawing) sizes(p plan.DiskPreview, part plan.PartitionPreview) string {
	for _, old := range p.Before.Partitions {
		if old.Number == part.Number && part.State == plan.Resized {
			return system.FormatSize(old.Size) + " -> " + system.FormatSize(part.Size)
		}
	}
	return system.FormatSize(part.Size)
}

// contentsText names the contents of a partition.
func contentsText(c plan.Contents) string {
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

// wholeDiskText names the contents of a disk without partitions.
func wholeDiskText(p plan.DiskPreview) string {
	is := "holds " + layoutText(p.Before)
	if p.After == nil || unchanged(p) && p.Before.Whole == p.After.Whole {
		return is
	}
	return is + "; then " + layoutText(*p.After)
}

func layoutText(l plan.Layout) string {
	switch l.Table {
	case "":
		return contentsText(l.Whole)
	case "gpt":
		return "an empty GPT"
	case "dos":
		return "an MBR partition table"
	}
	return "a GPT that cannot be used"
}

// columnsOf prints rows as columns, all but the last of which are as wide as
// their widest cell. Numbers and sizes are aligned right.
func (d drawing) columnsOf(rows [][]string, states []plan.ChangeKind) string {
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
			line = d.colorize(states[n-1], line)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}
