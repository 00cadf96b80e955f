package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
)

func TestSamplesComeOutOfTheLab(t *testing.T) {
	got, err := readSamples("a word of udev\n" + samplesMark + `[{"CPU": 1000000, "Wall": 2000000000, "Memory": 3}]` + "\nmore\n")
	if want := (sample{time.Millisecond, 2 * time.Second, 3}); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("got %v, %v", got, err)
	}
	for out, want := range map[string]string{
		"out of memory":       "has printed no samples but\nout of memory",
		samplesMark + "[{...": "reading what the lab has measured",
	} {
		if _, err := readSamples(out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", out, err)
		}
	}
}

func TestDisksConfigsAreValid(t *testing.T) {
	for _, set := range []diskSet{fewDisks, manyDisks} {
		var b bytes.Buffer
		set.config(&b)
		if !json.Valid(b.Bytes()) {
			t.Fatalf("not JSON: %s", b.Bytes())
		}
		cfg, problems, err := config.Parse(b.Bytes(), "config")
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		if n := len(cfg.Storage.Filesystems); n != set.disks*len(set.formats) {
			t.Errorf("%s: %d filesystems", set.name, n)
		}
		if last := labDisk(set.disks - 1); last > "/dev/vdz" {
			t.Errorf("%s: the last disk would be %s", set.name, last)
		}
	}
}

func TestTimesOfItemsComeOutOfTheLab(t *testing.T) {
	got, err := itemTimes("a word of udev\n" + itemsMark + "[[0.1,2],[0.2,8.5],[0.4]]\nmore\n")
	if err != nil || len(got) != 3 || got[1][1] != 8.5 {
		t.Errorf("got %v, %v", got, err)
	}
	for out, want := range map[string]string{
		"out of memory":           "has printed no times of items but\nout of memory",
		itemsMark + "[[...":       "reading what the lab has measured",
		itemsMark + "[[0.1,2.0]]": "has measured 1 items, not 3",
	} {
		if _, err := itemTimes(out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", out, err)
		}
	}
}

func TestProbedConfigIsValid(t *testing.T) {
	var b bytes.Buffer
	probedConfig("/images", true)(&b)
	cfg, problems, err := config.Parse(b.Bytes(), "config")
	if err != nil || len(problems) > 0 || len(cfg.Storage.Filesystems) != probedDisks*probedPartitions {
		t.Errorf("%v, %v", problems, err)
	}
}
