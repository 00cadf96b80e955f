package providers

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/hypervisor"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system/systemtest"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// newEnv is an environment without any config in it.
func newEnv(t *testing.T) *Env {
	t.Helper()
	log := report.NewWriterLogger(&bytes.Buffer{})
	dir := t.TempDir()
	client := fetch.New(log, time.Second)
	return &Env{Log: log, Fetch: client, IMDS: imds.New(client), Run: &systemtest.Recorder{},
		Dirs: []string{filepath.Join(dir, "run"), filepath.Join(dir, "etc"), filepath.Join(dir, "usr")}, Root: dir, Timeout: time.Second, mount: mountImage}
}

// userConfig is what UserConfig returns on a platform with that user data.
func userConfig(ctx context.Context, env *Env, text string) (*UserData, error) {
	env.Platform = Platform{ID: "test", Fetch: func(context.Context, *Env) (*UserData, error) {
		return &UserData{Text: []byte(text), Name: "platform"}, nil
	}}
	return UserConfig(ctx, env)
}

func TestSourcesAreAskedInOrder(t *testing.T) {
	env := newEnv(t)
	check := func(text, source string) {
		t.Helper()
		data, err := userConfig(t.Context(), env, "from the platform")
		if err != nil || string(data.Text) != text || data.Source != source {
			t.Errorf("got %+v, %v, want %q of %s", data, err, text, source)
		}
	}
	check("from the platform", "test")
	testkit.WriteFile(t, filepath.Join(env.Dirs[2], "user.ign"), "from usr")
	check("from usr", "system")
	testkit.WriteFile(t, filepath.Join(env.Dirs[0], "user.ign"), "from run")
	check("from run", "system")
	env.Arguments = map[string]string{"ignition.config.url": "data:,from%20cmdline"}
	check("from cmdline", "cmdline")
}

func TestPromisedConfigThatCannotBeReadIsAnError(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	for name, tc := range map[string]struct {
		args map[string]string
		user string // contents of user.ign, with a leading =
		want []string
	}{
		"URL without a scheme":  {map[string]string{"ignition.config.url": "foo/bar"}, "", []string{"ignition.config.url=foo/bar has no scheme", "write the whole URL"}},
		"URL without a value":   {map[string]string{"ignition.config.url": ""}, "", []string{"ignition.config.url has no value", "remove the argument for a config from elsewhere"}},
		"URL of unknown scheme": {map[string]string{"ignition.config.url": "foo:bar"}, "", []string{"ignition.config.url=foo:bar: the scheme \"foo\" of this URL is unknown", "fix the URL on the kernel command line"}},
		"URL of no host":        {map[string]string{"ignition.config.url": "http:///x"}, "", []string{"ignition.config.url=http:///x: the URL names no host"}},
		"URL of a bad port":     {map[string]string{"ignition.config.url": "https://me:secret@h:77777/x"}, "", []string{"ignition.config.url=https://h:77777/x: the port \"77777\" of this URL is not possible"}},
		"URL of a bad zone":     {map[string]string{"ignition.config.url": "http://[fe80::1%eth0]/x"}, "", []string{"the % before the interface of an address is written %25"}},
		"URL not found":         {map[string]string{"ignition.config.url": srv.URL}, "", []string{"the server answered 404 Not Found", "check the URL"}},
		"device without path":   {map[string]string{deviceArgument: "cfg"}, "", []string{"only one of the kernel arguments ignition.config.device=cfg and ignition.config.path= is set"}},
		"path without device":   {map[string]string{pathArgument: "/c"}, "", []string{"ignition.config.device= and ignition.config.path=/c is set"}},
		"device that is a path": {map[string]string{deviceArgument: "../sda", pathArgument: "c"}, "", []string{"is not a filesystem label"}},
		"empty user.ign":        {nil, "=", []string{"user.ign is empty", "remove it for a config from the platform"}},
	} {
		env := newEnv(t)
		env.Arguments = tc.args
		if tc.user != "" {
			testkit.WriteFile(t, filepath.Join(env.Dirs[1], "user.ign"), tc.user[1:])
		}
		data, err := userConfig(t.Context(), env, "must not be asked")
		if data != nil || err == nil {
			t.Errorf("%s: got %+v", name, data)
			continue
		}
		// The box breaks its lines where the temporary directory's name makes it.
		unbroken := func(s string) string { return strings.NewReplacer("|", "", " ", "", "\n", "").Replace(s) }
		box := report.Box("fetch", err)
		for _, want := range append(tc.want, "getting the user config") {
			if !strings.Contains(unbroken(box), unbroken(want)) {
				t.Errorf("%s: %q is not in\n%s", name, want, box)
			}
		}
	}
}

func TestNamedPipesOfTheImageAreErrors(t *testing.T) {
	for _, name := range []string{"user.ign", "base.d/00"} {
		env := newEnv(t)
		pipe := filepath.Join(env.Dirs[0], name)
		os.MkdirAll(filepath.Dir(pipe), 0o755)
		if err := unix.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := userConfig(t.Context(), env, "")
		if name != "user.ign" {
			_, err = BaseConfigs(env)
		}
		if err == nil || !strings.Contains(err.Error(), pipe+": this is no regular file") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestLabelThatNeverAppears(t *testing.T) {
	env := newEnv(t)
	env.Arguments = map[string]string{deviceArgument: "no-such-label-here", pathArgument: "c.ign"}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := userConfig(ctx, env, "")
	if err == nil || !strings.Contains(err.Error(), "it has not appeared") {
		t.Errorf("got %v", err)
	}
}

func TestOfflineURLAsksForTheNetwork(t *testing.T) {
	env := newEnv(t)
	env.Fetch.Offline = true
	env.Arguments = map[string]string{"ignition.config.url": "http://example.com/c.ign"}
	if _, err := userConfig(t.Context(), env, ""); !errors.Is(err, fetch.ErrNeedNetwork) {
		t.Errorf("got %v", err)
	}
}

func TestBaseConfigsAreMergedByName(t *testing.T) {
	env := newEnv(t)
	testkit.WriteFile(t, filepath.Join(env.Dirs[2], "base.d", "10-a"), "usr a")
	testkit.WriteFile(t, filepath.Join(env.Dirs[2], "base.d", "30-c"), "usr c")
	testkit.WriteFile(t, filepath.Join(env.Dirs[0], "base.d", "20-b"), "run b")
	testkit.WriteFile(t, filepath.Join(env.Dirs[0], "base.d", "30-c"), "run c")
	testkit.WriteFile(t, filepath.Join(env.Dirs[1], "base.platform.d", "qemu", "00"), "etc qemu")
	testkit.WriteFile(t, filepath.Join(env.Dirs[1], "base.platform.d", "aws", "00"), "etc aws")
	env.Platform.ID = "qemu"
	configs, err := BaseConfigs(env)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range configs {
		got = append(got, string(r.Text))
	}
	if want := []string{"usr a", "run b", "run c", "etc qemu"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if !strings.Contains(configs[2].Name, "base config (") || !strings.HasSuffix(configs[2].Name, "run/base.d/30-c)") {
		t.Errorf("it is called %s", configs[2].Name)
	}
}

func TestBaseConfigThatIsADirectoryIsAnError(t *testing.T) {
	env := newEnv(t)
	os.MkdirAll(filepath.Join(env.Dirs[0], "base.d", "dir"), 0o755)
	if _, err := BaseConfigs(env); err == nil || !strings.Contains(err.Error(), "reading a base config") {
		t.Errorf("got %v", err)
	}
}

func TestQEMUReadsTheFirmwareConfiguration(t *testing.T) {
	env := newEnv(t)
	blob := filepath.Join(env.Root, "sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos/config")
	recorder := env.Run.(*systemtest.Recorder)
	if data, err := fetchFwCfg(t.Context(), env, hypervisor.ReadFwCfg); data != nil || err != nil {
		t.Errorf("without a config: %+v, %v", data, err)
	}
	if got := recorder.Lines(); !slices.Equal(got, []string{"modprobe qemu_fw_cfg"}) {
		t.Errorf("ran %v", got)
	}
	text := strings.Repeat("x", 5000)
	testkit.WriteFile(t, filepath.Join(blob, "raw"), text)
	for size, want := range map[string]string{
		strconv.Itoa(len(text)) + "\n": "",
		"6000\n":                       "after 5000 of 6000 bytes",
		"many":                         "which is not the size of a config",
		"-1":                           "which is not the size of a config",
	} {
		testkit.WriteFile(t, filepath.Join(blob, "size"), size)
		data, err := fetchFwCfg(t.Context(), env, hypervisor.ReadFwCfg)
		switch {
		case want == "" && (err != nil || string(data.Text) != text):
			t.Errorf("size %q: %v", size, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("size %q: got %v, want %q", size, err, want)
		}
	}
}

func TestQEMUWithoutTheDriver(t *testing.T) {
	env := newEnv(t)
	env.Run = &systemtest.Recorder{Answers: map[string]systemtest.Answer{"modprobe": {Err: errors.New("exit status 1"), Stdout: "Module qemu_fw_cfg not found"}}}
	_, err := fetchFwCfg(t.Context(), env, hypervisor.ReadFwCfg)
	if err == nil || !strings.Contains(err.Error(), "loading the driver of QEMU's firmware configuration: modprobe: Module qemu_fw_cfg not found") {
		t.Errorf("got %v", err)
	}
}

func TestFilePlatform(t *testing.T) {
	name := filepath.Join(t.TempDir(), "c.ign")
	t.Setenv(fileVariable, name)
	if _, err := fetchFile(t.Context(), nil); err == nil || !strings.Contains(report.Box("fetch", err), fileVariable) {
		t.Errorf("got %v", err)
	}
	testkit.WriteFile(t, name, "{}")
	if data, err := fetchFile(t.Context(), nil); err != nil || string(data.Text) != "{}" {
		t.Errorf("got %+v, %v", data, err)
	}
}

func TestUnknownPlatformListsTheKnown(t *testing.T) {
	for id, want := range map[string]string{
		"":    "no platform is given; set the kernel argument ignition.platform.id to one of: akamai, ",
		"pdp": `the platform "pdp" is not known; set the kernel argument`,
	} {
		if _, err := ByID(id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", id, err)
		}
	}
	if p, err := ByID("metal"); err != nil || p.ID != "metal" {
		t.Errorf("metal: %v", err)
	}
}

func TestExperimentalPlatformIsLogged(t *testing.T) {
	for _, experimental := range []bool{false, true} {
		var log bytes.Buffer
		env := newEnv(t)
		env.Log = report.NewWriterLogger(&log)
		env.Platform = Platform{ID: "test", Fetch: fetchNothing, Experimental: experimental}
		_, err := UserConfig(t.Context(), env)
		if err != nil || strings.Contains(log.String(), "the platform test is experimental") != experimental {
			t.Errorf("%v: %v, log %s", experimental, err, &log)
		}
	}
}
