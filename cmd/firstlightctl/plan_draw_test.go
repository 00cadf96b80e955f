package main

import (
	"io"
	"math/rand"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	failure "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

const mib = 1 << 20

func part(number int, label string, start, size uint64, state plan.ChangeKind) plan.PartitionPreview {
	return plan.PartitionPreview{Number: number, Label: label, Start: start * mib, Size: size * mib, State: state}
}

func gptOf(parts ...plan.PartitionPreview) plan.Layout {
	return plan.Layout{Table: "gpt", Partitions: parts}
}

// changed is a plan with one change of each sort, with labels that take care.
func changed() *planResult {
	before := gptOf(part(1, "größe", 1, 19, plan.Kept), part(2, "日本語", 20, 20, plan.Replaced), part(3, "a\x1b[31mb", 40, 20, plan.Deleted), part(10, "", 60, 10, plan.Resized))
	after := gptOf(part(1, "größe", 1, 19, plan.Kept), part(2, "日本語", 20, 20, plan.Replaced), part(4, "new", 40, 10, plan.Created), part(10, "", 60, 35, plan.Resized))
	after.Partitions[0].Contents.What = `ext4 (label "root")`
	after.Partitions[1].Contents = plan.Contents{What: "xfs", New: true}
	after.Partitions[2].Contents.Wiped = true
	return &planResult{Disks: []plan.DiskPreview{{Device: "/dev/vda", Node: "/dev/vda", Size: 100 * mib, Sector: 512, Before: before, After: &after}},
		Operations: []operation{{"disks", "partitioning /dev/vda (everything that there is to be done with it, in many words)", config.Origin{Source: "a.ign", Line: 2, Column: 3, Path: "storage.disks[0]"}}}}
}

func TestDrawingsFitTheirWidth(t *testing.T) {
	const list = `     #  label     start              size            holds
     1  größe     1 MiB            19 MiB  kept      ext4 (label "root")
  !  2  日本語   20 MiB            20 MiB  replaced  xfs, made new
  -  3  a?[31mb  40 MiB            20 MiB  deleted   nothing known
  +  4  new      40 MiB            10 MiB  created   nothing, wiped
  ~ 10           60 MiB  10 MiB -> 35 MiB  resized   nothing known

1 operation:
  disks:
`
	for columns, want := range map[int]string{80: `/dev/vda, 100 MiB
  before [1 größe     ][!2 日本語    ][-3 a?[31mb  ][~10  ].....................
  after  [1 größe     ][!2 日本語   ][+4 ne].......[~10                    ]....
` + list + `  1. partitioning /dev/vda (everything that there is to be done with it, in many
     words)
     at: a.ign:2:3 (storage.disks[0])
`, 50: `/dev/vda, 100 MiB
  before [1 größ][!2 日 ][-3 a?[][~10]............
  after  [1 größ][!2 日本][+4]....[~10         ]..
` + list + `  1. partitioning /dev/vda (everything that there
     is to be done with it, in many words)
     at: a.ign:2:3 (storage.disks[0])
`} {
		got := drawing{columns: columns}.plan(changed())
		compare(t, "drawing", got, want)
	}
}

func TestColoursOnlyRepeatWhatMarksSay(t *testing.T) {
	plain, coloured := drawing{columns: 80}.plan(changed()), drawing{columns: 80, color: true}.plan(changed())
	for _, colour := range []string{green, blue, yellow, red} {
		if !strings.Contains(coloured, "\x1b[1;"+colour+"m") {
			t.Errorf("colour %s is not used in\n%q", colour, coloured)
		}
		coloured = strings.ReplaceAll(coloured, "\x1b[1;"+colour+"m", "")
	}
	compare(t, "without colours", strings.ReplaceAll(coloured, "\x1b[0m", ""), plain)
}

func TestWhatIsLostIsOneLineInRed(t *testing.T) {
	one := plan.DiskPreview{Device: "/dev/vda", Destroys: []string{"an MBR table with 2 partitions", `ext4 "pre` + "\x1b" + `cious"`, strings.Repeat("x", 100)}}
	other := plan.DiskPreview{Device: "/dev/vdb", Destroys: []string{"swap"}}
	want := `this destroys: an MBR table with 2 partitions, ext4 "pre?cious", ` + strings.Repeat("x", 100)
	compare(t, "one disk", drawing{columns: 80}.destroys([]plan.DiskPreview{one, {}}), want+"\n")
	compare(t, "two disks", drawing{columns: 80}.destroys([]plan.DiskPreview{one, other}), want+" on /dev/vda; swap on /dev/vdb\n")
	compare(t, "coloured", drawing{columns: 80, color: true}.destroys([]plan.DiskPreview{one}), "\x1b[1;31m"+want+"\x1b[0m\n")
	compare(t, "nothing", drawing{columns: 80, color: true}.destroys([]plan.DiskPreview{{}}), "")
}

func TestColumns(t *testing.T) {
	for text, want := range map[string]int{"": 80, "120": 120, "x": 80, "-3": 80, "0": 80, "10": minColumns} {
		t.Setenv("COLUMNS", text)
		if got := columns(io.Discard); got != want {
			t.Errorf("COLUMNS=%q: %d, want %d", text, got, want)
		}
	}
}

func TestConflictsAreDrawnWithAllThatIsKnown(t *testing.T) {
	all := []failure.Problem{{Operation: "looking at /dev/vda", Cause: "permission denied"}, {Cause: "no room", Hint: "make some", Origin: config.Origin{Source: "c.bu", Line: 1, Column: 2, Path: "storage"}}}
	want := `2 conflicts, so nothing would be done:
  1. looking at /dev/vda: permission denied
  2. no room
     hint: make some
     at: c.bu:1:2 (storage)
`
	compare(t, "conflicts", drawing{columns: 80}.plan(&planResult{Conflicts: all}), want)
}

func TestDisksWithoutPartitions(t *testing.T) {
	ext4, xfs := plan.Contents{What: "ext4"}, plan.Contents{What: "xfs", New: true}
	empty := gptOf()
	for name, c := range map[string]struct {
		before, want string
		is           plan.Layout
		after        *plan.Layout
	}{
		"made":    {want: "holds ext4; then xfs, made new", is: plan.Layout{Whole: ext4}, after: &plan.Layout{Whole: xfs}},
		"kept":    {want: "holds ext4", is: plan.Layout{Whole: ext4}, after: &plan.Layout{Whole: ext4}},
		"refused": {want: "holds an MBR partition table", is: plan.Layout{Table: "dos"}},
		"broken":  {want: "holds a GPT that cannot be used", is: plan.Layout{Table: "damaged gpt"}},
		"emptied": {want: "holds an MBR partition table; then an empty GPT", is: plan.Layout{Table: "dos"}, after: &empty},
	} {
		if got := wholeDiskText(plan.DiskPreview{Before: c.is, After: c.after}); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestSubvolumesAreListedBelowTheirDisk(t *testing.T) {
	whole := plan.Layout{Whole: plan.Contents{What: "btrfs"}, Subvolumes: []plan.SubvolumePreview{{Name: "@"}, {Name: "@/a\x1b[31m", New: true}}}
	parts := gptOf(part(1, "one", 1, 50, plan.Kept), part(3, "three", 51, 49, plan.Kept))
	parts.Subvolumes = []plan.SubvolumePreview{{Partition: 1, Name: "a"}, {Partition: 3, Name: "b", New: true}, {Partition: 3, Name: "c"}}
	for name, c := range map[string]struct {
		after *plan.Layout
		want  string
	}{
		"refused":    {nil, ""},
		"none":       {&plan.Layout{}, ""},
		"whole":      {&whole, "  subvolumes: @, @/a?[31m (new)\n"},
		"partitions": {&parts, "  subvolumes of 1: a\n  subvolumes of 3: b (new), c\n"},
	} {
		if got := (drawing{columns: 80}).subvolumes(plan.DiskPreview{After: c.after}); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// Whatever is on a disk: a bar has exactly its width, and shows every partition.
func TestBarsOfAnyDisk(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for range 2000 {
		var parts []plan.PartitionPreview
		at := uint64(r.Intn(3))
		for i := range r.Intn(12) {
			size := uint64(1 + r.Intn(1<<r.Intn(20)))
			parts = append(parts, part(i+1, strings.Repeat("日", r.Intn(4)), at, size, []plan.ChangeKind{plan.Kept, plan.Created, plan.Resized}[r.Intn(3)]))
			at += size + uint64(r.Intn(3))
		}
		cells := 40 + r.Intn(100)
		bar := drawing{}.bar(gptOf(parts...), (at+uint64(r.Intn(1000))+1)*mib, cells)
		if strings.HasPrefix(bar, "(too many") {
			continue
		}
		if width(bar) != cells || strings.Count(bar, "[") != len(parts) || strings.Count(bar, "]") != len(parts) {
			t.Fatalf("width %d instead of %d, %d partitions: %s", width(bar), cells, len(parts), bar)
		}
	}
	var many []plan.PartitionPreview
	for i := range 128 {
		many = append(many, part(i+1, "", uint64(i+1), 1, plan.Kept))
	}
	if bar := (drawing{}).bar(gptOf(many...), 200*mib, 71); bar != "(too many partitions for a bar of this width)" {
		t.Error(bar)
	}
}

func TestSizesInUnits(t *testing.T) {
	for bytes, want := range map[uint64]string{0: "0 B", 1023: "1023 B", 1 << 10: "1 KiB", 3 << 19: "1.5 MiB", 1 << 44: "16 TiB", 1 << 63: "8192 PiB"} {
		if got := system.FormatSize(bytes); got != want {
			t.Errorf("%d: %s, want %s", bytes, got, want)
		}
	}
}
