package storage

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// lines prints a layout, a line for each partition.
func lines(l plan.Layout) string {
	var b strings.Builder
	fmt.Fprintf(&b, "table %q", l.Table)
	if l.Damage != "" {
		fmt.Fprintf(&b, " damage %q", l.Damage)
	}
	if l.Whole != (plan.Contents{}) {
		fmt.Fprintf(&b, " whole %+v", l.Whole)
	}
	for _, p := range l.Partitions {
		fmt.Fprintf(&b, "\n%d %q %d+%d %s %+v", p.Number, p.Label, p.Start>>20, p.Size>>20, p.State, p.Contents)
	}
	return b.String()
}

// previewMachine has a disk with some partitions, of which two hold filesystems.
func previewMachine(t *testing.T) *testMachine {
	t.Helper()
	b := newTestMachine(t)
	b.disk("a.img", 100)
	b.apply(partitions(`{"number": 1, "label": "ESP", "startMiB": 1, "sizeMiB": 10}, {"number": 3, "label": "ROOT", "startMiB": 20, "sizeMiB": 10},
		{"number": 5, "label": "old", "startMiB": 40, "sizeMiB": 5}, {"number": 9, "label": "DATA", "startMiB": 50, "sizeMiB": 20}`))
	for name, at := range map[string]int64{"esp": 1, "root": 20} {
		b.run("mkfs.ext4", "-q", "-L", name, b.disk("fs", 10))
		b.run("dd", "if="+b.path("fs"), "of="+b.path("a.img"), "bs=1M", fmt.Sprintf("seek=%d", at), "conv=notrunc,sparse")
	}
	return b
}

func TestPreviewsShowWhatAPlanDoes(t *testing.T) {
	const now = `table "gpt"
1 "ESP" 1+10 kept {What:ext4 (label "esp") New:false Wiped:false}
3 "ROOT" 20+10 %s {What:ext4 (label "root") New:false Wiped:false}
5 "old" 40+5 %s {What: New:false Wiped:false}
9 "DATA" 50+20 %s {What: New:false Wiped:false}`
	b := previewMachine(t)
	for _, c := range []struct{ name, config, before, after string }{
		{"nothing to do", partitions(`{"number": 3, "label": "ROOT"}`), fmt.Sprintf(now, "kept", "kept", "kept"), fmt.Sprintf(now, "kept", "kept", "kept")},
		{"one of each", partitions(`{"number": 3, "label": "other", "sizeMiB": 5, "startMiB": 20, "wipePartitionEntry": true}, {"number": 5, "shouldExist": false, "wipePartitionEntry": true},
			{"number": 9, "sizeMiB": 25, "resize": true}, {"number": 4, "label": "new", "sizeMiB": 4}`) +
			`, "filesystems": [{"device": "/dev/disk/by-partlabel/new", "format": "xfs", "label": "data"}, {"device": "/dev/disk/by-partlabel/ESP", "format": "none", "wipeFilesystem": true},
			{"device": "/dev/disk/by-partlabel/DATA", "format": "ext4"}]`,
			fmt.Sprintf(now, "replaced", "deleted", "resized"),
			`table "gpt"
1 "ESP" 1+10 kept {What: New:false Wiped:true}
3 "other" 20+5 replaced {What:ext4 (label "root") New:false Wiped:false}
4 "new" 25+4 created {What:xfs (label "data") New:true Wiped:false}
9 "DATA" 50+25 resized {What:ext4 New:true Wiped:false}`},
		{"a kept filesystem", partitions(`{"number": 1}`) + `, "filesystems": [{"device": "/dev/disk/by-partlabel/ROOT", "format": "ext4"}]`,
			fmt.Sprintf(now, "kept", "kept", "kept"), fmt.Sprintf(now, "kept", "kept", "kept")},
		{"a wiped table", disk(`"wipeTable": true`), strings.Replace(fmt.Sprintf(now, "deleted", "deleted", "deleted"), "1+10 kept", "1+10 deleted", 1), `table ""`},
		{"a new table, under which an old filesystem is found again", disk(`"wipeTable": true, "partitions": [{"number": 3, "sizeMiB": 10}]`),
			strings.Replace(fmt.Sprintf(now, "deleted", "deleted", "deleted"), "1+10 kept", "1+10 deleted", 1),
			"table \"gpt\"\n3 \"\" 1+10 created {What:ext4 (label \"esp\") New:false Wiped:false}"},
		{"a volume on a partition", partitions(`{"number": 9}`) + `, "luks": [{"name": "crypt", "device": "/dev/disk/by-partlabel/DATA"}]`,
			fmt.Sprintf(now, "kept", "kept", "kept"),
			strings.Replace(fmt.Sprintf(now, "kept", "kept", "kept"), "50+20 kept {What: New:false", `50+20 kept {What:part of the LUKS volume "crypt" New:true`, 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			written := b.written()
			previews, plan, err := b.m.Preview(context.Background(), b.config(c.config))
			if err != nil || len(previews) != 1 || previews[0].After == nil {
				t.Fatalf("%v, %v", previews, err)
			}
			p := previews[0]
			if p.Device != b.path("a.img") || p.Size != 100<<20 || p.Sector != 512 {
				t.Errorf("%+v", p)
			}
			for i, texts := range [][2]string{{lines(p.Before), c.before}, {lines(*p.After), c.after}} {
				if texts[0] != texts[1] {
					t.Errorf("preview %d\n got %s\nwant %s", i, texts[0], texts[1])
				}
			}
			if (c.before == c.after) != (len(plan) == 0) {
				t.Errorf("the plan is %v", plan)
			}
			if b.written() != written {
				t.Error("something was written")
			}
		})
	}
}

func TestThePlanWithAPreviewIsThatWithout(t *testing.T) {
	b := previewMachine(t)
	config := b.config(disk(`"wipeTable": true, "partitions": [{"label": "x"}]`) + `, "filesystems": [{"device": "/dev/disk/by-partlabel/x", "format": "ext4", "wipeFilesystem": true}]`)
	_, with, err := b.m.Preview(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	without, err := b.m.PlanDisks(context.Background(), config)
	if err != nil || with.String() != without.String() || len(with) != 2 {
		t.Errorf("%v\n%v\n%v", with, without, err)
	}
}

func TestARefusedPlanIsShownAsItIs(t *testing.T) {
	b := previewMachine(t)
	previews, operations, err := b.m.Preview(context.Background(), b.config(partitions(`{"number": 3, "sizeMiB": 1}, {"number": 5, "shouldExist": false, "wipePartitionEntry": true}`)))
	if len(report.Leaves(err)) != 1 || operations != nil {
		t.Errorf("%v, %v", operations, err)
	}
	if len(previews) != 1 || previews[0].After != nil || len(previews[0].Before.Partitions) != 4 {
		t.Fatalf("%+v", previews)
	}
	if i := slices.IndexFunc(previews[0].Before.Partitions, func(p plan.PartitionPreview) bool { return p.State != plan.Kept }); i >= 0 {
		t.Errorf("nothing is done, but %+v", previews[0].Before.Partitions[i])
	}
}

func TestADiskThatIsMissingHasNoPreview(t *testing.T) {
	b := newTestMachine(t)
	if previews, _, err := b.m.Preview(context.Background(), b.config(disk(`"wipeTable": true`))); err == nil || len(previews) != 0 || previews == nil {
		t.Errorf("%v, %v", previews, err)
	}
}

func TestPreviewsOfDisksWithoutPartitions(t *testing.T) {
	b := newTestMachine(t)
	b.run("mkfs.ext4", "-q", "-L", "x", b.disk("a.img", 20))
	b.disk("empty", 20)
	for config, want := range map[string][2]string{
		`"filesystems": [{"device": "DIR/a.img", "format": "ext4"}]`: {`table "" whole {What:ext4 (label "x") New:false Wiped:false}`, `table "" whole {What:ext4 (label "x") New:false Wiped:false}`},
		`"filesystems": [{"device": "DIR/a.img", "format": "xfs", "label": "y", "wipeFilesystem": true}]`: {`table "" whole {What:ext4 (label "x") New:false Wiped:false}`,
			`table "" whole {What:xfs (label "y") New:true Wiped:false}`},
		`"disks": [{"device": "DIR/empty", "wipeTable": true}], "filesystems": [{"device": "DIR/empty", "format": "xfs"}]`: {`table ""`, `table "" whole {What:xfs New:true Wiped:false}`},
		`"disks": [{"device": "DIR/a.img", "wipeTable": true}]`:                                                            {`table "" whole {What:ext4 (label "x") New:false Wiped:false}`, `table ""`},
	} {
		previews, _, err := b.m.Preview(context.Background(), b.config(config))
		if err != nil || len(previews) != 1 {
			t.Errorf("%s: %v, %v", config, previews, err)
			continue
		}
		if got := [2]string{lines(previews[0].Before), lines(*previews[0].After)}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", config, got, want)
		}
	}
}

func TestPreviewsShowDamage(t *testing.T) {
	b := previewMachine(t)
	overwrite(t, b.path("a.img"), 512, 512)
	previews, _, err := b.m.Preview(context.Background(), b.config(partitions(`{"number": 3}`)))
	if err != nil || len(previews) != 1 {
		t.Fatal(err)
	}
	if p := previews[0]; p.Before.Damage != "the primary copy is damaged: there is no GPT header" || p.After.Damage != "" {
		t.Errorf("before %q, after %q", p.Before.Damage, p.After.Damage)
	}
	if err := os.WriteFile(b.path("a.img"), make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	if previews, _, err := b.m.Preview(context.Background(), b.config(disk(`"wipeTable": true`))); err != nil || lines(previews[0].Before) != `table ""` {
		t.Errorf("%v, %v", previews, err)
	}
}
