package providers

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// signatureOf asks a source for its config, and that for its signature.
func signatureOf(t *testing.T, env *Env, fetchData func(context.Context, *Env) (*UserData, error)) (text string, place string, err error) {
	t.Helper()
	data, err := fetchData(t.Context(), env)
	testkit.NoError(t, err)
	signature, err := data.Signature.Read(t.Context())
	return string(signature), data.Signature.Place, err
}

func TestSignatureInFwCfg(t *testing.T) {
	env, _ := withBlob(t, "config")
	none := func(uint16, []byte) error { return errors.New("no ports here") }
	read := func(ctx context.Context, env *Env) (*UserData, error) { return fetchFwCfg(ctx, env, none) }
	_, place, err := signatureOf(t, env, read)
	if !errors.Is(err, fs.ErrNotExist) || place != "fw_cfg opt/com.coreos/config.sig" {
		t.Errorf("got %q, %v", place, err)
	}
	item := filepath.Join(env.Root, "sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos/config.sig")
	testkit.WriteFile(t, item+"/raw", "signature")
	testkit.WriteFile(t, item+"/size", strconv.Itoa(len("signature")))
	text, _, err := signatureOf(t, env, read)
	testkit.NoError(t, err)
	testkit.Equal(t, "signature", text, "signature")
}

func TestSignatureOnADrive(t *testing.T) {
	drive := configDrive{label: "config-2", files: []string{openStackFile}, limit: driveLimit}
	for name, want := range map[string]string{"": "", openStackFile + ".sig": "signature"} {
		env := newEnv(t)
		files := map[string]string{openStackFile: "config"}
		if name != "" {
			files[name] = "signature"
		}
		attach(t, env, "vdb", image{"12", "CONFIG-2", files}.bytes(t))
		text, place, err := signatureOf(t, env, drive.fetch)
		if text != want || (want == "") != errors.Is(err, fs.ErrNotExist) || place != openStackFile+".sig on vdb" {
			t.Errorf("got %q at %q, %v", text, place, err)
		}
	}
}

func TestSourcesWithoutAPlaceForASignature(t *testing.T) {
	r := UserData{}
	testkit.Equal(t, "user data of a service", r.Signature.Read == nil, true)
	env := newEnv(t)
	env.Arguments = map[string]string{"ignition.config.url": "data:,x"} // as the kernel command line has it
	data, err := fetchCmdline(t.Context(), env)
	testkit.NoError(t, err)
	testkit.Equal(t, "data URL", data.Signature.Read == nil, true)
}

// What a platform refers to by a URL has its signature at that of its own.
func TestSignatureOfAURLThatAPlatformHas(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(r.URL.Path)) }))
	t.Cleanup(srv.Close)
	const variable = "guestinfo.ignition.config.url"
	g := &guestInfo{&esx{variables: map[string]string{variable: srv.URL + "/config?x"}}, []string{variable}}
	text, place, err := signatureOf(t, newEnv(t), g.fetch)
	testkit.NoError(t, err)
	testkit.Equal(t, "signature", text, "/config.sig")
	testkit.Equal(t, "place", place, srv.URL+"/config.sig?...")
}
