package config

import (
	"strings"
	"testing"
)

func TestLabelsThatNoPartitionHas(t *testing.T) {
	parts := func(more string) string {
		return `"storage":{"disks":[{"device":"/dev/vdb","partitions":[{"label":"data","number":1},{"label":"my logs","number":2},{"label":"boot-1","number":3}]}],` + more + `}`
	}
	fs := func(device string) string {
		return parts(`"filesystems":[{"device":"` + device + `","format":"ext4"}]`)
	}
	const at, meant = "W storage.filesystems[0].device ", `did you mean "/dev/disk/by-partlabel/data"?`
	testRules(t, []rule{
		{"a partition of the config", "all", fs("/dev/disk/by-partlabel/data"), nil},
		{"one with a blank", "all", fs(`/dev/disk/by-partlabel/my\\x20logs`), nil},
		{"letters exchanged", "all", fs("/dev/disk/by-partlabel/dtaa"), []string{at + meant}},
		{"another case", "all", fs("/dev/disk/by-partlabel/DATA"), []string{at + meant}},
		{"a blank that is none", "all", fs("/dev/disk/by-partlabel/my-logs"), []string{at + `did you mean "/dev/disk/by-partlabel/my logs"?`}},
		{"of the image", "all", fs("/dev/disk/by-partlabel/boot"), nil},
		{"nothing like it", "all", fs("/dev/disk/by-partlabel/scratch"), nil},
		{"no label", "all", fs("/dev/disk/by-label/dtaa"), nil},
		{"of a volume", "3.2+", parts(`"luks":[{"name":"x","device":"/dev/disk/by-partlabel/dat","keyFile":{"source":"data:,x"}}]`), []string{"W storage.luks[0].device " + meant}},
		{"of an array", "all", parts(`"raid":[{"name":"x","level":"raid1","devices":["/dev/disk/by-partlabel/data","/dev/disk/by-partlabel/date"]}]`), []string{"W storage.raid[0].devices[1] " + meant}},
		{"of a unit", "all", parts(`"files":[]`) + `,"systemd":{"units":[{"name":"srv.mount","contents":"[Mount]\nWhat=/dev/disk/by-partlabel/dataa\nWhere=/srv"}]}`, []string{"W systemd.units[0].contents " + meant}},
	})
}

func TestDiskRules(t *testing.T) {
	disk := func(d string) string { return `"storage":{"disks":[{` + d + `}]}` }
	testRules(t, []rule{
		{"good", "all", disk(`"device":"/dev/vda","wipeTable":true`), nil},
		{"no device", "all", disk(``), []string{"E storage.disks[0].device path is missing"}},
		{"null disk", "all", `"storage":{"disks":[null]}`, []string{"W storage.disks[0] null, an object is expected", "E storage.disks[0].device path is missing"}},
		{"relative device", "all", disk(`"device":"vda"`), []string{`E storage.disks[0].device "vda" is not absolute`}},
		{"device not in simplest form", "all", disk(`"device":"/dev//vda/"`), []string{`E storage.disks[0].device write "/dev/vda"`}},
		{"device with dots", "all", disk(`"device":"/dev/../vda"`), []string{`E storage.disks[0].device write "/vda"`}},
		{"device twice", "all", `"storage":{"disks":[{"device":"/a"},{"device":"/a"}]}`, []string{`E storage.disks[1] the device "/a" is already storage.disks[0]`}},
	})
}

func TestPartitionRules(t *testing.T) {
	parts := func(p string) string { return `"storage":{"disks":[{"device":"/a","partitions":[` + p + `]}]}` }
	const first, second = "storage.disks[0].partitions[0]", "storage.disks[0].partitions[1]"
	testRules(t, []rule{
		{"number", "all", parts(`{"number":1}`), nil},
		{"label", "all", parts(`{"label":"a"}`), nil},
		{"negative number", "all", parts(`{"number":-1,"startMiB":-5,"sizeMiB":-1}`), []string{
			"E storage.disks[0].partitions[0].number is negative", "E storage.disks[0].partitions[0].startMiB cannot be -5", "E storage.disks[0].partitions[0].sizeMiB cannot be -1"}},
		{"empty label", "all", parts(`{"label":""}`), nil},
		{"neither number nor label", "all", parts(`{"label":null}`), []string{"E " + first + " neither a number nor a label"}},
		{"two with neither", "all", parts(`{},{}`), []string{"E " + first + " neither", "E " + second + " neither"}},
		{"number twice is reported once", "all", parts(`{"number":1},{"number":1}`), []string{"E " + second + " partition 1 is given twice, first at " + first + " (line 1, column "}},
		{"number twice, one unwanted", "all", parts(`{"number":1,"shouldExist":false},{"number":1}`), []string{"E " + second + " given twice"}},
		{"label twice", "all", parts(`{"number":1,"label":"a"},{"label":"a"}`), []string{"E " + second + ` label "a" is already that of the partition at ` + first}},
		{"empty label twice", "all", parts(`{"number":1,"label":""},{"number":2,"label":""}`), []string{"E " + second + " labels should differ"}},
		{"unwanted", "all", parts(`{"number":1,"shouldExist":false,"guid":"","typeGuid":"","wipePartitionEntry":true}`), nil},
		{"unwanted with size 0", "all", parts(`{"number":1,"shouldExist":false,"sizeMiB":0}`), []string{"E " + first + " should not exist, so sizeMiB has no meaning"}},
		{"unwanted with start 0", "all", parts(`{"number":1,"shouldExist":false,"startMiB":0}`), []string{"E " + first + " so startMiB"}},
		{"unwanted with label", "all", parts(`{"number":1,"shouldExist":false,"label":""}`), []string{"E " + first + " so label"}},
		{"unwanted with GUID", "all", parts(`{"number":1,"shouldExist":false,"guid":"00000000-0000-0000-0000-000000000000"}`), []string{"E " + first + " so guid"}},
		{"label of 36 bytes", "all", parts(`{"label":"` + strings.Repeat("é", 18) + `"}`), nil},
		{"label of 38 bytes", "all", parts(`{"label":"` + strings.Repeat("é", 19) + `"}`), []string{"E " + first + ".label is 38 bytes long, at most 36"}},
		{"label with colon", "all", parts(`{"label":"a:b"}`), []string{"E " + first + `.label "a:b" has a colon`}},
		{"long label with colon", "all", parts(`{"label":"` + strings.Repeat(":", 40) + `"}`), []string{"E " + first + ".label 40 bytes long"}},
		{"GUIDs", "all", parts(`{"number":1,"guid":"0fc63daf-8483-4772-8e79-3D69D8477DE4","typeGuid":"0FC63DAF-8483-4772-8E79-3D69D8477DE4"}`), nil},
		{"bad GUIDs", "all", parts(`{"number":1,"guid":"{0fc63daf-8483-4772-8e79-3D69D8477DE4}","typeGuid":"0FC63DAF-8483-4772-8E79-3D69D8477DE"}`), []string{"E " + first + ".guid is not a GUID", "E " + first + ".typeGuid is not a GUID"}},
		{"GUID with other letters", "all", parts(`{"number":1,"guid":"gfc63daf-8483-4772-8e79-3D69D8477DE4"}`), []string{"E " + first + ".guid is not a GUID"}},
		{"resize by label only", "3.2+", parts(`{"label":"root","resize":true}`), []string{"W " + first + ".resize no effect without number and sizeMiB"}},
		{"resize without a number", "3.2+", parts(`{"label":"root","sizeMiB":9000,"resize":true}`), []string{"W " + first + ".resize no effect without number: an existing"}},
		{"resize without a size", "3.2+", parts(`{"number":4,"resize":true}`), []string{"W " + first + ".resize no effect without sizeMiB"}},
		{"resize as far as possible", "3.2+", parts(`{"number":4,"sizeMiB":0,"resize":true}`), nil},
		{"resize before 3.2", "≤3.1", parts(`{"number":1,"resize":true}`), []string{"W " + first + ".resize since version 3.2.0"}},
	})
}

func TestPartitionsThatOverlap(t *testing.T) {
	at := func(places ...string) string {
		for i, p := range places {
			start, size, _ := strings.Cut(p, "+")
			places[i] = `{"number":` + string(rune('1'+i)) + `,"startMiB":` + start + `,"sizeMiB":` + size + `}`
		}
		return `"storage":{"disks":[{"device":"/a","partitions":[` + strings.Join(places, ",") + `]}]}`
	}
	overlap := func(i string) string { return "E storage.disks[0].partitions[" + i + "] overlaps" }
	testRules(t, []rule{
		{"touching", "all", at("1+10", "11+10"), nil},
		{"by one", "all", at("1+10", "10+10"), []string{overlap("1")}},
		{"reported for the later one", "all", at("10+10", "1+10"), []string{overlap("1")}},
		{"size 0 inside another", "all", at("10+0", "5+10"), []string{overlap("1")}},
		{"size 0 is one MiB", "all", at("1+0", "5+10"), nil},
		{"start 0", "all", at("0+10", "1+10"), nil},
		{"unset size", "all", at("1+null", "1+10"), nil},
		{"unset start", "all", at("null+10", "1+10"), nil},
		{"one over several", "all", at("1+100", "5+5", "20+5"), []string{overlap("1"), overlap("2")}},
		{"equal", "all", at("1+1", "1+1"), []string{overlap("1")}},
	})
}

func TestRaidRules(t *testing.T) {
	raid := func(r string) string { return `"storage":{"raid":[{"name":"a","devices":["/a"],` + r + `}]}` }
	rules := []rule{
		{"no level", "all", raid(`"level":null`), []string{"E storage.raid[0].level level is missing"}},
		{"empty level", "all", raid(`"level":""`), []string{"E storage.raid[0].level level is missing"}},
		{"level in capitals", "all", raid(`"level":"RAID1"`), []string{`E storage.raid[0].level "RAID1" is unknown`}},
		{"spares without redundancy", "all", raid(`"level":"raid0","spares":-1`), []string{"E storage.raid[0].level level raid0 cannot have any"}},
		{"no spares without redundancy", "all", raid(`"level":"linear","spares":0`), nil},
		{"no devices", "all", `"storage":{"raid":[{"name":"a","level":"1"}]}`, []string{"E storage.raid[0].devices no devices"}},
		{"relative device", "all", `"storage":{"raid":[{"name":"a","level":"1","devices":["/a","b"]}]}`, []string{`E storage.raid[0].devices[1] "b" is not absolute`}},
		{"device twice", "all", `"storage":{"raid":[{"name":"a","level":"1","devices":["/a","/a"]}]}`, []string{`E storage.raid[0].devices[1] "/a" is already`}},
		{"option twice", "all", raid(`"level":"1","options":["a","a"]`), nil},
		{"names that mdadm refuses", "all", `"storage":{"raid":[{"name":"a/b","level":"1","devices":["/a"]},{"name":"","level":"1","devices":["/a"]}]}`, []string{"E storage.raid[0].name cannot be the name of a RAID", "E storage.raid[1].name is missing"}},
		{"name twice", "all", `"storage":{"raid":[{"name":"a","level":"1","devices":["/a"]},{"name":"a","level":"1","devices":["/b"]}]}`, []string{`E storage.raid[1] the name "a" is already`}},
	}
	for _, level := range RaidLevels() {
		number, _ := RaidLevelNumber(level)
		r := rule{"spares of " + level, "all", strings.Replace(raid(`"level":"`+level+`","spares":1`), `"/a"`, `"/a","/b"`, 1), nil}
		if number < 1 {
			r.want = []string{"E storage.raid[0].level cannot have any"}
		}
		rules = append(rules, r)
	}
	testRules(t, rules)
}

func TestFilesystemRules(t *testing.T) {
	fs := func(f string) string { return `"storage":{"filesystems":[{"device":"/d",` + f + `}]}` }
	const at = "storage.filesystems[0]"
	needs := func(member string) []string {
		return []string{"E " + at + ".format format is missing, and without it " + member + " has no meaning"}
	}
	testRules(t, []rule{
		{"device alone", "all", `"storage":{"filesystems":[{"device":"/d"}]}`, nil},
		{"no device", "all", `"storage":{"filesystems":[{"format":"ext4"}]}`, []string{"E " + at + ".device path is missing"}},
		{"path without format", "all", fs(`"path":"/x"`), needs("path")},
		{"label without format is reported once", "all", fs(`"label":"x"`), needs("label")},
		{"uuid without format", "all", fs(`"uuid":"x"`), needs("uuid")},
		{"wipe without format", "all", fs(`"wipeFilesystem":true`), needs("wipeFilesystem")},
		{"options without format", "all", fs(`"options":["a"]`), needs("options")},
		{"mountOptions without format", "3.1+", fs(`"mountOptions":["a"]`), needs("mountOptions")},
		{"mountOptions in 3.0", "3.0", fs(`"mountOptions":["a"]`), []string{"W " + at + ".mountOptions since version 3.1.0"}},
		{"nothing that needs a format", "all", fs(`"wipeFilesystem":false,"options":[],"label":"","path":"","uuid":"","format":""`), nil},
		{"relative path", "all", fs(`"format":"ext4","path":"x"`), []string{"E " + at + ".path not absolute"}},
		{"path of swap", "all", fs(`"format":"swap","path":"/x"`), nil},
		{"unknown format", "all", fs(`"format":"ext3"`), []string{"E " + at + `.format "ext3" is unknown; it should be one of ext4, btrfs`}},
		{"format in capitals", "all", fs(`"format":"EXT4"`), []string{"E " + at + `.format is unknown`}},
		{"none", "3.3+", fs(`"format":"none"`), nil},
		{"none before 3.3", "≤3.2", fs(`"format":"none"`), []string{"E " + at + `.format "none" exists since version 3.3.0`}},
		{"ext4 label", "all", fs(`"format":"ext4","label":"` + strings.Repeat("a", 17) + `"`), []string{"E " + at + ".label of ext4 is 17 bytes long, at most 16"}},
		{"btrfs label", "all", fs(`"format":"btrfs","label":"` + strings.Repeat("a", 257) + `"`), []string{"E " + at + ".label at most 256"}},
		{"xfs label in bytes", "all", fs(`"format":"xfs","label":"ééééééé"`), []string{"E " + at + ".label at most 12"}},
		{"swap label", "all", fs(`"format":"swap","label":"` + strings.Repeat("a", 16) + `"`), []string{"E " + at + ".label at most 15"}},
		{"vfat label", "all", fs(`"format":"vfat","label":"` + strings.Repeat("a", 12) + `"`), []string{"E " + at + ".label at most 11"}},
		{"longest labels", "all", fs(`"format":"vfat","label":"` + strings.Repeat("a", 11) + `"`), nil},
		{"label of none", "3.3+", fs(`"format":"none","label":"` + strings.Repeat("a", 300) + `"`), nil},
		{"one path twice", "all", `"storage":{"filesystems":[{"device":"/d","path":"/x","format":"ext4"},{"device":"/e","path":"/x","format":"ext4"}]}`, nil},
		{"one device twice", "all", `"storage":{"filesystems":[{"device":"/d"},{"device":"/d"}]}`, []string{`E storage.filesystems[1] the device "/d" is already`}},
		{"options twice", "3.1+", fs(`"format":"ext4","options":["a","a"],"mountOptions":["b","b"]`), nil},
	})
}

func TestVirtiofsRules(t *testing.T) {
	fs := func(f string) string { return `"storage":{"filesystems":[{"format":"virtiofs",` + f + `}]}` }
	const at = "storage.filesystems[0]"
	testRules(t, []rule{
		{"good", "3.7", fs(`"device":"tag","path":"/x","mountOptions":["ro"],"wipeFilesystem":false,"label":""`), nil},
		{"everything wrong", "3.7", fs(`"device":"","uuid":"x","wipeFilesystem":true,"options":["a"],"label":"x"`), []string{
			"E " + at + ".device device is missing; for virtiofs it is the tag", "E " + at + ".uuid not possible", "E " + at + ".wipeFilesystem not possible",
			"E " + at + ".options not possible", "E " + at + ".label not possible"}},
		{"tag too long", "3.7", fs(`"device":"` + strings.Repeat("é", 19) + `"`), []string{"E " + at + ".device is 38 bytes long, at most 36"}},
		{"before 3.7", "≤3.6", fs(`"device":"tag"`), []string{"E " + at + ".device not absolute", "E " + at + `.format "virtiofs" exists since version 3.7.0-experimental`}},
	})
}

func TestFilesystemsOnDisks(t *testing.T) {
	both := func(disk, fs string) string {
		return `"storage":{"disks":[{"device":"/d"` + disk + `}],"filesystems":[{"device":"/d","format":"ext4"` + fs + `}]}`
	}
	const at = "W storage.filesystems[0].device "
	testRules(t, []rule{
		{"disk without anything", "all", both("", ""), nil},
		{"disk with partitions", "all", both(`,"partitions":[{"number":1}]`, `,"wipeFilesystem":true`), []string{at + `whole of "/d", for which storage.disks[0]`}},
		{"disk that is wiped", "all", both(`,"wipeTable":true`, ``), []string{at + "wipes"}},
		{"both are wiped", "all", both(`,"wipeTable":true`, `,"wipeFilesystem":true`), nil},
		{"one warning of two", "all", both(`,"wipeTable":true,"partitions":[{"number":1}]`, ``), []string{at + "has partitions"}},
	})
}
