// Package mutation breaks the agent that imports it, which it does with the build
// tag "mutation": three values of testdata/everything.ign are changed between the
// stages, in the config cache, as if the agent had them wrong.
package mutation

import (
	"encoding/json"
	"fmt"
	"os"
)

const cache = "/run/ignition.json"

func init() {
	text, err := os.ReadFile(cache)
	if err != nil {
		return // no stage has fetched a config yet
	}
	if text, err = mutate(text); err == nil {
		err = os.WriteFile(cache, text, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutation:", err)
		os.Exit(1)
	}
}

// mutate makes one file's mode wrong, one partition too small, and leaves one unit
// disabled.
func mutate(text []byte) ([]byte, error) {
	var config map[string]any
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, err
	}
	for _, disk := range list(config, "storage", "disks") {
		set(list(disk, "partitions"), "label", "fat", "sizeMiB", 63)
	}
	set(list(config, "storage", "files"), "path", "/opt/tool", "mode", 0o744)
	set(list(config, "systemd", "units"), "name", "asked.service", "enabled", false)
	return json.Marshal(config)
}

// list returns the objects of a list at a path below an object.
func list(object map[string]any, path ...string) (all []map[string]any) {
	for _, name := range path[:len(path)-1] {
		object, _ = object[name].(map[string]any)
	}
	items, _ := object[path[len(path)-1]].([]any)
	for _, item := range items {
		if o, ok := item.(map[string]any); ok {
			all = append(all, o)
		}
	}
	return all
}

// set changes a member of the object whose member key has a value.
func set(objects []map[string]any, key string, value any, member string, to any) {
	for _, o := range objects {
		if o[key] == value {
			o[member] = to
		}
	}
}
