package providers

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestReadOnceIsCached(t *testing.T) {
	env, log := newLoggedEnv(t)
	reads := 0
	read := func() ([]byte, error) {
		if reads++; reads > 1 {
			return nil, nil // nothing is left
		}
		return []byte("secret"), nil
	}
	for range 2 {
		if text, err := readOnce(env, "test", read); err != nil || string(text) != "secret" {
			t.Errorf("got %q, %v", text, err)
		}
	}
	name := filepath.Join(env.Root, "run/ignition/provider-test")
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 || reads != 1 {
		t.Errorf("cached as %v, %v after %d reads", info, err, reads)
	}
	if strings.Contains(log.String(), "secret") || !strings.Contains(log.String(), "provider-test") {
		t.Errorf("log %q", log)
	}
}

func TestReadOnceWithoutItsCache(t *testing.T) {
	env, log := newLoggedEnv(t)
	testkit.WriteFile(t, filepath.Join(env.Root, "run"), "in the way")
	if _, err := readOnce(env, "test", nil); err == nil || !strings.Contains(err.Error(), "reading the cached data of the platform") {
		t.Errorf("got %v", err)
	}
	os.Remove(filepath.Join(env.Root, "run"))
	os.Symlink("/proc/nowhere", filepath.Join(env.Root, "run"))
	text, err := readOnce(env, "test", func() ([]byte, error) { return []byte("text"), nil })
	if err != nil || string(text) != "text" || !strings.Contains(log.String(), "WARNING  : caching what the platform hands over only once: ") {
		t.Errorf("got %q, %v, log %q", text, err, log)
	}
	bad := errors.New("bad")
	if _, err := readOnce(env, "test", func() ([]byte, error) { return nil, bad }); err != bad {
		t.Errorf("got %v", err)
	}
}
