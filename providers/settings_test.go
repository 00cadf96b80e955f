package providers

import (
	"context"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// withSettings has settings of the distribution.
func withSettings(t *testing.T, text string) *Env {
	t.Helper()
	env := newEnv(t)
	var err error
	env.Settings, err = distribution.Parse(text, "settings")
	testkit.NoError(t, err)
	return env
}

func TestKernelArgumentsWithTheURLAreTheDistributions(t *testing.T) {
	for name, tc := range map[string]struct {
		arguments map[string]string
		want      string
	}{
		"the second":            {map[string]string{"b.url": "data:,b"}, "b"},
		"the first before it":   {map[string]string{"b.url": "data:,b", "a.url": "data:,a"}, "a"},
		"none of these":         {map[string]string{"ignition.config.url": "data:,c"}, "platform"},
		"the first has nothing": {map[string]string{"a.url": "", "b.url": "data:,b"}, ""},
	} {
		env := withSettings(t, "CONFIG_URL_ARGUMENTS=a.url b.url\n")
		env.Arguments = tc.arguments
		data, err := userConfig(t.Context(), env, "platform")
		if tc.want == "" {
			says(t, err, "the kernel argument a.url has no value")
			continue
		}
		testkit.NoError(t, err)
		testkit.Equal(t, name, string(data.Text), tc.want)
	}
}

func TestNamesInFwCfgAreTheDistributions(t *testing.T) {
	put := func(env *Env, name, text string) {
		dir := filepath.Join(env.Root, "sys/firmware/qemu_fw_cfg/by_name", name)
		testkit.WriteFile(t, filepath.Join(dir, "raw"), text)
		testkit.WriteFile(t, filepath.Join(dir, "size"), strconv.Itoa(len(text)))
	}
	env := withSettings(t, "FW_CFG_NAMES=opt/org.flatcar-linux/config opt/com.coreos/config\n")
	testkit.WriteFile(t, filepath.Join(env.Root, "sys/firmware/qemu_fw_cfg/rev"), "3")
	if data, err := fetchFwCfg(context.Background(), env, nil); data != nil || err != nil {
		t.Errorf("got %+v, %v", data, err)
	}
	put(env, "opt/com.coreos/config", "second")
	gives(t, "second")(fetchFwCfg(context.Background(), env, nil))
	put(env, "opt/org.flatcar-linux/config", "first")
	gives(t, "first")(fetchFwCfg(context.Background(), env, nil))
}

func TestNamesInGuestInfoAreTheDistributions(t *testing.T) {
	const data, other, url = "guestinfo.ignition.config.data", "guestinfo.coreos.config.data", "guestinfo.coreos.config.url"
	property := `oe:key="` + other + `" oe:value="property"`
	for name, tc := range map[string]struct {
		variables map[string]string
		want      string
	}{
		"first":            {map[string]string{data: "first", other: "second"}, "first"},
		"second":           {map[string]string{other: "c2Vjb25k", other + ".encoding": "base64"}, "second"},
		"URL":              {map[string]string{url: "data:,by%20url", data + ".encoding": "base64"}, "by url"},
		"property":         {map[string]string{vmwareOVF: ovf(property)}, "property"},
		"URL and property": {map[string]string{vmwareOVF: ovf(property), url: "data:,url"}, "url"},
		"none":             {map[string]string{}, ""},
	} {
		x := &esx{variables: tc.variables}
		g := &guestInfo{x, []string{data, other, url}}
		env := newEnv(t)
		t.Run(name, func(t *testing.T) {
			gives(t, tc.want)(g.fetch(t.Context(), env))
			testkit.NoError(t, g.delete(env))
			left := ""
			if tc.want != "" && x.variables[url] == "" && x.variables[vmwareOVF] == "" {
				left = deletedConfig
			}
			if x.variables[url] != "" {
				left = tc.want // what it names is not the hypervisor's
			}
			gives(t, left)(g.fetch(t.Context(), env))
		})
	}
	g := &guestInfo{&esx{variables: map[string]string{url: "http://192.0.2.1/"}}, []string{url}}
	env := newEnv(t)
	env.Fetch.Offline = true
	_, err := g.fetch(t.Context(), env)
	says(t, err, "needs the network")
}
