package providers

import (
	"bytes"
	"fmt"

	"github.com/firstlight-os/firstlight/internal/report"
)

// An encoded config is one beside which its platform says how it is encoded.
type encoded struct {
	data, encoding string
	// from says where it was found.
	from string
}

const knownEncodings = "base64, b64, gzip, gz, gzip+base64, gz+base64, gzip+b64, gz+b64"

// decode undoes base64. What is compressed is unpacked for all platforms alike,
// but has to be compressed if the encoding says so.
func (e encoded) decode() ([]byte, error) {
	var gzip, base64 bool
	switch e.encoding {
	case "":
	case "base64", "b64":
		base64 = true
	case "gzip", "gz":
		gzip = true
	case "gzip+base64", "gz+base64", "gzip+b64", "gz+b64":
		gzip, base64 = true, true
	default:
		return nil, e.wrong(fmt.Errorf("the encoding %q is not known", e.encoding), "use one of: "+knownEncodings)
	}
	text := []byte(e.data)
	if base64 {
		var err error
		if text, err = decodeBase64(text); err != nil {
			return nil, e.wrong(err, "")
		}
	}
	if gzip && len(text) > 0 && !bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
		return nil, e.wrong(fmt.Errorf("it is not compressed by gzip, as its encoding %q says", e.encoding), "compress the config by gzip, or change the encoding")
	}
	return text, nil
}

func (e encoded) wrong(err error, hint string) error {
	return &report.Error{Doing: "decoding " + e.from, Err: err, Hint: hint}
}
