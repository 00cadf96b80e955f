package providers

import (
	"context"
	"errors"
	"fmt"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/report"
)

// linkLocal is where most platforms have their metadata service.
const linkLocal = "http://169.254.169.254"

// A service is a metadata service that holds user data. Most platforms are a
// value of it.
type service struct {
	request imds.Request // for the user data
	// neverNotFound is set if there is an answer for every machine: 404 is not how
	// the service says that a machine has no user data.
	neverNotFound bool
	// base64 is set if the service returns user data as it was given: encoded.
	base64 bool
}

// withTimeout is for the requests of a platform. Its time begins when there is a route
// to the service.
func (e *Env) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return e.Fetch.WithLimit(ctx, e.Timeout)
}

// fetch requests the user data, again and again until env's timeout.
func (s *service) fetch(ctx context.Context, env *Env) (*UserData, error) {
	ctx, cancel := env.withTimeout(ctx)
	defer cancel()
	request := s.request
	request.MaxBytes = config.CurrentLimit().Bytes
	text, err := env.IMDS.Do(ctx, request)
	if errors.Is(err, fetch.ErrNotFound) && !s.neverNotFound {
		return nil, nil
	}
	if err == nil && s.base64 {
		text, err = decodeBase64(text)
	}
	if err != nil {
		return nil, &report.Error{Doing: "reading the user data of " + env.Platform.Name, Err: err}
	}
	if len(text) == 0 {
		return nil, nil
	}
	return &UserData{Text: text, Name: fmt.Sprintf("user config (user data of %s)", env.Platform.Name)}, nil
}
