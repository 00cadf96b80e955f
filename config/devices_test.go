package config

import (
	"strings"
	"testing"
)

func TestWithDevices(t *testing.T) {
	cfg := parsed(t, Newest, `"ignition":{$V},"storage":{"disks":[{"device":"/dev/a","partitions":[{"number":1}]}],`+
		`"raid":[{"name":"m","level":"raid1","devices":["/dev/a1","/dev/b"]}],"luks":[{"name":"l","device":"/dev/a2"}],`+
		`"filesystems":[{"device":"/dev/a3","format":"ext4"}],"files":[{"path":"/dev/a"}]}`)
	before := string(cfg.print())
	changed := cfg.WithDevices(func(path string) string { return strings.Replace(path, "/dev/a", "/images/a", 1) })
	want := strings.NewReplacer(`"device":"/dev/a`, `"device":"/images/a`, `"/dev/a1"`, `"/images/a1"`).Replace(before)
	if got := string(changed.print()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if after := string(cfg.print()); after != before {
		t.Errorf("the original has changed: %s", after)
	}
	for _, path := range [][]any{{"storage", "disks", 0, "device"}, {"storage", "raid", 0, "devices", 1}, {"storage", "disks", 0, "partitions", 0, "number"}} {
		if got, want := changed.Origin(path...), cfg.Origin(path...); got != want {
			t.Errorf("%v is of %v, want %v", path, got, want)
		}
	}
}

func TestWithDevicesOfAConfigWithoutStorage(t *testing.T) {
	if got, want := string(New(Newest).WithDevices(strings.ToUpper).print()), string(New(Newest).print()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
