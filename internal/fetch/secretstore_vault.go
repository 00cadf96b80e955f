package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/storeurl"
)

var vaultSecrets = &secretStore{"the vault", askVault, [][2]string{
	{"403", "have a policy of this login allow \"read\" at MOUNT/data/PATH, with the word data between the mount and the path"},
	{"404", "check mount, path and namespace: vault kv get -mount=MOUNT PATH; the mount has to be one of version 2 of KV"},
	{"400", "check that the role exists, and that it may be used from here; a secret ID may have been used up or have ended"},
	{"307", "write the address of the active server, or of the load balancer before it, in the URL"},
	{"503", "unseal the vault (vault operator unseal), or wait until one of its servers is active"},
}}

// A vault is a server of HashiCorp Vault or OpenBao that is asked for one secret.
type vault struct {
	client *Client
	secret *storeurl.Secret
}

// askVault gets the members of a secret. A token that was given earlier may have been
// revoked, or used up, which the vault does not tell from a path that is forbidden: then
// there is another login.
//
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
func askVault(ctx context.Context, c *Client, s *storeurl.Secret) (secret []byte, who string, err error) {
	v := &vault{c, s}
	login, err := v.loginMethod()
	if err != nil {
		return nil, "", err
	}
	who = login.who
	token, isNew, err := v.token(ctx, login, "")
	if err != nil {
		return nil, who, err
	}
	secret, err = v.read(ctx, token)
	var status *StatusError
	if errors.As(err, &status) && status.Code == http.StatusForbidden && !isNew {
		if token, _, err = v.token(ctx, login, token); err != nil {
			return nil, who, err
		}
		secret, err = v.read(ctx, token)
	}
	return secret, who, err
}

// send sends a request for a path of the interface.
func (v *vault) send(ctx context.Context, method, path, query string, body []byte, headers ...string) ([]byte, error) {
	headers = append(headers, "X-Vault-Request", "true")
	if v.secret.Namespace != "" {
		headers = append(headers, "X-Vault-Namespace", v.secret.Namespace)
	}
	u := &url.URL{Scheme: "https", Host: v.secret.Host, Path: "/v1/" + path, RawQuery: query}
	answer, err := v.client.sendForJSON(ctx, jsonRequest(method, u, body, headers...))
	return answer, explainVault(err)
}

// read returns the members of the secret as JSON.
func (v *vault) read(ctx context.Context, token string) ([]byte, error) {
	query := ""
	if v.secret.Version != "" {
		query = "version=" + v.secret.Version
	}
	answer, err := v.send(ctx, http.MethodGet, v.secret.Mount+"/data/"+v.secret.Name, query, nil, "X-Vault-Token", token)
	if err != nil {
		return nil, err
	}
	return decodeVault(answer)
}

func decodeVault(answer []byte) ([]byte, error) {
	var a struct {
		Data struct {
			Data json.Raw `json:"data"`
		} `json:"data"`
	}
	if json.Unmarshal(answer, &a) != nil || len(a.Data.Data) == 0 {
		return nil, errMakesNoSense
	}
	return a.Data.Data, nil
}

// explainVault says what an error of the vault means. A version that was deleted has the status
// of one that never was.
func explainVault(err error) error {
	var status *StatusError
	if !errors.As(err, &status) || status.byProxy {
		return err
	}
	metadata := func(name string) string { return json.Text(status.excerpt, "data", "metadata", name) }
	if metadata("deletion_time") != "" || metadata("destroyed") == "true" {
		return noSecret("restore it (vault kv undelete), or name another version by ?version=NUMBER in the URL", "version %s of the secret was deleted", Printable(metadata("version")))
	}
	if message(status.excerpt) == "" {
		status.words = "" // nothing but an empty list of errors
	}
	return err
}

// token returns one that was given earlier, or that of a new login. The token before it,
// if any, is one that the vault has refused.
func (v *vault) token(ctx context.Context, login vaultLogin, before string) (token string, isNew bool, err error) {
	c := v.client
	if err := take(ctx, c.logins); err != nil {
		return "", false, err
	}
	defer func() { <-c.logins }()
	name := strings.Join([]string{"vault", v.secret.Host, v.secret.Namespace, login.mount, v.secret.Role}, " ")
	if c.Credentials.Tokens != nil {
		if token, ok := c.Credentials.Tokens.Load(name); ok && token != before {
			return token, false, nil
		}
	}
	proof, err := login.prove(ctx)
	if err != nil {
		return "", false, err
	}
	token, life, err := v.logIn(ctx, login, proof)
	if err == nil && c.Credentials.Tokens != nil {
		c.Credentials.Tokens.Store(name, token, c.Clock.Now().Add(life))
	}
	return token, true, err
}

// logIn shows the vault who this machine is. The token that it gives is used for nine tenths
// of its life.
func (v *vault) logIn(ctx context.Context, login vaultLogin, proof map[string]string) (token string, life time.Duration, err error) {
	body, err := json.Marshal(proof)
	if err != nil {
		return "", 0, err
	}
	v.client.Log.Info(fmt.Sprintf("logging in to the vault %s %s", v.secret.Host, login.who))
	var secrets []string
	for name, value := range proof {
		if name != "role" { // which stands in the config
			secrets = append(secrets, value)
		}
	}
	answer, err := v.send(context.WithValue(ctx, secretsInBody{}, secrets), http.MethodPost, "auth/"+login.mount+"/login", "", body, "Content-Type", "application/json")
	if err != nil {
		return "", 0, fmt.Errorf("logging in: %w", err)
	}
	var a struct {
		Auth struct {
			Token    string `json:"client_token"`
			Duration int64  `json:"lease_duration"` // in seconds; 0 is without an end
		} `json:"auth"`
	}
	if json.Unmarshal(answer, &a) != nil || a.Auth.Token == "" || strings.ContainsFunc(a.Auth.Token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return "", 0, errMakesNoSense
	}
	const longest = 24 * time.Hour // no first boot takes as long
	life = longest
	if a.Auth.Duration > 0 && a.Auth.Duration < int64(longest/time.Second) {
		life = time.Duration(a.Auth.Duration) * time.Second * 9 / 10
	}
	return a.Auth.Token, life, nil
}
