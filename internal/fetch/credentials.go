package fetch

import "context"

// Credentials prove to object stores who this machine is. Package imds gets them
// from the platform. A function that is nil, or returns nothing, means anonymous
// requests.
type Credentials struct {
	// AWS returns keys for S3.
	AWS func(context.Context) (AWSKeys, error)
	// AWSRegion returns the region of this machine, in which buckets are looked
	// for first.
	AWSRegion func(context.Context) (string, error)
	// Google returns a bearer token for Cloud Storage.
	Google func(context.Context) (string, error)
	// Azure returns a bearer token for blob storage.
	Azure func(context.Context) (string, error)
}

// AWSKeys sign requests. Without an ID there are none.
type AWSKeys struct {
	ID, Secret, Token string
	Name              string // of the role, to be shown
}
