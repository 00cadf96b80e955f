package fetch

import (
	"context"
	"sync"
	"time"
)

// Kept is what metadata services have said about this machine, for the clients
// of later processes, which then need not ask again. It holds secrets.
type Kept struct {
	AWS       Known[AWSKeys] `json:"aws,omitzero"`
	AWSRegion Known[string]  `json:"awsRegion,omitzero"`
	Google    Known[string]  `json:"google,omitzero"`
	Azure     Known[string]  `json:"azure,omitzero"`
}

// Known is a value that may be used for some time.
type Known[T any] struct {
	Value T     `json:"value"`
	Until int64 `json:"until"` // in seconds since 1970
}

// Keep is what this client knows by now.
func (c *Client) Keep() Kept {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept
}

// Recall makes a client know what one of an earlier process has kept. It is to
// be called before anything is fetched.
func (c *Client) Recall(k Kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = k
}

// remembered keeps in the client what get has returned, until shortly before its
// end, and an error for a while, so that a thousand files cost one inquiry.
func remembered[T any](c *Client, known *Known[T], get func(context.Context) (T, time.Time, error)) func(context.Context) (T, error) {
	var asking sync.Mutex
	var failed error
	var failedUntil time.Time
	return func(ctx context.Context) (T, error) {
		asking.Lock()
		defer asking.Unlock()
		c.mu.Lock()
		old := *known
		c.mu.Unlock()
		now := c.Clock.now()
		if now.Unix() < old.Until {
			return old.Value, nil
		}
		if now.Before(failedUntil) {
			return *new(T), failed
		}
		ctx, cancel := context.WithTimeout(ctx, credentialTime)
		defer cancel()
		value, end, err := get(ctx)
		if err != nil {
			failed, failedUntil = err, c.Clock.now().Add(credentialPause)
			return value, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		*known = Known[T]{value, end.Add(-renewBefore).Unix()}
		return value, nil
	}
}
