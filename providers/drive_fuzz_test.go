package providers

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"
)

// seeds are images, cut to what fuzzing can deal with.
func seeds(f *testing.F, makers ...string) {
	for _, maker := range makers {
		content := image{maker, "cidata", map[string]string{"user-data": plain, openStackFile: plain}}.bytes(f)
		f.Add(content[:min(len(content), 80<<10)])
	}
}

// reads looks for files on a volume that may be anything. It must end, and no
// file can be larger than what it is on.
func reads(t *testing.T, v volume, err error, size int) {
	if err != nil {
		t.Fatalf("the device has no errors: %v", err)
	}
	if v == nil {
		return
	}
	for _, name := range []string{"user-data", openStackFile} {
		text, err := v.read(name)
		if len(text) > size {
			t.Fatalf("%s has %d bytes on a device of %d", name, len(text), size)
		}
		if err != nil && !errors.Is(err, errDamaged) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errors.ErrUnsupported) && !strings.Contains(err.Error(), "it is a directory") {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for _, label := range v.labels() {
		if len(label) > 100 {
			t.Fatalf("the label has %d bytes", len(label))
		}
	}
}

func FuzzISO(f *testing.F) {
	seeds(f, "genisoimage", "genisoimage -r", "genisoimage -J", "xorriso -r -J")
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := openISO(bytes.NewReader(b), int64(len(b)))
		reads(t, v, err, len(b))
	})
}

func FuzzFAT(f *testing.F) {
	seeds(f, "12", "16")
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := openFAT(bytes.NewReader(b), int64(len(b)))
		reads(t, v, err, len(b))
	})
}

func FuzzUDF(f *testing.F) {
	content := image{"genisoimage -udf", "cidata", map[string]string{"user-data": plain}}.bytes(f)
	f.Add(content[:600<<10])
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := openUDF(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if v != nil && len(v.labels()[0]) > 400 {
			t.Fatalf("the label has %d bytes", len(v.labels()[0]))
		}
	})
}

func FuzzLease(f *testing.F) {
	f.Add("SERVER_ADDRESS=10.0.0.1\n")
	f.Add("  option dhcp-server-identifier 10.1.1.8;\n")
	f.Add("dhcp_server_identifier=fe80::1\n")
	f.Fuzz(func(t *testing.T, text string) {
		// It becomes part of a URL.
		if strings.ContainsAny(leaseServer(text), "/@?#% \n") {
			t.Fatalf("the server is %q", leaseServer(text))
		}
	})
}

func FuzzOVF(f *testing.F) {
	f.Add(azureDescription("<ns1:CustomData>eA==</ns1:CustomData>"))
	f.Add("<CustomData a='b' >x</CustomData>")
	f.Fuzz(func(t *testing.T, text string) {
		content, ok := element(text, "CustomData")
		if ok && (strings.Contains(content, "<") || !strings.Contains(text, content+"</")) {
			t.Fatalf("the element is %q", content)
		}
	})
}
