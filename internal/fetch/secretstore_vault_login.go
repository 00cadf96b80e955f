package fetch

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"

	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/json"
)

// A vaultLogin is a way to log in to a vault.
type vaultLogin struct {
	mount string // of the auth method
	who   string // is logged in, as a phrase
	// prove returns what the method wants to see.
	prove func(context.Context) (map[string]string, error)
}

// Names of the credentials with which a machine logs in by AppRole. The second one is not
// needed if the role binds no secret ID.
const (
	roleIDCredential   = "firstlight.vault.role_id"
	secretIDCredential = "firstlight.vault.secret_id"
)

// loginMethod is AppRole, or if the URL has a role, the method of the cloud that this
// machine is in.
func (v *vault) loginMethod() (vaultLogin, error) {
	credentials := v.client.Credentials
	login := vaultLogin{"approle", "by AppRole", v.appRole}
	switch {
	case v.secret.Role == "":
	case credentials.AWS != nil:
		login = vaultLogin{mount: "aws", prove: v.awsProof}
	case credentials.GoogleIdentity != nil:
		login = vaultLogin{mount: "gcp", prove: v.googleProof}
	case credentials.AzureMachine != nil:
		login = vaultLogin{mount: "azure", prove: v.azureProof}
	default:
		return login, noSecret("leave out ?role= in the URL, and give the machine the credentials of an AppRole: "+roleIDCredential+" and "+secretIDCredential,
			"the platform of this machine gives it no identity that a vault knows; the platforms aws, azure and gcp do")
	}
	if v.secret.Role != "" {
		login.who = fmt.Sprintf("as the role %q by the identity of this machine at the platform %s", v.secret.Role, login.mount)
	}
	if v.secret.Auth != "" {
		login.mount = v.secret.Auth
	}
	return login, nil
}

// https://developer.hashicorp.com/vault/api-docs/auth/approle
func (v *vault) appRole(ctx context.Context) (map[string]string, error) {
	proof := map[string]string{}
	for member, name := range map[string]string{"role_id": roleIDCredential, "secret_id": secretIDCredential} {
		text, err := v.client.secrets().Credential(ctx, name)
		switch {
		case err == nil:
			proof[member] = string(bytes.TrimSpace(text))
		case name == roleIDCredential || !errors.Is(err, fs.ErrNotExist):
			return nil, &identityError{err}
		}
	}
	return proof, nil
}

// awsProof is a request to Amazon that says whose keys have signed it, for the vault to send.
// The name of the vault is signed, too, so that no other one can use it.
//
// https://developer.hashicorp.com/vault/api-docs/auth/aws
func (v *vault) awsProof(ctx context.Context) (map[string]string, error) {
	keys, err := v.client.awsKeys(ctx)
	if err != nil {
		return nil, err
	}
	region, u := v.secret.Region, &url.URL{Scheme: "https", Host: "sts.amazonaws.com", Path: "/"}
	if region == "" {
		region = "us-east-1"
	} else {
		u = awsService(serviceSTS, region)
	}
	req := &http.Request{Method: http.MethodPost, URL: u, Body: []byte("Action=GetCallerIdentity&Version=2011-06-15"),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}, "X-Vault-Aws-Iam-Server-Id": {v.secret.Host}}}
	sign(req, keys, serviceSTS, region, v.client.Clock.Now())
	headers, err := json.Marshal(req.Header)
	return map[string]string{
		"role":                    v.secret.Role,
		"iam_http_request_method": req.Method,
		"iam_request_url":         base64.StdEncoding.EncodeToString([]byte(req.URL.String())),
		"iam_request_body":        base64.StdEncoding.EncodeToString(req.Body),
		"iam_request_headers":     base64.StdEncoding.EncodeToString(headers),
	}, err
}

// https://developer.hashicorp.com/vault/docs/auth/gcp
func (v *vault) googleProof(ctx context.Context) (map[string]string, error) {
	b := &bearer{token: v.client.Credentials.GoogleIdentity, forWhat: "http://vault/" + v.secret.Role, hint: "give the instance a service account"}
	jwt, err := b.get(ctx)
	return map[string]string{"role": v.secret.Role, "jwt": jwt}, err
}

// azureManagement is what the token of a login is for: the resource that the auth method is
// configured with.
const azureManagement = "https://management.azure.com/"

// https://developer.hashicorp.com/vault/api-docs/auth/azure
func (v *vault) azureProof(ctx context.Context) (map[string]string, error) {
	jwt, err := v.client.azureIdentity(v.secret, azureManagement).get(ctx)
	if err != nil {
		return nil, err
	}
	machine, err := v.client.Credentials.AzureMachine(ctx)
	if err != nil {
		return nil, &identityError{err}
	}
	of := func(name string) string { return json.Text([]byte(machine), name) }
	return map[string]string{"role": v.secret.Role, "jwt": jwt, "subscription_id": of("subscriptionId"),
		"resource_group_name": of("resourceGroupName"), "vm_name": of("name"), "vmss_name": of("vmScaleSetName")}, nil
}
