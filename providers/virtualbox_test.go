package providers

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/firstlight-os/firstlight/internal/system/systemtest"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A vbox is a host with guest properties.
type vbox struct {
	properties map[string]string
	fault      error
	deleted    []string
}

func (v *vbox) Get(name string) (string, error) { return v.properties[name], v.fault }

func (v *vbox) Delete(name string) error {
	v.deleted = append(v.deleted, name)
	return v.fault
}

func TestConfigInAGuestProperty(t *testing.T) {
	long := strings.Repeat("long ", 50000)
	for name, tc := range map[string]struct {
		properties map[string]string
		want       string
	}{
		"none":            {nil, ""},
		"empty":           {map[string]string{vboxConfig: ""}, ""},
		"plain":           {map[string]string{vboxConfig: "config"}, "config"},
		"long":            {map[string]string{vboxConfig: long}, long},
		"empty encoding":  {map[string]string{vboxConfig: "config", vboxEncoding: ""}, "config"},
		"encoded":         {map[string]string{vboxConfig: "Y29u\nZmln", vboxEncoding: "base64"}, "config"},
		"encoding, alone": {map[string]string{vboxEncoding: "unknown"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			gives(t, tc.want)(guestProperties{&vbox{properties: tc.properties}}.fetch())
		})
	}
}

func TestGuestPropertyThatCannotBeReadIsAnError(t *testing.T) {
	for name, tc := range map[string]struct {
		vbox vbox
		want []string
	}{
		"encoding": {vbox{properties: map[string]string{vboxConfig: "c", vboxEncoding: "rot13"}}, []string{`the encoding "rot13" is not known`, "use one of: base64, b64, gzip"}},
		"base64":   {vbox{properties: map[string]string{vboxConfig: "c%", vboxEncoding: "b64"}}, []string{"decoding the property /Ignition/Config", "it should be base64"}},
		"fault":    {vbox{fault: errors.New("a fault")}, []string{"a fault"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := guestProperties{&tc.vbox}.fetch()
			says(t, err, tc.want...)
		})
	}
}

func TestVirtualBoxThatDoesNotConnectIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := newEnv(t)
		env.Run = &systemtest.Recorder{Answers: map[string]systemtest.Answer{"modprobe": {Err: errors.New("exit status 1"), Stdout: "no module"}}}
		_, err := fetchVirtualBox(t.Context(), env)
		says(t, err, "reading the config from VirtualBox's guest properties", "/dev/vboxguest has not appeared within", "modprobe: no module", "VBoxManage guestproperty enumerate")
		says(t, deleteVirtualBox(t.Context(), env), "deleting the config from VirtualBox's guest properties", "/dev/vboxguest has not appeared")
		testkit.WriteFile(t, filepath.Join(env.Root, vboxDevice), "no device")
		_, err = fetchVirtualBox(t.Context(), env)
		says(t, err, "agreeing on a version with the driver: ")
	})
}

func TestConfigInGuestPropertiesIsDeleted(t *testing.T) {
	v := &vbox{}
	testkit.NoError(t, guestProperties{v}.deleteConfig())
	testkit.Equal(t, "deleted", v.deleted, []string{"/Ignition/Config/Encoding", "/Ignition/Config"})
	v.fault = errors.New("a fault")
	testkit.ErrorContains(t, "deleting", guestProperties{v}.deleteConfig(), "a fault")
}
