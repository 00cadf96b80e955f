package check

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
)

// PackFormats are the ways to pack a config for user data: the encodings of each, in
// their order.
var PackFormats = map[string][]func([]byte) ([]byte, error){
	"json":        nil,
	"gzip":        {gzipText},
	"base64":      {base64Text},
	"gzip+base64": {gzipText, base64Text},
}

// Pack packs JSON in one of PackFormats.
func Pack(text []byte, format string) (packed []byte, err error) {
	packed = text
	for _, encode := range PackFormats[format] {
		if packed, err = encode(packed); err != nil {
			return nil, err
		}
	}
	return packed, nil
}

func gzipText(text []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(text)
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
}

func base64Text(text []byte) ([]byte, error) {
	return []byte(base64.StdEncoding.EncodeToString(text) + "\n"), nil
}
