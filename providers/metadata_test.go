package providers

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/imds"
)

func TestBase64OfToolsIsDecoded(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "",
		" \n":                      "",
		"aGVsbG8=":                 "hello",
		"aGVs\r\nbG8=\n":           "hello",
		"\taG Vs bG 8=":            "hello",
		"aGVsbG8":                  "!ends in the middle of a group after 7 bytes",
		"aGVsbG":                   "!ends in the middle of a group after 6 bytes",
		"aGVsbG8=aGVsbG8=":         "!its byte 9 (line 1, column 9) is invalid",
		"aGVs\n{\"secret\"}bG8=":   "!its byte 6 (line 2, column 1) is invalid",
		"aGVs\xe2\x80\xa8bG8\xff=": "!its byte 11 (line 1, column 11) is invalid",
	} {
		got, err := decodeBase64([]byte(text))
		switch message, fails := strings.CutPrefix(want, "!"); {
		case fails && (err == nil || err.Error() != "it should be base64, but "+message):
			t.Errorf("%q: got %v, want %s", text, err, message)
		case !fails && (err != nil || string(got) != want):
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

func FuzzBase64(f *testing.F) {
	for _, s := range []string{"", "aGVsbG8=", "aGVs\nbG8=", "aGVsbG8", "\xff\n=", "aGVs\u2028bG8="} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		plain, err := decodeBase64(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "it should be base64, but ") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if again, err := decodeBase64([]byte(base64.StdEncoding.EncodeToString(plain))); err != nil || !bytes.Equal(again, plain) {
			t.Errorf("%q is %q, and that %q, %v", text, plain, again, err)
		}
	})
}

// atAzure replaces Azure's services.
func atAzure(t *testing.T, userData, hasCustomData string, dvd func() (*UserData, error)) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/userData"):
			fmt.Fprint(w, userData)
		case hasCustomData == "unknown":
			w.WriteHeader(http.StatusBadRequest)
		default:
			fmt.Fprintf(w, `{"extended":{"compute":{"hasCustomData":%s}}}`, hasCustomData)
		}
	}))
	service, instance, reader := *azure, azureInstance, azureDVD
	t.Cleanup(func() { *azure, azureInstance, azureDVD = service, instance, reader; srv.Close() })
	azure.request.URL = strings.Replace(azure.request.URL, linkLocal, srv.URL, 1)
	azureInstance.URL = strings.Replace(azureInstance.URL, linkLocal, srv.URL, 1)
	azureDVD = func(context.Context, *Env) (*UserData, error) { return dvd() }
}

func TestAzureHasTwoSources(t *testing.T) {
	custom := func() (*UserData, error) { return &UserData{Text: []byte("custom")}, nil }
	for name, tc := range map[string]struct {
		userData, hasCustomData string
		dvd                     func() (*UserData, error)
		want, err               string
	}{
		"user data":             {"dXNlcg==", "true", custom, "user", ""},
		"custom data":           {"", "true", custom, "custom", ""},
		"perhaps custom data":   {"", "unknown", custom, "custom", ""},
		"neither":               {"", "false", custom, "", ""},
		"an empty DVD":          {"", "true", func() (*UserData, error) { return nil, nil }, "", ""},
		"a broken DVD":          {"", "true", func() (*UserData, error) { return nil, errors.New("scratched") }, "", "scratched"},
		"user data is a config": {"{}", "true", custom, "", "reading the user data of Azure: it should be base64"},
	} {
		t.Run(name, func(t *testing.T) {
			atAzure(t, tc.userData, tc.hasCustomData, tc.dvd)
			env := newEnv(t)
			env.Platform.Name = "Azure"
			env.IMDS = imds.New(fetch.New(env.Log, time.Minute)) // emulated machines are slow
			data, err := fetchAzure(t.Context(), env)
			if got := textOf(data); got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func textOf(data *UserData) string {
	if data == nil {
		return ""
	}
	return string(data.Text)
}

func TestAzureOfflineHasTheDVD(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		err  error
		want string
	}{
		"a config":         {`{"ignition":{}}`, nil, `{"ignition":{}}`},
		"nothing":          {"", nil, ""},
		"for another tool": {"#cloud-config\n", nil, ""},
		"a script":         {"#!/bin/sh\n", nil, ""},
		"an error":         {"", errors.New("no disc"), ""},
	} {
		atAzure(t, "", "true", func() (*UserData, error) { return &UserData{Text: []byte(tc.text)}, tc.err })
		env := newEnv(t)
		env.Fetch.Offline = true
		data, err := fetchAzure(t.Context(), env)
		if textOf(data) != tc.want || errors.Is(err, fetch.ErrNeedNetwork) != (tc.want == "") {
			t.Errorf("%s: got %q, %v", name, textOf(data), err)
		}
	}
}

func TestCredentialsAreOfThePlatform(t *testing.T) {
	for _, p := range Platforms {
		var has fetch.Credentials
		if p.Credentials != nil {
			has = p.Credentials(newEnv(t).IMDS)
		}
		for id, there := range map[string]bool{"aws": has.AWS != nil && has.AWSRegion != nil, "gcp": has.Google != nil, "azure": has.Azure != nil} {
			if there != (id == p.ID) {
				t.Errorf("%s has the credentials of %s: %v", p.ID, id, there)
			}
		}
	}
}
