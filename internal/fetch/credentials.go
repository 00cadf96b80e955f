package fetch

import (
	"context"
	"time"
)

// Credentials prove to stores who this machine is. Package imds gets them from the
// platform. A function that is nil, or returns nothing, means anonymous requests, which
// stores of secrets are not asked by.
type Credentials struct {
	// AWS returns keys that sign requests.
	AWS func(context.Context) (AWSKeys, error)
	// AWSRegion returns the region of this machine, in which buckets are looked
	// for first.
	AWSRegion func(context.Context) (string, error)
	// Google returns a bearer token with a scope.
	Google func(ctx context.Context, scope string) (string, error)
	// GoogleIdentity returns a JSON Web Token that says which instance this is.
	GoogleIdentity func(ctx context.Context, audience string) (string, error)
	// Azure returns a bearer token for a resource, such as "https://vault.azure.net". Of
	// several identities of a machine the one is meant whose ID follows: "&client_id=ID".
	Azure func(ctx context.Context, resource string) (string, error)
	// AzureMachine returns what the platform says of this machine, as JSON.
	AzureMachine func(context.Context) (string, error)
	// Tokens are those that vaults have given. May be nil.
	Tokens Tokens
}

// Tokens keep what servers have given for a login, for other fetches and later processes.
type Tokens interface {
	Load(name string) (token string, ok bool)
	// Store keeps a token until some time.
	Store(name, token string, until time.Time)
}

// AWSKeys sign requests. Without an ID there are none.
type AWSKeys struct {
	ID, Secret, Token string
	Name              string // of the role, to be shown
}
