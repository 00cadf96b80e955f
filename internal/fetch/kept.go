package fetch

import (
	"context"
	"maps"
	"sync"
	"time"
)

// CredentialCache is what metadata services have said about this machine, for the clients
// of later processes, which then need not ask again. It holds secrets.
type CredentialCache map[string]CachedText

// CachedText is a text that may be used for some time.
type CachedText struct {
	Text  string `json:"text"`
	Until int64  `json:"until"` // in seconds since 1970
}

// ExportCredentials is what this client knows by now.
func (c *Client) ExportCredentials() CredentialCache {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.credentialCache)
}

// ImportCredentials makes a client know what one of an earlier process has kept. It is to
// be called before anything is fetched.
func (c *Client) ImportCredentials(k CredentialCache) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.credentialCache = maps.Clone(k)
}

func (c *Client) cachedText(name string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.credentialCache[name]
	return k.Text, c.Clock.now().Unix() < k.Until
}

func (c *Client) cacheText(name, text string, end time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.credentialCache == nil {
		c.credentialCache = CredentialCache{}
	}
	c.credentialCache[name] = CachedText{text, end.Add(-renewBefore).Unix()}
}

// remembered keeps by a name what get has returned, until shortly before its
// end, and an error for a while, so that a thousand files cost one inquiry.
func (c *Client) cached(name string, get func(context.Context) (string, time.Time, error)) func(context.Context) (string, error) {
	var asking sync.Mutex
	var failed error
	var failedUntil time.Time
	return func(ctx context.Context) (string, error) {
		asking.Lock()
		defer asking.Unlock()
		if text, ok := c.cachedText(name); ok {
			return text, nil
		}
		if c.Clock.now().Before(failedUntil) {
			return "", failed
		}
		ctx, cancel := context.WithTimeout(ctx, credentialTime)
		defer cancel()
		text, end, err := get(ctx)
		if err != nil {
			failed, failedUntil = err, c.Clock.now().Add(credentialPause)
			return "", err
		}
		c.cacheText(name, text, end)
		return text, nil
	}
}
