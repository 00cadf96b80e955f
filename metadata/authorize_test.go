package metadata

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/providers"
)

// atHetzner is a machine there with keys, and the fields of what it logs at a MESSAGE_ID.
func atHetzner(t *testing.T, keys string, log *[]map[string]string) *Machine {
	t.Helper()
	dir := t.TempDir()
	boot, err := system.BootID()
	testkit.NoError(t, err)
	text, err := json.Marshal(map[string]any{"boot": boot, "answers": map[string]any{"http://169.254.169.254/hetzner/v1/metadata/public-keys": map[string]string{"text": keys}}})
	testkit.NoError(t, err)
	testkit.WriteFile(t, filepath.Join(dir, "answers.json"), string(text))
	answers, err := providers.OpenAnswers(t.Context(), dir, "test", nil)
	testkit.NoError(t, err)
	t.Cleanup(func() { testkit.NoError(t, answers.Close(nil)) })
	platform, err := providers.InstanceByID("hetzner")
	testkit.NoError(t, err)
	logger := report.NewFuncLogger(func(_ report.Level, text string, fields map[string]string) {
		if fields["MESSAGE_ID"] != "" {
			fields["MESSAGE"] = text
			*log = append(*log, fields)
		}
	})
	env := &providers.Env{Platform: platform, Log: logger, Fetch: new(fetch.Client)}
	return &Machine{Asker: providers.NewAsker(t.Context(), env, answers), Env: env, Log: logger}
}

func TestKeysAreInTheJournal(t *testing.T) {
	home, before := t.TempDir(), passwdFiles
	passwd := filepath.Join(t.TempDir(), "passwd")
	testkit.WriteFile(t, passwd, fmt.Sprintf("me:x:%d:%d::%s:/bin/sh\n", os.Getuid(), os.Getgid(), home))
	passwdFiles = []string{passwd}
	t.Cleanup(func() { passwdFiles = before })
	at := filepath.Join(home, ".ssh/authorized_keys.d/afterburn")
	for _, tc := range []struct{ keys, id, message, file string }{
		{`["` + key + ` a"]`, "0f7d7a502f2d433caa1323440a6b4190", "wrote ssh authorized keys file for user: me", key + " a\n"},
		{`[]`, "f8b91c53f5544868a3a10d0dcf68e9ea", "removed ssh authorized keys file for user: me", ""},
	} {
		var log []map[string]string
		testkit.NoError(t, writeKeys(t.Context(), atHetzner(t, tc.keys, &log), "me"))
		testkit.Equal(t, "entries", log, []map[string]string{{"MESSAGE_ID": tc.id, "MESSAGE": tc.message, "AFTERBURN_USER_NAME": "me", "AFTERBURN_PATH": at}})
		text, err := os.ReadFile(at)
		testkit.Equal(t, "file", string(text), tc.file)
		testkit.Equal(t, "it is there", err == nil, tc.file != "")
	}
	names, err := os.ReadDir(filepath.Dir(at))
	testkit.NoError(t, err)
	testkit.Equal(t, "what is left", slices.Clip(names), []os.DirEntry{})
}
