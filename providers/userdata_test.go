package providers

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

const plainConfig = `{"ignition": {"version": "3.4.0"}}`

func gzipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

func inBase64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// wrapped has line ends as the program base64 makes them.
func wrapped(text string) string {
	var b strings.Builder
	for i, c := range inBase64(text) {
		if i > 0 && i%76 == 0 {
			b.WriteByte('\n')
		}
		b.WriteRune(c)
	}
	return b.String() + "\n"
}

func TestUserDataIsDecoded(t *testing.T) {
	long := strings.Replace(plainConfig, "}}", `}, "x": "`+strings.Repeat("\xc3\xbf>?", 100)+`"}`, 1)
	const butane = "# a comment\nvariant: fcos\nversion: 1.5.0\n"
	for name, c := range map[string]struct {
		text, want string
		encodings  []string
	}{
		"none":                   {plainConfig, plainConfig, nil},
		"Butane":                 {butane, butane, nil},
		"white space":            {"\r\n\t " + plainConfig + " \n", "\r\n\t " + plainConfig + " \n", nil},
		"byte-order mark":        {"\xef\xbb\xbf" + plainConfig, plainConfig, nil},
		"NULs":                   {"\x00\x00" + plainConfig + "\n\x00\x00\x00", plainConfig + "\n", nil},
		"gzip":                   {gzipped(t, plainConfig), plainConfig, []string{"gzip"}},
		"gzip on a device":       {gzipped(t, plainConfig) + "\x00\x00\x00", plainConfig, []string{"gzip"}},
		"gzip of two members":    {gzipped(t, plainConfig[:9]) + gzipped(t, plainConfig[9:]), plainConfig, []string{"gzip"}},
		"gzip after a line":      {"\n" + gzipped(t, plainConfig), plainConfig, []string{"gzip"}},
		"base64":                 {inBase64(plainConfig), plainConfig, []string{"base64"}},
		"base64 without padding": {strings.TrimRight(inBase64(plainConfig), "="), plainConfig, []string{"base64"}},
		"base64 in lines":        {wrapped(long), long, []string{"base64"}},
		"base64 for URLs":        {base64.URLEncoding.EncodeToString([]byte(long)), long, []string{"base64"}},
		"base64 of Butane":       {inBase64(butane), butane, []string{"base64"}},
		"gzip in base64":         {wrapped(gzipped(t, long)), long, []string{"base64", "gzip"}},
		"base64 in base64":       {inBase64(inBase64(plainConfig)), plainConfig, []string{"base64", "base64"}},
		"three":                  {gzipped(t, inBase64(gzipped(t, long))), long, []string{"gzip", "base64", "gzip"}},
		"a word that is base64":  {"word", "word", nil},
		"nothing":                {"", "", nil},
		"only padding":           {" \n\x00\x00", "", nil},
		"compressed padding":     {gzipped(t, "\n"), "", []string{"gzip"}},
	} {
		got, encodings, err := DecodeUserData([]byte(c.text))
		if err != nil || string(got) != c.want || !slices.Equal(encodings, c.encodings) {
			t.Errorf("%s: got %q, %v, %v", name, got, encodings, err)
		}
	}
}

func TestUserDataThatCannotBeDecoded(t *testing.T) {
	deep := plainConfig
	for range maxEncodings + 1 {
		deep = gzipped(t, deep)
	}
	half := gzipped(t, "secret "+plainConfig)
	for name, c := range map[string]struct{ text, want string }{
		"half a gzip":       {half[:len(half)/2], "decoding gzip: it ends too early"},
		"gzip's checksum":   {half[:len(half)-6] + "xxxxxx", "decoding gzip: its checksum is wrong"},
		"more after a gzip": {half + "junk, more junk", "decoding gzip: it does not begin like gzip"},
		"too deep":          {deep, "it is encoded more than 4 times: gzip, gzip, gzip, gzip"},
	} {
		_, _, err := DecodeUserData([]byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestGzipBombDoesNotFillMemory(t *testing.T) {
	if testing.Short() {
		return
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	zeroes := make([]byte, 1<<20)
	for range maxConfig>>20 + 1 {
		w.Write(zeroes)
	}
	w.Close()
	if _, _, err := DecodeUserData(b.Bytes()); err == nil || !strings.Contains(err.Error(), "it has more than 256 MiB") {
		t.Error(err)
	}
}

func TestUserDataForOtherToolsIsAnError(t *testing.T) {
	for begin, want := range map[string]string{
		"#cloud-config\nusers: []":                         "this is a cloud-config for cloud-init",
		"#!/bin/sh\nreboot":                                "this is a script, and no config for this machine",
		"Content-Type: multipart/mixed; boundary=x\n\n--x": "a multi-part archive for cloud-init",
		gzipped(t, "#cloud-config\n"):                      "a cloud-config",
	} {
		env := newEnv(t)
		_, err := userConfig(t.Context(), env, begin)
		box := report.Box("fetch", err)
		if !strings.Contains(strings.Join(strings.Fields(strings.ReplaceAll(box, "|", " ")), " "), want) || !strings.Contains(box, "Ignition or Butane config") {
			t.Errorf("%q: %s", begin, box)
		}
	}
}

func TestDeletedConfigAndPaddingAreNoConfig(t *testing.T) {
	for text, want := range map[string]string{
		"{}":             "was used and deleted by an earlier first boot",
		inBase64("{}\n"): "was used and deleted by an earlier first boot",
		"\n":             "has only white space or NULs",
		"\x00\x00\x00":   "has only white space or NULs",
		"":               "",
	} {
		var log bytes.Buffer
		env := newEnv(t)
		env.Log = report.NewWriterLogger(&log)
		data, err := userConfig(t.Context(), env, text)
		if err != nil || len(data.Text) > 0 || data.Source != "test" || !strings.Contains(log.String(), want) {
			t.Errorf("%q: got %+v, %v, log %s", text, data, err, &log)
		}
	}
}

func FuzzDecodeUserData(f *testing.F) {
	f.Add([]byte(plainConfig))
	f.Add([]byte(wrapped(gzipped(f, plainConfig))))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, encodings, err := DecodeUserData(text)
		if err == nil && (len(encodings) > maxEncodings || !bytes.Equal(got, clean(got))) {
			t.Errorf("%q, %v", got, encodings)
		}
	})
}

func TestEmptyConfigThatWasPromisedIsAnError(t *testing.T) {
	for _, text := range []string{"\n", "{}", "\x00", inBase64("{}")} {
		env := newEnv(t)
		testkit.WriteFile(t, filepath.Join(env.Dirs[1], "user.ign"), text)
		_, err := userConfig(t.Context(), env, plainConfig)
		if err == nil || !strings.Contains(err.Error(), "it is empty") || report.KindOf(err) != report.KindConfig {
			t.Errorf("%q: %v", text, err)
		}
	}
}
