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

// Platforms limit the size of user data, and some take text only. Whatever
// somebody has packed a config in, on any platform, is taken off here: gzip
// (RFC 1952) and base64 (RFC 4648), white space, a byte-order
// mark and the NULs that fill up a device.

// maxLayers bounds how often something is packed in something else.
const maxLayers = 4

// DecodeUserData takes off the layers around a config, and names them from the outside.
// Nothing is left of a text that is only filling.
func DecodeUserData(text []byte) (plain []byte, layers []string, err error) {
	for {
		name, inside, err := unpack(bytes.TrimLeft(text, filling))
		if err != nil {
			return nil, layers, &report.Error{Doing: "unpacking " + name, Err: err, Hint: "pack it anew: firstlightctl pack CONFIG"}
		}
		if name == "" {
			return clean(text), layers, nil
		}
		if len(layers) == maxLayers {
			return nil, layers, fmt.Errorf("it is packed more than %d times: %s", maxLayers, strings.Join(layers, ", "))
		}
		text, layers = inside, append(layers, name)
	}
}

// filling is what may be around a text without meaning anything.
const filling = "\x00 \t\r\n"

func trim(text []byte) []byte {
	text = bytes.Trim(text, filling)
	return bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), filling)
}

// clean takes off what no config may hold. White space stays, so that the lines
// of the config are counted as its author sees them.
func clean(text []byte) []byte {
	if len(trim(text)) == 0 {
		return nil
	}
	return bytes.TrimPrefix(bytes.Trim(text, "\x00"), []byte("\xef\xbb\xbf"))
}

// unpack takes off one layer and names it. Without one the name is "". What is
// compressed knows its own end.
func unpack(text []byte) (name string, inside []byte, err error) {
	if bytes.HasPrefix(text, []byte("\x1f\x8b")) {
		inside, err = gunzip(text)
		return "gzip", inside, err
	}
	if inside, ok := fromBase64(trim(text)); ok {
		return "base64", inside, nil
	}
	return "", nil, nil
}

func gunzip(text []byte) ([]byte, error) {
	rest := bytes.NewReader(text)
	r, err := gzip.NewReader(rest)
	var plain []byte
	for err == nil {
		r.Multistream(false)
		member, lost := bounded(r, maxConfig-len(plain))
		if lost != nil {
			return nil, lost
		}
		plain = append(plain, member...)
		if len(bytes.Trim(text[len(text)-rest.Len():], filling)) == 0 { // a device is filled up
			return plain, nil
		}
		err = r.Reset(rest)
	}
	return nil, err
}

// bounded reads a stream that was compressed, and may be as large as it likes.
func bounded(r io.Reader, most int) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if len(text) > most {
		return nil, fmt.Errorf("there is more than %d MiB in it", maxConfig>>20)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends too early")
	}
	return text, err
}

// fromBase64 decodes a text if it is base64, of either alphabet, with or without
// padding and line ends, and if there is a config in it or another layer: most
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
	inside := trim(plain)
	for _, begin := range [...]string{"{", "\x1f\x8b", "#", "variant:"} {
		if bytes.HasPrefix(inside, []byte(begin)) {
			return plain, true
		}
	}
	if bytes.Contains(inside, []byte("\nvariant:")) {
		return plain, true
	}
	_, again := fromBase64(inside)
	return plain, again
}

// foreign are the beginnings of what other tools take as user data.
var foreign = [...]struct{ begin, what string }{
	{"#cloud-config", "a cloud-config for cloud-init"},
	{"#cloud-boothook", "a boot hook for cloud-init"},
	{"#include", "a list of URLs for cloud-init"},
	{"#!", "a script"},
	{"## template:", "a template for cloud-init"},
	{"Content-Type: multipart", "a multi-part archive for cloud-init"},
	{"MIME-Version:", "a multi-part archive for cloud-init"},
	{"<powershell>", "a script for Windows"},
}

// deleted is what ignition-rmcfg leaves where a platform cannot forget a config.
const deleted = "{}"

// open takes the layers off a config that a source has given. Nil means that
// there is none.
func (raw *UserData) open(env *Env, platform string) (*UserData, error) {
	text, layers, err := DecodeUserData(raw.Text)
	if err != nil {
		return nil, &report.Error{Doing: "reading " + raw.Name, Err: err}
	}
	if len(layers) > 0 {
		env.Log.Info(fmt.Sprintf("%s was packed: %s", raw.Name, strings.Join(layers, ", ")))
	}
	switch {
	case raw.Source != platform && (len(trim(text)) == 0 || string(trim(text)) == deleted):
		// Somebody has promised a config here.
		return nil, report.Conflict(config.Origin{Source: raw.Name, Line: 1, Column: 1}, "put a config there, or remove what points to it", "there is nothing in it")
	case len(text) == 0 && len(raw.Text) > 0:
		env.Log.Warn(raw.Name + " has nothing in it but white space or NULs; this machine has no config of its own")
	case string(trim(text)) == deleted:
		env.Log.Warn(raw.Name + " was used and deleted by an earlier first boot; this machine has no config of its own")
		text = nil
	}
	for _, f := range foreign {
		if bytes.HasPrefix(trim(text), []byte(f.begin)) {
			return nil, report.Conflict(config.Origin{Source: raw.Name, Line: 1, Column: 1}, "give the machine an Ignition or Butane config, or none",
				"this is %s, and no config for this machine", f.what)
		}
	}
	opened := *raw
	opened.Text = text
	return &opened, nil
}
