package providers

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/json"
)

// Platform azure: Microsoft Azure. User data is at the metadata service; what
// the platform calls custom data is on a DVD, on the first boot only.
// https://learn.microsoft.com/azure/virtual-machines/user-data
// https://learn.microsoft.com/azure/virtual-machines/custom-data
var azure = &service{platform: "Azure", neverNotFound: true, base64: true, userData: imds.Request{
	URL:    linkLocal + "/metadata/instance/compute/userData?api-version=2021-01-01&format=text",
	Header: azureHeader,
	// The service says these as long as it does not know the machine yet.
	RetryOn: []int{http.StatusNotFound, http.StatusGone, http.StatusTooManyRequests},
}}

var azureHeader = []string{"Metadata", "true"}

// azureInstanceTime bounds the question whether there is custom data: the answer
// only spares a wait.
const azureInstanceTime = 10 * time.Second

// azureInstance is what the service knows about the machine.
var azureInstance = imds.Request{
	URL:    linkLocal + "/metadata/instance?api-version=2021-08-01&extended=true",
	Header: azureHeader,
}

// azureDVD reads the custom data. With a client that is offline it does not
// wait for a drive.
var azureDVD = func(ctx context.Context, env *Env) (*UserData, error) {
	if env.Fetch.Offline {
		return fetchOVFNow(env), nil
	}
	return fetchOVF(ctx, env)
}

func azureCredentials(m *imds.Client) fetch.Credentials { return m.AzureCredentials(linkLocal) }

func fetchAzure(ctx context.Context, env *Env) (*UserData, error) {
	if env.Fetch.Offline {
		return azureOffline(ctx, env)
	}
	raw, err := azure.fetch(ctx, env)
	if raw == nil && err == nil && mayHaveCustomData(ctx, env) {
		return azureDVD(ctx, env)
	}
	return raw, err
}

// azureOffline spares a machine the network if its DVD has a config. Without
// one, and with what is meant for other tools (#cloud-config, #!), the metadata
// service decides.
func azureOffline(ctx context.Context, env *Env) (*UserData, error) {
	raw, err := azureDVD(ctx, env)
	if err != nil {
		env.Log.Info(fmt.Sprintf("reading the custom data before there is a network: %v", err))
	}
	if err != nil || raw == nil || len(raw.Text) == 0 || bytes.HasPrefix(raw.Text, []byte("#")) {
		return nil, fmt.Errorf("asking %s for user data: %w", azure.platform, fetch.ErrNeedNetwork)
	}
	return raw, nil
}

// mayHaveCustomData tells whether it makes sense to wait for the DVD. A service
// that does not know leaves that open.
func mayHaveCustomData(ctx context.Context, env *Env) bool {
	ctx, cancel := context.WithTimeout(ctx, azureInstanceTime)
	defer cancel()
	text, err := env.IMDS.Do(ctx, azureInstance)
	return err != nil || json.Text(text, "extended", "compute", "hasCustomData") != "false"
}
