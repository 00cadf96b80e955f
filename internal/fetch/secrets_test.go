package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// upper decrypts to capital letters, and has one credential.
type upper struct{}

func (upper) Credential(_ context.Context, name string) ([]byte, error) {
	if name != "key" {
		return nil, &report.Error{Err: errors.New("there is none"), Hint: "give it to the machine"}
	}
	return []byte("of the machine"), nil
}

func (upper) Decrypt(_ context.Context, encrypted io.Reader) (io.Reader, error) {
	text, err := io.ReadAll(encrypted)
	if strings.HasPrefix(string(text), "damaged") {
		return nil, &report.Error{Err: errors.New("it is damaged"), Hint: "encrypt it again"}
	}
	return strings.NewReader(strings.ToUpper(string(text))), err
}

func TestSecretsAreFetched(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "from a server"+r.Header.Get("X-More"))
	}))
	t.Cleanup(srv.Close)
	gzip, hash, more := "gzip", "sha256-9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca7", "!"
	for _, c := range []struct {
		resource config.Resource
		want     string
		failure  []string
	}{
		{resource: config.Resource{Source: new("credential:key")}, want: "of the machine"},
		{resource: config.Resource{Source: new("age:data:,hello")}, want: "HELLO"},
		{resource: config.Resource{Source: new("age:" + srv.URL), HTTPHeaders: []config.HTTPHeader{{Name: "X-More", Value: &more}}}, want: "FROM A SERVER!"},
		{resource: config.Resource{Source: new("credential:other")}, failure: []string{"fetching credential:other: there is none", "give it to the machine"}},
		{resource: config.Resource{Source: new("age:data:,damaged")}, failure: []string{"fetching a data URL of 13 bytes, encrypted with age: it is damaged", "encrypt it again"}},
		{resource: config.Resource{Source: new("age:ftp://example.com/a")}, failure: []string{"only URLs that begin with"}},
		// Compression and hash are those of what was decrypted.
		{resource: config.Resource{Source: new("age:data:,hello"), Compression: &gzip}, failure: []string{"the config says that it is compressed with gzip"}},
		{resource: config.Resource{Source: new("age:data:,hello"), Verification: config.Verification{Hash: &hash}}, failure: []string{"the sha256 of what was fetched is not the one in the config"}},
	} {
		client, _, _ := newTestClient(t)
		client.Secrets = upper{}
		got, err := client.Bytes(t.Context(), c.resource, config.Limit{Bytes: 1 << 10})
		if len(c.failure) == 0 {
			if err != nil || string(got) != c.want {
				t.Errorf("%s: got %q, %v; want %q", *c.resource.Source, got, err, c.want)
			}
			continue
		}
		problem := report.Explain(err)[0]
		testkit.Contains(t, *c.resource.Source, problem.Operation+": "+problem.Cause+" "+problem.Hint, c.failure...)
	}
}

func TestProgramsWithoutSecretsRefuseThem(t *testing.T) {
	client, _, _ := newTestClient(t)
	for _, source := range []string{"credential:key", "age:data:,hello"} {
		_, err := client.Bytes(t.Context(), config.Resource{Source: &source}, config.Limit{Bytes: 1 << 10})
		testkit.ErrorContains(t, source, err, "the secrets of a machine can be read in its first boot only")
	}
}

func TestSecretsThatNeedTheNetwork(t *testing.T) {
	client, _, _ := newTestClient(t)
	client.Secrets, client.Offline = upper{}, true
	source := "age:https://example.com/a"
	if _, err := client.Bytes(t.Context(), config.Resource{Source: &source}, config.Limit{Bytes: 1 << 10}); !errors.Is(err, ErrNeedNetwork) {
		t.Errorf("got %v", err)
	}
}
