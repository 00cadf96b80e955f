package providers

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
)

// UserData is a config as it was found.
type UserData struct {
	Text []byte
	// Name says which config this is, in messages and in origins.
	Name string
	// Source is where it came from, in one word: cmdline, system or a platform ID.
	Source string
	// Files are what the platform hands over only once and the machine's own
	// system will look for; the files stage writes them.
	Files []OutputFile
}

// An OutputFile is written below the machine's root.
type OutputFile struct {
	Path string
	Text []byte
	Mode uint32
}

// maxEncodings bounds how often a config is encoded.
const maxEncodings = 4

// padding is what may be around a text without a meaning.
const padding = "\x00 \t\r\n"

// byteOrderMark is what some editors begin a text with.
var byteOrderMark = []byte("\xef\xbb\xbf")

// DecodeUserData undoes what a config was encoded with, on any platform: gzip
// (RFC 1952) and base64 (RFC 4648). It returns the names of these encodings, the
// outermost first. A byte-order mark and NULs around the text are removed, and
// nothing is left of a text of padding.
func DecodeUserData(text []byte) (plain []byte, encodings []string, err error) {
	for {
		encoding, decoded, err := decodeOnce(bytes.TrimLeft(text, padding))
		if err != nil {
			return nil, encodings, &report.Error{Doing: "decoding " + encoding, Err: err, Hint: "pack it again: firstlightctl pack CONFIG"}
		}
		if encoding == "" {
			return clean(text), encodings, nil
		}
		if len(encodings) == maxEncodings {
			return nil, encodings, fmt.Errorf("it is encoded more than %d times: %s", maxEncodings, strings.Join(encodings, ", "))
		}
		text, encodings = decoded, append(encodings, encoding)
	}
}

func trim(text []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(bytes.Trim(text, padding), byteOrderMark), padding)
}

// clean removes what no config may hold. White space stays, so that the lines
// of the config are counted as its author sees them.
func clean(text []byte) []byte {
	if len(trim(text)) == 0 {
		return nil
	}
	return bytes.TrimPrefix(bytes.Trim(text, "\x00"), byteOrderMark)
}

// decodeOnce undoes one encoding, "" if there is none.
func decodeOnce(text []byte) (encoding string, decoded []byte, err error) {
	if bytes.HasPrefix(text, []byte("\x1f\x8b")) {
		decoded, err = gunzip(text)
		return "gzip", decoded, err
	}
	if decoded, ok := fromBase64(trim(text)); ok {
		return "base64", decoded, nil
	}
	return "", nil, nil
}

// gunzip decompresses all members of a gzip. Padding may follow them, such as
// the NULs that fill a device.
func gunzip(text []byte) ([]byte, error) {
	rest := bytes.NewReader(text)
	r, err := gzip.NewReader(rest)
	var plain []byte
	for err == nil {
		r.Multistream(false)
		member, failure := readLimited(r, maxConfig-len(plain))
		if failure != nil {
			return nil, failure
		}
		plain = append(plain, member...)
		if len(bytes.Trim(text[len(text)-rest.Len():], padding)) == 0 {
			return plain, nil
		}
		err = r.Reset(rest)
	}
	return nil, plainGzip(err)
}

// plainGzip returns an error of package gzip in words.
func plainGzip(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends too early")
	case errors.Is(err, gzip.ErrHeader):
		return errors.New("it does not begin like gzip")
	case errors.Is(err, gzip.ErrChecksum):
		return errors.New("its checksum is wrong")
	}
	return err
}

// readLimited reads a compressed stream, which may be of any size.
func readLimited(r io.Reader, limit int) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if len(text) > limit {
		return nil, fmt.Errorf("it has more than %d MiB", maxConfig>>20)
	}
	return text, plainGzip(err)
}

// fromBase64 decodes a text if it is base64, of either alphabet, with or without
// padding and line ends, and if the result is a config or encoded again: most
// short words are base64, too.
func fromBase64(text []byte) ([]byte, bool) {
	if len(text) == 0 || bytes.ContainsAny(text[:1], "{[#\"") || bytes.IndexByte(text, ':') >= 0 {
		return nil, false
	}
	dense := strings.TrimRight(strings.Join(strings.Fields(string(text)), ""), "=")
	alphabet := base64.RawStdEncoding
	if strings.ContainsAny(dense, "-_") {
		alphabet = base64.RawURLEncoding
	}
	plain, err := alphabet.DecodeString(dense)
	if err != nil {
		return nil, false
	}
	inner := trim(plain)
	for _, begin := range [...]string{"{", "\x1f\x8b", "#", "variant:"} {
		if bytes.HasPrefix(inner, []byte(begin)) {
			return plain, true
		}
	}
	if bytes.Contains(inner, []byte("\nvariant:")) {
		return plain, true
	}
	_, again := fromBase64(inner)
	return plain, again
}

// otherFormats are what other tools take as user data, by how it begins.
var otherFormats = [...]struct{ begin, name string }{
	{"#cloud-config", "a cloud-config for cloud-init"},
	{"#cloud-boothook", "a boot hook for cloud-init"},
	{"#include", "a list of URLs for cloud-init"},
	{"#!", "a script"},
	{"## template:", "a template for cloud-init"},
	{"Content-Type: multipart", "a multi-part archive for cloud-init"},
	{"MIME-Version:", "a multi-part archive for cloud-init"},
	{"<powershell>", "a script for Windows"},
}

// deletedConfig is what ignition-rmcfg leaves where a platform cannot delete.
const deletedConfig = "{}"

// decode returns the user data with its text decoded, empty if there is no
// config.
func (d *UserData) decode(env *Env) (*UserData, error) {
	text, encodings, err := DecodeUserData(d.Text)
	if err != nil {
		return nil, &report.Error{Doing: "reading " + d.Name, Err: err}
	}
	if len(encodings) > 0 {
		env.Log.Info(fmt.Sprintf("%s was encoded: %s", d.Name, strings.Join(encodings, ", ")))
	}
	start := config.Origin{Source: d.Name, Line: 1, Column: 1}
	trimmed := string(trim(text))
	deleted := trimmed == deletedConfig
	switch {
	case d.Source != env.Platform.ID && (trimmed == "" || deleted):
		// The image or the kernel command line has promised a config here.
		return nil, report.Conflict(start, "put a config there, or remove what points to it", "it is empty")
	case len(text) == 0 && len(d.Text) > 0:
		env.Log.Warn(d.Name + " has only white space or NULs; this machine has no config of its own")
	case deleted:
		env.Log.Warn(d.Name + " was used and deleted by an earlier first boot; this machine has no config of its own")
		text = nil
	}
	for _, f := range otherFormats {
		if strings.HasPrefix(trimmed, f.begin) {
			return nil, report.Conflict(start, "give the machine an Ignition or Butane config, or none", "this is %s, and no config for this machine", f.name)
		}
	}
	decoded := *d
	decoded.Text = text
	return &decoded, nil
}
