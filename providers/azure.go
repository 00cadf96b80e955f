package providers

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/json"
)

// Azure. User data is at the metadata service; what the platform calls custom
// data is on a DVD, on the first boot only.
// https://learn.microsoft.com/azure/virtual-machines/custom-data
var azure = &service{neverNotFound: true, base64: true, request: imds.Request{
	URL:    linkLocal + "/metadata/instance/compute/userData?api-version=2021-01-01&format=text",
	Header: azureHeader,
	// The service answers with these until it knows the machine.
	RetryOn: []int{http.StatusNotFound, http.StatusGone, http.StatusTooManyRequests},
}}

var azureHeader = []string{"Metadata", "true"}

// azureInstanceTime limits the request whether there is custom data: the answer
// only saves a wait.
const azureInstanceTime = 10 * time.Second

// azureDocument has the properties of the machine.
const azureDocument = linkLocal + "/metadata/instance?api-version=2021-08-01&extended=true"

var azureInstance = imds.Request{URL: azureDocument, Header: azureHeader}

// azureDVD reads the custom data. While offline it does not wait for a drive.
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
	data, err := azure.fetch(ctx, env)
	if data == nil && err == nil && mayHaveCustomData(ctx, env) {
		return azureDVD(ctx, env)
	}
	return data, err
}

// azureOffline saves a machine the network if its DVD has a config. Without one,
// and with text for other tools (#cloud-config, #!), the metadata service decides.
func azureOffline(ctx context.Context, env *Env) (*UserData, error) {
	data, err := azureDVD(ctx, env)
	if err != nil {
		env.Log.Info(fmt.Sprintf("reading the custom data before there is a network: %v", err))
	}
	if err != nil || data == nil || len(data.Text) == 0 || bytes.HasPrefix(data.Text, []byte("#")) {
		return nil, fmt.Errorf("requesting the user data of Azure: %w", fetch.ErrNeedNetwork)
	}
	return data, nil
}

// mayHaveCustomData reports whether it makes sense to wait for the DVD, which it
// does if the service does not know.
func mayHaveCustomData(ctx context.Context, env *Env) bool {
	ctx, cancel := context.WithTimeout(ctx, azureInstanceTime)
	defer cancel()
	text, err := env.IMDS.Do(ctx, azureInstance)
	return err != nil || json.Text(text, "extended", "compute", "hasCustomData") != "false"
}
