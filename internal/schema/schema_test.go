package schema

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
)

// A jsonSchema is as much of a schema as ours and those of the reference have
// in common.
type jsonSchema struct {
	Ref        string                 `json:"$ref"`
	Type       any                    `json:"type"`
	Properties map[string]*jsonSchema `json:"properties"`
	Required   []string               `json:"required"`
	Items      *jsonSchema            `json:"items"`
	AllOf      []*jsonSchema          `json:"allOf"`
	AnyOf      []*jsonSchema          `json:"anyOf"`
	Defs       map[string]*jsonSchema `json:"definitions"`
}

func parseSchema(t *testing.T, text []byte, err error) *jsonSchema {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	s := new(jsonSchema)
	if err := json.Unmarshal(text, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// A flat schema has what a schema says of each place.
type flat struct {
	root     *jsonSchema
	types    map[string]string // by path: "integer null"
	required map[string]bool
}

func flatten(t *testing.T, root *jsonSchema) flat {
	t.Helper()
	f := flat{root, map[string]string{}, map[string]bool{}}
	f.walk(t, root, "")
	return f
}

func (f *flat) resolve(t *testing.T, ref string) *jsonSchema {
	t.Helper()
	at := f.root
	for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		if step == "definitions" {
			continue
		}
		if at = at.Defs[step]; at == nil {
			t.Fatalf("there is no %s", ref)
		}
	}
	return at
}

func (f *flat) walk(t *testing.T, s *jsonSchema, path string) {
	t.Helper()
	for s.Ref != "" {
		s = f.resolve(t, s.Ref)
	}
	switch value := s.Type.(type) {
	case string:
		f.types[path] = value
	case []any:
		var names []string
		for _, v := range value {
			names = append(names, v.(string))
		}
		slices.Sort(names)
		f.types[path] = strings.Join(names, " ")
	}
	for _, part := range s.AllOf {
		f.walk(t, part, path)
	}
	if len(s.AnyOf) > 0 && s.AnyOf[0].Type != nil { // or a placeholder
		f.walk(t, s.AnyOf[0], path)
	}
	for _, name := range s.Required {
		f.required[path+"."+name] = true
	}
	for name, p := range s.Properties {
		f.walk(t, p, path+"."+name)
	}
	if s.Items != nil {
		f.walk(t, s.Items, path+"[]")
	}
}

func reference(t *testing.T, v config.Version) flat {
	t.Helper()
	name := strings.Replace(strings.TrimSuffix(v.String(), ".0"), ".0-", "_", 1)
	text := readFile(t, "../../config/testdata/schema/ignition-v"+strings.ReplaceAll(name, ".", "_")+".json")
	return flatten(t, parseSchema(t, []byte(text), nil))
}

func ours(t *testing.T, v config.Version) flat {
	t.Helper()
	text, err := Ignition(v)
	return flatten(t, parseSchema(t, text, err))
}

// A difference from the schemas of the reference that is meant.
type difference struct {
	path        string
	first, last config.Version
	reference   string
	ours        string
}

var typeDifferences = []difference{
	// All of them are about a null that means nothing, or a source that must be
	// there in any case.
	{".ignition.security.tls.certificateAuthorities[]", config.V3_0, config.V3_0, "null object", "object"},
	{".ignition.security.tls.certificateAuthorities[].source", config.V3_0, config.V3_0, "string", "null string"},
	{".ignition.proxy.noProxy[]", config.V3_1, config.V3_3, "null string", "string"},
	{".storage.luks[].clevis", config.V3_2, config.V3_2, "null object", "object"},
	{".storage.luks[].clevis.custom", config.V3_2, config.V3_2, "null object", "object"},
}

func TestTypesAgreeWithTheReferences(t *testing.T) {
	met := map[string]bool{}
	for _, v := range config.Versions() {
		want, got := reference(t, v).types, ours(t, v).types
		if len(want) < 100 {
			t.Errorf("%s: only %d values are compared", v, len(want))
		}
		for _, d := range typeDifferences {
			if d.first <= v && v <= d.last && want[d.path] == d.reference && got[d.path] == d.ours {
				met[d.path] = true
				delete(want, d.path)
				delete(got, d.path)
			}
		}
		for path := range maps.Keys(union(want, got)) {
			if want[path] != got[path] {
				t.Errorf("%s: %s is %q in our schema, %q in that of the reference (config/testdata/schema)", v, path, got[path], want[path])
			}
		}
	}
	for _, d := range typeDifferences {
		if !met[d.path] {
			t.Errorf("%s does not differ as the table says", d.path)
		}
	}
}

func union[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// Members that one of the two schemas requires and the other does not.
var (
	// The code of the reference does not ask for it.
	onlyTheirs = []string{".ignition.config.replace.source"}
	// The code asks for these, or they are of no use without.
	onlyOurs = []string{
		".ignition.version", ".ignition.config.merge[].source", ".ignition.security.tls.certificateAuthorities[].source",
		".storage.links[].target", ".storage.luks[].device", ".storage.luks[].clevis.custom.pin", ".storage.luks[].clevis.custom.config",
		".storage.luks[].clevis.tang[].url", ".storage.luks[].clevis.tang[].thumbprint", ".storage.raid[].level", ".storage.raid[].devices",
	}
)

func TestRequiredMembersAgreeWithTheReferences(t *testing.T) {
	met := map[string]bool{}
	for _, v := range config.Versions() {
		want, got := reference(t, v).required, ours(t, v).required
		for path := range union(want, got) {
			switch {
			case want[path] && !got[path] && !slices.Contains(onlyTheirs, path):
				t.Errorf("%s: %s is required by the reference's schema only", v, path)
			case !want[path] && got[path] && !slices.Contains(onlyOurs, path):
				t.Errorf("%s: %s is required by our schema only", v, path)
			}
			met[path] = met[path] || want[path] != got[path]
		}
	}
	for _, path := range slices.Concat(onlyTheirs, onlyOurs) {
		if !met[path] {
			t.Errorf("%s is required by both schemas or by none", path)
		}
	}
}

// Every key that a dialect has is in its schema, at all places, and no other.
func TestButaneHasTheSpecsMembersAndSugar(t *testing.T) {
	sugar := map[string]string{
		".boot_device": "fcos 1.3.0", ".storage.trees": "fcos 1.1.0", ".storage.files[].contents.local": "fcos 1.1.0",
		".storage.files[].append[].inline": "fcos 1.0.0", ".ignition.config.merge[].inline": "fcos 1.1.0",
		".grub.users[].password_hash": "fcos 1.5.0", ".metadata.labels": "openshift 4.8.0", ".systemd.quadlets": "fcos 1.8.0-experimental",
		".storage.trees[].file_mode": "fcos 1.7.0", ".boot_device.luks.cex.enabled": "fcos 1.6.0", ".kernel_arguments": "fcos 1.4.0",
		".storage.filesystems[].with_mount_unit": "fcos 1.1.0", ".storage.disks[].partitions[].size_mib": "fcos 1.0.0",
		".storage.disks[].match.serial": "firstlight 1.0.0", ".systemd.units[].dropins[].contents_local": "fcos 1.5.0", ".passwd.users[].ssh_authorized_keys_local": "fcos 1.5.0",
	}
	first := map[string]string{}
	for _, d := range butane.Dialects() {
		text, err := Butane(d)
		got := flatten(t, parseSchema(t, text, err))
		for path := range got.types {
			if first[path] == "" {
				first[path] = d.String()
			}
		}
		if _, found := got.types[".ignition.version"]; found {
			t.Errorf("%s: ignition.version is not a key of Butane", d.String())
		}
		if count := len(ours(t, d.Spec).types); len(got.types) < count {
			t.Errorf("%s has %d keys, the spec that it stands for %d", d.String(), len(got.types), count)
		}
	}
	for path, since := range sugar {
		if first[path] != since {
			t.Errorf("%s is there since %q, expected since %q", path, first[path], since)
		}
	}
}

func TestSchemasNameThemselves(t *testing.T) {
	var s struct {
		Schema      string `json:"$schema"`
		ID          string `json:"$id"`
		Title       string
		Description string
	}
	text, err := Ignition(config.Newest)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"type": "object"`) {
		t.Error("a single type is not a string")
	}
	if s.Schema != draft || s.ID != "urn:firstlight:ignition:3.7.0-experimental" || s.Title != "Ignition config 3.7.0-experimental" || s.Description == "" {
		t.Errorf("got %+v", s)
	}
}

func TestTextsAreWrittenAsTheyAre(t *testing.T) {
	s := &node{Properties: properties{{"a<b", &node{Description: "<&> \"é\""}}}}
	got, err := encode(s)
	if want := `{"properties":{"a<b":{"description":"<&> \"é\""}}}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v; expected %s", got, err, want)
	}
}

func TestSchemasAreTheSameEveryTime(t *testing.T) {
	first, err := Ignition(config.Stable)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if again, err := Ignition(config.Stable); err != nil || string(again) != string(first) {
			t.Fatalf("the schema is another one, or there is an error: %v", err)
		}
	}
}

func TestEverythingIsDescribed(t *testing.T) {
	type described struct {
		Ref                     string `json:"$ref"`
		Description             string
		Properties, Definitions map[string]*described
	}
	var check func(path string, d *described) int
	check = func(path string, d *described) int {
		count := 1
		if d.Description == "" && d.Ref == "" {
			t.Errorf("%s has no description", path)
		}
		for name, p := range union(d.Properties, d.Definitions) {
			count += check(path+"."+name, p)
		}
		return count
	}
	for _, d := range butane.Dialects() {
		root := new(described)
		text, err := Butane(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, root); err != nil {
			t.Fatal(err)
		}
		if count := check(d.String(), root); count < 100 {
			t.Errorf("%s: only %d descriptions were looked for", d.String(), count)
		}
	}
}

func TestDescriptionsInButaneHaveItsNames(t *testing.T) {
	inSpec, inButane := describe("Partition.shouldExist"), describeInButane("Partition.shouldExist")
	if !strings.Contains(inSpec, "wipePartitionEntry is true") {
		t.Errorf("in the spec: %q", inSpec)
	}
	if !strings.Contains(inButane, "wipe_partition_entry is true") || strings.Contains(inButane, "wipePartitionEntry") {
		t.Errorf("in Butane: %q", inButane)
	}
	if got := describeInButane("Partition.sizeMiB"); !strings.HasPrefix(got, "size_mib is") || !strings.Contains(got, "in MiB") {
		t.Errorf("in Butane: %q", got)
	}
}
