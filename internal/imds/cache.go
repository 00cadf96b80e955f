package imds

import (
	"context"
	"maps"
	"sync"
	"time"
)

const (
	// requestTime bounds one request for credentials.
	requestTime = 15 * time.Second
	// failurePause is how long after a failure there is no other request.
	failurePause = time.Minute
	// renewBefore is how long before their end credentials are not used any more.
	renewBefore = 5 * time.Minute
	// maxCredentials bounds a response with credentials or a token, in bytes.
	maxCredentials = 64 << 10
)

// A CredentialCache holds what metadata services have said about this machine, by
// names of ours, for later processes. It holds secrets.
type CredentialCache map[string]CachedText

// A CachedText may be used for some time.
type CachedText struct {
	Text  string `json:"text"`
	Until int64  `json:"until"` // in seconds since 1970
}

// ExportCredentials returns a copy of the cache.
func (c *Client) ExportCredentials() CredentialCache {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.cache)
}

// ImportCredentials fills the cache with what a client of an earlier process has
// exported. It is called before any request.
func (c *Client) ImportCredentials(cache CredentialCache) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cache = maps.Clone(cache)
}

func (c *Client) load(name string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cached := c.cache[name]
	return cached.Text, c.fetch.Clock.Now().Unix() < cached.Until
}

func (c *Client) store(name, text string, end time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cache == nil {
		c.cache = CredentialCache{}
	}
	c.cache[name] = CachedText{text, end.Add(-renewBefore).Unix()}
}

// cached returns request with a cache before it: of its text until shortly before
// its end, and of its error for a while.
func (c *Client) cached(name string, request func(context.Context) (text string, end time.Time, err error)) func(context.Context) (string, error) {
	var one sync.Mutex
	var failure error
	var failedUntil time.Time
	return func(ctx context.Context) (string, error) {
		one.Lock()
		defer one.Unlock()
		if text, ok := c.load(name); ok {
			return text, nil
		}
		if c.fetch.Clock.Now().Before(failedUntil) {
			return "", failure
		}
		ctx, cancel := context.WithTimeout(ctx, requestTime)
		defer cancel()
		text, end, err := request(ctx)
		if err != nil {
			failure, failedUntil = err, c.fetch.Clock.Now().Add(failurePause)
			return "", err
		}
		c.store(name, text, end)
		return text, nil
	}
}
