package fetch

import (
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// A hashError is a resource that is not what the config says.
type hashError struct{ Algorithm, Want, Got string }

func (e *hashError) Error() string {
	return fmt.Sprintf("the %s of what was fetched is not the one in the config:\nwant %s\ngot %s", e.Algorithm, e.Want, e.Got)
}

// A compressionError is a resource that is not compressed as the config says.
type compressionError struct {
	text string
	err  error
}

func (e *compressionError) Error() string { return e.text }
func (e *compressionError) Unwrap() error { return e.err }

// isWrongContents reports whether an error is about the contents of a resource, and not
// about getting or storing them.
func isWrongContents(err error) bool {
	var mismatch *hashError
	var compression *compressionError
	return errors.As(err, &mismatch) || errors.As(err, &compression)
}

// A verifier hashes all bytes that are written to it and then compares.
type verifier struct {
	algorithm, want string
	hash.Hash
}

// newVerifier takes the spec's form "ALGORITHM-HEX". For "" there is none, nil.
func newVerifier(spec string) (*verifier, error) {
	if spec == "" {
		return nil, nil
	}
	algorithm, digits, _ := strings.Cut(spec, "-")
	v := &verifier{algorithm: algorithm, want: strings.ToLower(digits)}
	switch algorithm {
	case "sha512":
		v.Hash = sha512.New()
	case "sha256":
		v.Hash = sha256.New()
	default:
		return nil, fmt.Errorf("the hash %q is of an unknown kind; sha512-... and sha256-... are known", algorithm)
	}
	if raw, err := hex.DecodeString(digits); err != nil || len(raw) != v.Size() {
		return nil, fmt.Errorf("the %s in the config is not %d hexadecimal digits", algorithm, 2*v.Size())
	}
	return v, nil
}

func (v *verifier) verify() error {
	if got := hex.EncodeToString(v.Sum(nil)); got != v.want {
		return &hashError{v.algorithm, v.want, got}
	}
	return nil
}

// decompress returns a reader that undoes the compression named in the config.
func decompress(r io.Reader, compression string) (io.Reader, error) {
	switch compression {
	case "":
		return r, nil
	case "gzip":
		z, err := gzip.NewReader(r)
		if err == io.ErrUnexpectedEOF {
			err = gzip.ErrHeader // shorter than any header
		}
		if err != nil {
			return nil, explainGzip(err)
		}
		return &gzipReader{z}, nil
	}
	return nil, fmt.Errorf("compression %q is not known; gzip is", compression)
}

// A gzipReader reads a gzip stream, with errors for people.
type gzipReader struct{ io.Reader }

func (z *gzipReader) Read(p []byte) (int, error) {
	n, err := z.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = explainGzip(err)
	}
	return n, err
}

// explainGzip says what is wrong with compressed data. Errors of what they are read
// from stay as they are.
func explainGzip(err error) error {
	var corrupt flate.CorruptInputError
	text := ""
	switch {
	case err == io.EOF:
		text = "it is empty"
	case err == io.ErrUnexpectedEOF:
		text = "it ends too early"
	case err == gzip.ErrHeader:
		text = "it does not begin like that"
	case err == gzip.ErrChecksum:
		text = "its checksum is wrong"
	case errors.As(err, &corrupt):
		text = fmt.Sprintf("it is damaged before byte %d", int64(corrupt))
	default:
		return err
	}
	return &compressionError{"the config says that it is compressed with gzip, but " + text, err}
}
