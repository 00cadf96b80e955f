package providers

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

const plainConfig = `{"ignition": {"version": "3.4.0"}}`

func TestPlatformsUserDataIsUnpacked(t *testing.T) {
	for name, text := range map[string]string{"plain": plainConfig, "gzip in base64": testkit.WrappedBase64(testkit.Gzip(plainConfig)), "byte-order mark": "\xef\xbb\xbf" + plainConfig} {
		data, err := userConfig(t.Context(), newEnv(t), text)
		if err != nil || string(data.Text) != plainConfig {
			t.Errorf("%s: got %+v, %v", name, data, err)
		}
	}
	half := testkit.Gzip(plainConfig)[:20]
	if _, err := userConfig(t.Context(), newEnv(t), half); err == nil || !strings.Contains(err.Error(), "this is gzip that cannot be unpacked: it ends too early") || report.KindOf(err) != report.KindConfig {
		t.Error(err)
	}
}

func TestDeletedConfigAndPaddingAreNoConfig(t *testing.T) {
	for text, want := range map[string]string{
		"{}":                   "was used and deleted by an earlier first boot",
		testkit.Base64("{}\n"): "was used and deleted by an earlier first boot",
		"\n":                   "has only white space or NULs",
		"\x00\x00\x00":         "has only white space or NULs",
		"":                     "",
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
	for _, text := range []string{"\n", "{}", "\x00", testkit.Base64("{}")} {
		env := newEnv(t)
		testkit.WriteFile(t, filepath.Join(env.Dirs[1], "user.ign"), text)
		_, err := userConfig(t.Context(), env, plainConfig)
		if err == nil || !strings.Contains(err.Error(), "it is empty") || report.KindOf(err) != report.KindConfig {
			t.Errorf("%q: %v", text, err)
		}
	}
}
