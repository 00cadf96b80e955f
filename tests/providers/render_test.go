package providers_test

import (
	"os"
	"path/filepath"
	"testing"

	spec "github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

const adminURI = "/metadata/instance/compute/osProfile/adminUsername?api-version=2021-02-01&format=text"

// Of a machine on Azure without a DVD the user has keys, and no password.
func TestFragmentsOfAzure(t *testing.T) {
	e := exampleOf(t, "azure")
	m := newMachine(t)
	e.instance.says[adminURI] = "me\n"
	e.instance.says["/metadata/instance/compute/name?api-version=2017-08-01&format=text"] = "web-1.x"
	serve(t, e.instance)
	render := func(args ...string) (int, string) {
		return m.afterburn(t, append([]string{"render-ignition", "--fetch-timeout=5s", "--render-ignition-dir=" + m.in("a/b")}, args...)...)
	}
	// read is a fragment as the agent reads it; nil if there is none.
	read := func(name string) *spec.Config {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(m.in("a/b"), name))
		if err != nil {
			return nil
		}
		cfg, problems, err := spec.Parse(text, name)
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		testkit.NoError(t, os.Remove(filepath.Join(m.in("a/b"), name)))
		return cfg
	}
	if status, printed := render("--provider=azure"); status != 0 {
		t.Fatalf("status %d: %s", status, printed)
	}
	hostname, user := read("hostname.ign"), read("user.ign")
	testkit.Equal(t, "the file", hostname.Storage.Files[0].Path, "/etc/hostname")
	testkit.Equal(t, "the hostname", *hostname.Storage.Files[0].Contents.Source, "data:,web%2D1%2Ex")
	testkit.Equal(t, "the user", user.Passwd.Users[0].Name, "me")
	testkit.Equal(t, "keys", user.Passwd.Users[0].SSHAuthorizedKeys, []string{key1 + " az"})
	testkit.Equal(t, "there is a password", user.Passwd.Users[0].PasswordHash != nil, false)

	for name, tc := range map[string]struct {
		args           []string
		status         int
		hostname, user bool
		printed        string
	}{
		"only the hostname": {[]string{"--provider=azure", "--disable-user-fragment"}, 0, true, false, ""},
		"only the user":     {[]string{"--provider=azure", "--disable-hostname-fragment"}, 0, false, true, ""},
		"neither":           {[]string{"--provider=azure", "--disable-hostname-fragment", "--disable-user-fragment"}, 0, false, false, ""},
		"another platform":  {[]string{"--provider=hetzner"}, 1, false, false, "Hetzner Cloud names no user"},
		"no platform":       {nil, 1, false, false, "exactly one of --provider and --cmdline"},
		"no directory":      {[]string{"--provider=azure", "--render-ignition-dir="}, 1, false, false, "--render-ignition-dir is needed"},
	} {
		status, printed := render(tc.args...)
		testkit.Equal(t, name+": status", status, tc.status)
		testkit.Contains(t, name, printed, tc.printed)
		testkit.Equal(t, name+": hostname.ign", read("hostname.ign") != nil, tc.hostname)
		testkit.Equal(t, name+": user.ign", read("user.ign") != nil, tc.user)
	}
	testkit.Equal(t, "requests of the name", e.instance.count()["GET "+adminURI], 1)
}

func TestFragmentsOfAzureWithoutAUser(t *testing.T) {
	e := exampleOf(t, "azure")
	m := newMachine(t)
	e.instance.says[adminURI] = ""
	serve(t, e.instance)
	if status, printed := m.afterburn(t, "render-ignition", "--fetch-timeout=5s", "--provider=azure", "--render-ignition-dir="+m.dir); status != 0 || fileExists(m.in("user.ign")) {
		t.Errorf("status %d: %s", status, printed)
	}
}
