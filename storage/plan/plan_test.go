package plan

import (
	"errors"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
)

// parse reads the storage section of a config.
func parse(t *testing.T, storage string) *config.Config {
	t.Helper()
	text := `{"ignition": {"version": "3.7.0-experimental"}, "storage": {` + storage + `}}`
	cfg, problems, err := config.Parse([]byte(text), "user config")
	if err != nil {
		t.Fatalf("the config of the test: %v\n%v\n%s", err, problems, text)
	}
	return cfg
}

// decided is a decision in words, with its conflicts.
func decided(what string, errs []error) string {
	var all []string
	for _, err := range errs {
		var e *report.Error
		errors.As(err, &e)
		all = append(all, e.Error()+" | "+e.Origin.Path+" | "+e.Hint)
	}
	if len(all) == 0 {
		return what
	}
	return strings.Join(all, "\n")
}

func TestDisksInUseAreNotChanged(t *testing.T) {
	facts := func(uses ...Holder) *DiskFacts {
		return &DiskFacts{DeviceFacts: DeviceFacts{Device: "/dev/vda", Node: "/dev/vda", Size: 100 << 20, Sector: 512, Holders: uses}, Disk: gpt.Disk{Kind: gpt.Intact,
			Table: gpt.Table{Sector: 512, First: 34, Last: 204766, Slots: 128, Partitions: []gpt.Partition{{Number: 1, Start: 2048, Size: 20480, Type: linuxData, Name: "boot"}}}}}
	}
	for _, c := range []struct {
		name, config string
		facts        *DiskFacts
		want         string
	}{
		{"another partition may be made", `"partitions": [{"number": 2}]`, facts(Holder{Number: 1, How: "mounted at /boot"}), ""},
		{"what matches may be in use", `"partitions": [{"number": 1, "label": "boot"}]`, facts(Holder{Number: 1, How: "mounted at /boot"}, Holder{Number: 0, How: "part of md0"}), ""},
		{"a mounted partition is not resized", `"partitions": [{"number": 1, "sizeMiB": 20, "resize": true}]`, facts(Holder{Number: 1, How: "mounted at /boot"}, Holder{Number: 1, How: "swapped to"}),
			`partition 1 "boot" on /dev/vda is to be changed (resize) but is mounted at /boot, swapped to`},
		{"a used disk is not changed", `"partitions": [{"number": 2}]`, facts(Holder{Number: 0, How: "part of dm-0 (x)"}), `the partitions of /dev/vda are to be changed but the disk is part of dm-0 (x)`},
		{"a used disk is not wiped", `"wipeTable": true`, facts(Holder{Number: 0, How: "part of md0"}, Holder{Number: 1, How: "mounted at /boot"}),
			`/dev/vda is to be wiped but is in use: the disk is part of md0, partition 1 is mounted at /boot`},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := New(parse(t, `"disks": [{"device": "/dev/vda", `+c.config+`}]`), []*DiskFacts{c.facts}, nil)
			errs := g.DecideDisks(func() string { return "G" })
			switch {
			case c.want == "" && len(errs) > 0:
				t.Errorf("refused: %v", errs)
			case c.want != "" && (len(errs) != 1 || errs[0].Error() != c.want):
				t.Errorf("got %v, want %s", errs, c.want)
			}
		})
	}
}

const mirror = `"raid": [{"name": "data", "level": "raid1", "devices": ["/dev/a", "/dev/b"]}]`

func TestDecisionsOnArraysInTheKernel(t *testing.T) {
	good := &blkprobe.MDSuperblock{UUID: "u", Name: "any:data", Level: 1, Devices: 2}
	held := []Holder{{How: "part of md127", Kernel: "md127"}}
	members := func(s *blkprobe.MDSuperblock, uses []Holder) []DeviceFacts {
		var signatures []blkprobe.Signature
		if s != nil {
			signatures = []blkprobe.Signature{{Type: "linux_raid_member", MD: s}}
		}
		return []DeviceFacts{{Device: "/dev/a", Kernel: "a", Signatures: signatures, Holders: uses}, {Device: "/dev/b", Kernel: "b", Signatures: signatures, Holders: uses}}
	}
	running := func(uses ...Holder) []RunningArray {
		return []RunningArray{{Kernel: "md127", Members: []string{"a", "b"}, Active: true, Holders: uses}}
	}
	words := map[Action]string{Keep: "keep", Complete: "complete", Start: "assemble", Create: "make"}
	const hint = "an array can be made only of what nothing else uses"
	for _, c := range []struct {
		name  string
		facts ArrayFacts
		want  string
	}{
		{"a running array is kept", ArrayFacts{members(good, held), running(), "/dev/md127"}, "keep"},
		{"also in use", ArrayFacts{members(good, held), running(Holder{How: "mounted at /x"}), "/dev/md127"}, "keep"},
		{"and degraded", ArrayFacts{members(good, held), []RunningArray{{Kernel: "md127", Members: []string{"a"}, Active: true}}, "/dev/md127"}, "complete"},
		{"left by an mdadm that was killed", ArrayFacts{members(good, held), []RunningArray{{Kernel: "md127", Members: []string{"a", "b"}, Active: true, Creating: true}}, "/dev/md127"},
			"assemble after stopping /dev/md127"},
		{"not in the kernel", ArrayFacts{members(good, nil), nil, ""}, "assemble"},
		{"inactive", ArrayFacts{members(good, held), []RunningArray{{Kernel: "md127", Members: []string{"a", "b"}}}, ""}, "assemble after stopping /dev/md127"},
		{"under another name", ArrayFacts{members(good, held), running(), ""}, "assemble after stopping /dev/md127"},
		{"under another name and in use", ArrayFacts{members(good, held), running(Holder{How: "mounted at /x"}), ""},
			`the array "data" has to be stopped, as /dev/md127 is not what the config describes, but that is mounted at /x | storage.raid[0] | stop using it before`},
		{"half made and half assembled", ArrayFacts{members(nil, held), running(), ""}, "make after stopping /dev/md127"},
		{"to be made anew but in use", ArrayFacts{members(nil, held), running(Holder{How: "swapped to"}), "/dev/md127"},
			`the array "data" has to be stopped, as /dev/md127 is not what the config describes, but that is swapped to | storage.raid[0] | stop using it before`},
		{"blank", ArrayFacts{members(nil, nil), nil, ""}, "make"},
		{"members mounted and in other arrays", ArrayFacts{[]DeviceFacts{
			{Device: "/dev/a", Kernel: "a", Holders: []Holder{{How: "mounted at /x"}}},
			{Device: "/dev/b", Kernel: "b", Holders: held}}, []RunningArray{{Kernel: "md127", Members: []string{"b", "c"}, Active: true}}, ""},
			`/dev/a is to be a member of the array "data" but is mounted at /x | storage.raid[0].devices[0] | ` + hint + `
/dev/b is to be a member of the array "data" but is part of md127 | storage.raid[0].devices[1] | ` + hint},
		{"the name is taken", ArrayFacts{members(nil, nil), nil, "/dev/md5"},
			`/dev/md/data is /dev/md5 already, which is of other devices | storage.raid[0].name | name the array otherwise, or stop the other one (mdadm --stop)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &parse(t, mirror).Storage.Raid[0]
			d, errs := DecideArray(r, c.facts)
			what := words[d.Action]
			if len(d.Stop) > 0 {
				what += " after stopping " + strings.Join(d.Stop, ", ")
			}
			if got := decided(what, errs); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestNamesOfSuperblocks(t *testing.T) {
	for name, want := range map[string]string{"data": "data", "md0": "md0", "/dev/md/data": "data", "/dev/md0": "0", "/dev/md_d": "d", "/dev/mdx": "mdx"} {
		r := &parse(t, `"raid": [{"name": "`+name+`", "level": "raid1", "devices": ["/dev/a"]}]`).Storage.Raid[0]
		if got := superblockName(r); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for options, want := range map[string]string{`["--name=x"]`: "x", `["--name", "x"]`: "x", `["-N", "x"]`: "x", `["-N"]`: "data"} {
		r := &parse(t, `"raid": [{"name": "data", "level": "raid1", "devices": ["/dev/a"], "options": `+options+`}]`).Storage.Raid[0]
		if got := superblockName(r); got != want {
			t.Errorf("%s: got %s, want %s", options, got, want)
		}
	}
}

// luks is a config with one volume.
func luks(members string) string {
	return `"luks": [{"name": "secret", "device": "/dev/a", ` + members + `}]`
}

const givenKey = `"keyFile": {"source": "data:,pass%20word"}`

func TestDecisionsOnVolumesInTheKernel(t *testing.T) {
	own, other := Holder{How: "part of dm-0 (secret)", Kernel: "dm-0", Mapping: "secret"}, Holder{How: "part of dm-1 (x)", Kernel: "dm-1", Mapping: "x"}
	good := DeviceFacts{Device: "/dev/a", Signatures: []blkprobe.Signature{{Type: "crypto_LUKS", LUKS: &blkprobe.LUKSHeader{Version: 2}}}}
	with := func(t DeviceFacts, uses ...Holder) DeviceFacts { t.Holders = uses; return t }
	discarding := good
	discarding.Signatures = []blkprobe.Signature{{Type: "crypto_LUKS", LUKS: &blkprobe.LUKSHeader{Version: 2, Flags: []string{"allow-discards"}}}}
	words := map[Action]string{Keep: "keep", Start: "open", Create: "make"}
	for _, c := range []struct {
		name   string
		config string
		facts  VolumeFacts
		want   string
	}{
		{"closed", luks(givenKey), VolumeFacts{DeviceFacts: good}, "open"},
		{"open", luks(givenKey), VolumeFacts{DeviceFacts: with(good, own), Mapper: "dm-0", MapperHolders: []Holder{{How: "mounted at /x"}}}, "keep"},
		{"open, and to be made anew", luks(`"wipeVolume": true`), VolumeFacts{DeviceFacts: with(good, own), Mapper: "dm-0", MapperHolders: nil}, "make"},
		{"in use, and to be made anew", luks(`"wipeVolume": true`), VolumeFacts{DeviceFacts: with(good, own), Mapper: "dm-0", MapperHolders: []Holder{{How: "mounted at /x"}}},
			`the LUKS volume "secret" on /dev/a is to be made anew but is mounted at /x | storage.luks[0] | stop using it before`},
		{"open under another name", luks(givenKey), VolumeFacts{DeviceFacts: with(good, other), Mapper: "", MapperHolders: nil},
			`/dev/a is to hold the LUKS volume "secret" but is part of dm-1 (x) | storage.luks[0].device | a LUKS volume can be only on what nothing else uses`},
		{"the name is taken", luks(givenKey), VolumeFacts{DeviceFacts: good, Mapper: "dm-7"},
			`/dev/mapper/secret is there already, and not on /dev/a | storage.luks[0].name | name the volume otherwise, or close the other one (cryptsetup close)`},
		{"mounted", luks(`"wipeVolume": true`), VolumeFacts{DeviceFacts: with(DeviceFacts{Device: "/dev/a"}, Holder{How: "mounted at /x"}), Mapper: "", MapperHolders: nil},
			`/dev/a is to hold the LUKS volume "secret" but is mounted at /x | storage.luks[0].device | a LUKS volume can be only on what nothing else uses`},
		{"discards as asked", luks(givenKey + `, "discard": true`), VolumeFacts{DeviceFacts: discarding}, "open"},
		{"discards not asked for", luks(givenKey), VolumeFacts{DeviceFacts: discarding},
			`the LUKS volume that is on /dev/a cannot be kept: it passes discards on, the config does not ask for that | storage.luks[0].discard | wipeVolume: true makes it anew, and its contents are lost`},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &parse(t, c.config).Storage.Luks[0]
			action, errs := DecideVolume(l, c.facts)
			if got := decided(words[action], errs); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestNamesOfMappedPartitions(t *testing.T) {
	p := &Disk{Facts: &DiskFacts{DeviceFacts: DeviceFacts{Device: "/dev/mapper/mpatha", Node: "/dev/dm-0"}, Mapping: "mpatha"}, Config: &config.Disk{}}
	names := strings.Join(p.partitionPaths(gpt.Partition{Number: 2}), " ")
	for _, want := range []string{"/dev/mapper/mpatha2", "/dev/mapper/mpathap2", "/dev/mapper/mpatha-part2", "/dev/disk/by-id/dm-name-mpathap2"} {
		if !strings.Contains(names, want) {
			t.Errorf("%s is not one of %s", want, names)
		}
	}
}
