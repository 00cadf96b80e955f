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

func TestDisksConfigIsValid(t *testing.T) {
	var b bytes.Buffer
	disksConfig(&b)
	if !json.Valid(b.Bytes()) {
		t.Fatalf("not JSON: %s", b.Bytes())
	}
	cfg, problems, err := config.Parse(b.Bytes(), "config")
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	if n := len(cfg.Storage.Filesystems); n != labDisks*labPartitions {
		t.Errorf("%d filesystems", n)
	}
}
