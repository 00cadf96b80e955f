package stages

import (
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/system"
)

// distributionFile is the settings file in the image of a bench.
const distributionFile = "image/usr/distribution.conf"

func TestConfigsOfSpec2AreTranslatedIfTheImageSaysSo(t *testing.T) {
	url := server(t, map[string]string{
		"/two":   `{"ignition": {"version": "2.2.0"}, "storage": {"files": [{"filesystem": "root", "path": "/two", "mode": 420, "contents": {"source": "data:,2"}}]}}`,
		"/three": `{"ignition": {"version": "3.0.0"}, "storage": {"files": [{"path": "/three", "contents": {"source": "data:,3"}}]}}`,
	})
	const parent = `"storage": {"files": [{"filesystem": "root", "path": "/etc/motd", "mode": 384, "contents": {"source": "data:,new"}}]},
		"networkd": {"units": [{"name": "a.network", "contents": "[Match]\nName=*\n"}]}`
	for name, cfg := range map[string]string{
		"parent of spec 2": `{"ignition": {"version": "2.3.0", "config": {"append": [{"source": "` + url + `/two"}, {"source": "` + url + `/three"}]}}, ` + parent + `}`,
		"parent of spec 3": `{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "` + url + `/two"}, {"source": "` + url + `/three"}, {"source": "data:,` + escape(`{"ignition": {"version": "2.3.0"}, `+parent+`}`) + `"}]}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, cfg)
			b.write(distributionFile, "# what this image wants\nSPEC2=translate\n")
			b.write("image/usr/base.d/old.ign", `{"ignition": {"version": "2.0.0"}, "storage": {"files": [{"filesystem": "root", "path": "/base", "mode": 420, "contents": {"source": "data:,b"}}]}}`)
			b.write("root/etc/motd", "old")
			b.must("fetch", "files")
			for file, want := range map[string]string{"two": "2", "three": "3", "base": "b", "etc/motd": "new", "etc/systemd/network/a.network": "[Match]\nName=*\n"} {
				if got := b.read("root/" + file); got != want {
					t.Errorf("%s has %q, want %q", file, got, want)
				}
			}
		})
	}
}

func TestConfigsOfSpec2AreRefusedWhereverTheyAre(t *testing.T) {
	const old = `{"ignition": {"version": "2.3.0"}}`
	url := server(t, map[string]string{"/old": old})
	for name, prepare := range map[string]func(b *bench){
		"user config": func(b *bench) { b.write("user.ign", old) },
		"base config": func(b *bench) { b.write("image/usr/base.d/old.ign", old) },
		"referenced config": func(b *bench) {
			b.write("user.ign", `{"ignition": {"version": "3.0.0", "config": {"replace": {"source": "`+url+`/old"}}}}`)
		},
		"kernel argument":   func(b *bench) { b.write("cmdline", "ignition.config.url="+url+"/old\n") },
		"said by the image": func(b *bench) { b.write("user.ign", old); b.write(distributionFile, "SPEC2=refuse\n") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, `{`+version+`}`)
			prepare(b)
			b.fails("fetch", `version "2.3.0" is of spec 2`)
			if system.Exists(b.opts.ConfigCache) {
				t.Error("there is a cache")
			}
		})
	}
}

// What fails later points to the config as it was written.
func TestFailuresOfTranslatedConfigsAreAtTheirLines(t *testing.T) {
	b := newBench(t, `{"ignition": {"version": "2.3.0"},
		"storage": {"files": [{"filesystem": "root", "path": "/f", "mode": 420, "overwrite": false, "contents": {"source": "data:,x"}}]}}`)
	b.write(distributionFile, "SPEC2=translate\n")
	b.write("root/f", "theirs")
	b.must("fetch")
	b.fails("files", "there already is a file of 6 bytes", "user.ign), line 2, column 56 (storage.files[0].path)")
}

func TestWhatSpec3CannotSayStopsTheBoot(t *testing.T) {
	b := newBench(t, `{"ignition": {"version": "2.3.0"},
		"storage": {"files": [{"filesystem": "data", "path": "/f"}],
		"disks": [{"device": "/dev/vda", "partitions": [{"number": 1, "size": 5}]}]}}`)
	b.write(distributionFile, "SPEC2=translate\n")
	b.fails("fetch", `there is no filesystem "data" in this config`, "line 2, column 40", "5 sectors of 512 bytes are not a whole number of MiB", "line 3, column 73", `"firstlightctl translate --check" checks it`)
}

func TestUnknownSettingsOfTheDistributionStopTheBoot(t *testing.T) {
	b := newBench(t, `{`+version+`, "storage": {"files": [{"path": "/f"}]}}`)
	b.must("fetch")
	b.write(distributionFile, "\nSPEC2=translated\nSPEC=2\n")
	b.fails("files", `setting SPEC2: it is "translated", and should be refuse or translate`, "distribution.conf, line 2",
		`there is no setting "SPEC"; there are FIRST_BOOT, FIRSTBOOT_ARGUMENTS,`, "line 3", "tell those who made it")
	if system.Exists(b.path("root/f")) {
		t.Error("the file was written")
	}
}

// escape is text as it stands in a data URL in JSON.
func escape(text string) string {
	return strings.NewReplacer("%", "%25", `"`, "%22", " ", "%20", "\n", "", "\t", "", `\`, "%5C", "{", "%7B", "}", "%7D", "[", "%5B", "]", "%5D").Replace(text)
}
