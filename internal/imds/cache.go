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

// Load returns what is cached by a name, and whether it may still be used.
func (c *Client) Load(name string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cached := c.cache[name]
	return cached.Text, c.fetch.Clock.Now().Unix() < cached.Until
}

// Store caches a text until some time.
func (c *Client) Store(name, text string, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cache == nil {
		c.cache = CredentialCache{}
	}
	c.cache[name] = CachedText{text, until.Unix()}
}

// A cachedRequest is one whose answer has a name in the cache.
type cachedRequest struct {
	one         sync.Mutex
	failure     error
	failedUntil time.Time
}

// cached makes a request with a cache before it: of its text until shortly before its end,
// and of its error for a while.
func (c *Client) cached(ctx context.Context, name string, request func(context.Context) (text string, end time.Time, err error)) (string, error) {
	known, _ := c.requests.LoadOrStore(name, new(cachedRequest))
	r := known.(*cachedRequest)
	r.one.Lock()
	defer r.one.Unlock()
	if text, ok := c.Load(name); ok {
		return text, nil
	}
	if c.fetch.Clock.Now().Before(r.failedUntil) {
		return "", r.failure
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	text, end, err := request(ctx)
	if err != nil {
		r.failure, r.failedUntil = err, c.fetch.Clock.Now().Add(failurePause)
		return "", err
	}
	c.Store(name, text, end.Add(-renewBefore))
	return text, nil
}
