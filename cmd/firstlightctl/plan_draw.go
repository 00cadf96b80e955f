//go:build linux && !portable

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	failure "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

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
	b.WriteString(d.fetches(p.Fetches) + d.secrets(p.Secrets) + d.kernelArguments(p.KernelArguments))
	for _, disk := range p.Disks {
		b.WriteString(d.disk(disk) + "\n")
	}
	b.WriteString(d.destroys(p.Disks) + d.replaces(p.Replaces))
	b.WriteString(d.units(p.Units))
	for _, s := range p.Skipped {
		b.WriteString(d.wrap("skipped: ", s.String()))
	}
	for _, warning := range p.Warnings {
		b.WriteString(d.wrap("warning: ", warning))
	}
	for _, what := range p.NotJudged {
		b.WriteString(d.wrap("not judged: ", what))
	}
	switch {
	case len(p.Conflicts) > 0:
		b.WriteString(d.conflicts(p.Conflicts))
	case !p.clears && !slices.ContainsFunc(p.Operations, func(o operation) bool { return !o.Origin.IsZero() }): // only our own records
		b.WriteString("Nothing to do: all is as the config describes it.\n")
	default:
		b.WriteString(d.operations(p.Operations))
	}
	return b.String() + d.differences(p)
}

// operations are numbered through, below the names of the stages.
func (d drawing) operations(all []operation) string {
	var b strings.Builder
	b.WriteString(system.Plural(len(all), "operation") + ":\n")
	stage := ""
	for i, o := range all {
		if o.Stage != stage {
			stage = o.Stage
			b.WriteString(margin + stage + ":\n")
		}
		b.WriteString(d.listItem(i, o.Name) + d.note("at", origin(o.Origin)))
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

// replaces is one line, too, about what is lost of the root.
func (d drawing) replaces(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return d.color.bold(red, "this replaces: "+printable(strings.Join(all, ", "))) + "\n"
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
		return d.wrap(margin, wholeDiskText(p)) + d.subvolumes(p)
	}
	return d.columnsOf(rows, states) + d.subvolumes(p)
}

// subvolumes lists those of each filesystem.
func (d drawing) subvolumes(p plan.DiskPreview) string {
	if p.After == nil {
		return ""
	}
	text, last := "", -1
	for _, s := range p.After.Subvolumes {
		switch {
		case s.Partition == last:
			text += ", "
		case s.Partition == 0:
			text += "subvolumes: "
		default:
			text += fmt.Sprintf("\nsubvolumes of %d: ", s.Partition)
		}
		last = s.Partition
		text += printable(s.Name)
		if s.New {
			text += " (new)"
		}
	}
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if line != "" {
			b.WriteString(d.wrap(margin, line))
		}
	}
	return b.String()
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
