package schema

import (
	"slices"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
)

func TestLanguageKnowsWhatCanBeAtAPath(t *testing.T) {
	fcos, spec := OfDialect(dialect(t, "fcos 1.5.0")), OfSpec(config.V3_4)
	for _, c := range []struct {
		of   *Language
		path []string
		want Place
	}{
		{fcos, []string{"storage", "files", "mode"}, Place{Name: "mode", Type: "integer"}},
		{fcos, []string{"storage", "files", "path"}, Place{Name: "path", Type: "string", Required: true}},
		{fcos, []string{"storage", "files", "overwrite"}, Place{Name: "overwrite", Type: "boolean", Values: []string{"true", "false"}}},
		{fcos, []string{"variant"}, Place{Name: "variant", Type: "string", Required: true, Values: []string{"fcos"}}},
		{spec, []string{"storage", "filesystems", "format"}, Place{Name: "format", Type: "string", Values: config.FilesystemFormats(config.V3_4)}},
		{spec, []string{"kernelArguments", "shouldExist"}, Place{Name: "shouldExist", Type: "list of strings", List: true}},
		{fcos, []string{"boot_device", "luks"}, Place{Name: "luks", Type: "BootLuks", Keys: []string{"tang", "threshold", "tpm2", "discard"}}},
		{spec, []string{"systemd", "units"}, Place{Name: "units", Type: "list of Unit", List: true, Keys: []string{"name", "contents", "dropins", "enabled", "mask"}}},
	} {
		got := c.of.At(c.path...)
		if got == nil || got.Description == "" {
			t.Errorf("%s: there is no description in %+v", c.path, got)
			continue
		}
		c.want.Description = got.Description
		if got.Name != c.want.Name || got.Type != c.want.Type || got.Required != c.want.Required || got.List != c.want.List ||
			!slices.Equal(got.Values, c.want.Values) || !slices.Equal(got.Keys, c.want.Keys) {
			t.Errorf("%s:\n got %+v\nwant %+v", c.path, *got, c.want)
		}
	}
	if got := fcos.At("storage", "disks", "partitions", "sizeMiB"); got != nil {
		t.Errorf("Butane has a key of the spec: %+v", got)
	}
	if root := spec.At(); root == nil || !slices.Contains(root.Keys, "storage") {
		t.Errorf("of the root: %+v", root)
	}
}

func TestLanguageKnowsSinceWhenAKeyExists(t *testing.T) {
	openshift := OfDialect(dialect(t, "openshift 4.14.0"))
	for _, c := range []struct {
		of   *Language
		path []string
		want string
	}{
		{OfDialect(dialect(t, "fcos 1.7.0")), []string{"systemd", "units", "contents_local"}, "1.5.0"},
		{openshift, []string{"grub"}, "4.14.0"},
		{OfSpec(config.V3_5), []string{"kernelArguments"}, "3.3.0"},
		{OfSpec(config.V3_5), []string{"storage", "files", "mode"}, "3.0.0"},
		{OfSpec(config.V3_5), []string{"nothing"}, ""},
		{OfExtended(config.V3_7Experimental), []string{"firstlight", "disks", "match", "serial"}, "3.6.0+firstlight.1"},
		{OfExtended(config.V3_6), []string{"kernelArguments"}, "3.3.0"},
		{OfSpec(config.V3_6), []string{"firstlight"}, ""},
		{OfDialect(dialect(t, "firstlight 1.0.0")), []string{"storage", "disks", "pick"}, "1.0.0"},
		{OfDialect(dialect(t, "firstlight 1.0.0")), []string{"params", "hostname", "type"}, "1.0.0"},
		{OfDialect(dialect(t, "firstlight 1.0.0")), []string{"params", "hostname", "typ"}, ""},
	} {
		if got := c.of.Since(c.path...); got != c.want {
			t.Errorf("%s: since %q, want %q", c.path, got, c.want)
		}
	}
}

func TestLanguageKnowsWhatNamesLeadTo(t *testing.T) {
	l := OfDialect(dialect(t, "firstlight 1.0.0"))
	if p := l.At("params"); p.Type != "Param by name" || p.Keys != nil || p.List {
		t.Errorf("params: %+v", p)
	}
	if p := l.At("params", "x"); p.Type != "Param" || !slices.Equal(p.Keys, []string{"type", "default", "description"}) || p.Description != "A Param declares a parameter." {
		t.Errorf("params.x: %+v", p)
	}
	if p := l.At("params", "x", "type"); p.Name != "type" || !slices.Equal(p.Values, butane.ParamTypes()) {
		t.Errorf("params.x.type: %+v", p)
	}
}
