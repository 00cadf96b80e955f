package doc

import "testing"

func sampleField(t *testing.T, fields []Field, name string) *Field {
	t.Helper()
	for i := range fields {
		if fields[i].Name == name {
			return &fields[i]
		}
	}
	t.Fatalf("there is no field %s", name)
	return nil
}

func TestFields(t *testing.T) {
	fields := FieldsOf(sampleType)
	if len(fields) != sampleType.NumField()-1 || fields[0].Name != "name" || fields[0].Index != 1 {
		t.Errorf("%d fields, the first is %+v", len(fields), fields[0])
	}
	for name, want := range map[string]Kind{
		"name": String, "level": Number, "on": Bool, "sizeMiB": Number, "note": String, "given": Bool, "tags": List, "inner": Map, "left": List,
	} {
		f := sampleField(t, fields, name)
		if f.Kind != want || KindOf(f.Type) != want || f.IsList() != (want == List) || f.IsObject() != (want == Map) {
			t.Errorf("%s is %s of type %s", name, f.Kind, f.Type)
		}
	}
	if f := sampleField(t, fields, "tags"); f.Item.Kind != String || f.Key != "." || f.Shared {
		t.Errorf("tags: %+v", f)
	}
	if f := sampleField(t, fields, "left"); !f.Item.IsObject() || f.Item.Fields[0].Name != "path" || f.Key != "path" || !f.Shared {
		t.Errorf("left: %+v", f)
	}
	if f := sampleField(t, fields, "inner"); f.Fields[0].Fields[0].Name != "value" || f.Item != nil {
		t.Errorf("inner: %+v", f)
	}
}

func TestSince(t *testing.T) {
	fields := FieldsOf(sampleType)
	root := read(t, `{"merge":[{}],"data":{},"note":""}`)
	hash := &sampleField(t, fields, "data").Fields[0]
	for _, c := range []struct {
		f    *Field
		in   *Node
		want Version
	}{
		{sampleField(t, fields, "name"), root, 0},
		{sampleField(t, fields, "note"), root, V3_2},
		{hash, root.Member("data"), 0},
		{hash, root.Member("merge").Items[0], V3_1},
		{hash, &Node{Key: "certificate_authorities"}, V3_1},
	} {
		if got := c.f.SinceIn(c.in); got != c.want {
			t.Errorf("%s in %s exists since %s, want %s", c.f.Name, c.in.Path(), got, c.want)
		}
	}
}

func TestUnknownVersionsInTagsAreMistakes(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("version 9.9.9 is known")
		}
	}()
	new(Field).readTag("since=9.9.9")
}

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		list, item, key string
		ok              bool
	}{
		{"options", `"a"`, "", false},
		{"tags", `"a"`, "a", true},
		{"left", `{"path":"/a"}`, "/a", true},
		{"left", `{}`, "", true},
		{"parts", `{"number":1,"label":"a"}`, "number 1", true},
		{"parts", `{"number":0,"label":"1"}`, "label 1", true},
		{"parts", `{"label":""}`, "label ", true},
		{"parts", `{}`, "", true},
	} {
		key, ok := sampleField(t, FieldsOf(sampleType), c.list).KeyOf(read(t, c.item))
		if key != c.key || ok != c.ok {
			t.Errorf("%s in %s: %q, %v", c.item, c.list, key, ok)
		}
	}
}

func TestSnake(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "path": "path", "sizeMiB": "size_mib", "startMiB": "start_mib", "typeGuid": "type_guid", "shouldNotExist": "should_not_exist", "sshAuthorizedKeys": "ssh_authorized_keys", "tpm2": "tpm2",
	} {
		if got := Snake(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
