package providers

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/firstlight-os/firstlight/report"
)

// An encoded config is one beside which its platform says how it is encoded.
type encoded struct {
	data, encoding string
	// from says where it was found.
	from string
}

// encodings are how a config may be encoded; the names are those of the reference.
var encodings = []struct {
	names        string
	gzip, base64 bool
}{
	{"base64, b64", false, true},
	{"gzip, gz", true, false},
	{"gzip+base64, gz+base64, gzip+b64, gz+b64", true, true},
}

// decode undoes base64. What is compressed is unpacked for all platforms alike,
// but has to be so if it is said.
func (e encoded) decode() ([]byte, error) {
	text, gzip := []byte(e.data), false
	if e.encoding != "" {
		var base64, known bool
		if gzip, base64, known = lookEncoding(e.encoding); !known {
			return nil, &report.Error{Err: fmt.Errorf("%s has the encoding %q, which is not known", e.from, e.encoding), Hint: "use one of: " + knownEncodings()}
		}
		if base64 {
			var err error
			if text, err = decodeBase64(text); err != nil {
				return nil, &report.Error{Doing: fmt.Sprintf("decoding %s, encoded as %q", e.from, e.encoding), Err: err}
			}
		}
	}
	if gzip && len(text) > 0 && !bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
		return nil, &report.Error{Err: fmt.Errorf("%s has the encoding %q, but is not compressed by gzip", e.from, e.encoding), Hint: "compress the config by gzip, or change the encoding"}
	}
	return text, nil
}

func lookEncoding(name string) (gzip, base64, known bool) {
	for _, e := range encodings {
		for n := range strings.SplitSeq(e.names, ", ") {
			if n == name {
				return e.gzip, e.base64, true
			}
		}
	}
	return false, false, false
}

func knownEncodings() string {
	var names []string
	for _, e := range encodings {
		names = append(names, e.names)
	}
	return strings.Join(names, ", ")
}
