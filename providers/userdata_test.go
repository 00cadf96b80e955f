package providers

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"path/filepath"
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

func TestPlatformsUserDataIsUnpacked(t *testing.T) {
	for name, text := range map[string]string{"plain": plainConfig, "gzip in base64": wrapped(gzipped(t, plainConfig)), "byte-order mark": "\xef\xbb\xbf" + plainConfig} {
		data, err := userConfig(t.Context(), newEnv(t), text)
		if err != nil || string(data.Text) != plainConfig {
			t.Errorf("%s: got %+v, %v", name, data, err)
		}
	}
	half := gzipped(t, plainConfig)[:20]
	if _, err := userConfig(t.Context(), newEnv(t), half); err == nil || !strings.Contains(err.Error(), "this is gzip that cannot be unpacked: it ends too early") || report.KindOf(err) != report.KindConfig {
		t.Error(err)
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
