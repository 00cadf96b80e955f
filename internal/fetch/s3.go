package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/firstlight-os/firstlight/internal/http"
)

// openS3 gets an object of S3: s3://BUCKET/KEY or an ARN.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func openS3(ctx context.Context, c *Client, d download) (io.ReadCloser, error) {
	object, err := parseS3(d.source)
	if err != nil {
		return nil, err
	}
	s := &s3Source{client: c, object: object}
	s.region = object.firstRegion(s.instanceRegion(ctx))
	return c.openResuming(ctx, d, "s3 "+object.bucket, s.open)
}

// An s3Source corrects its region and its clock by the errors of S3.
type s3Source struct {
	client *Client
	object s3Object
	region string
	skew   time.Duration // how far S3's clock is before ours
	keys   AWSKeys
}

// instanceRegion returns the region of this machine, "" if that is unknown.
func (s *s3Source) instanceRegion(ctx context.Context) string {
	if s.client.Credentials.AWSRegion == nil || s.object.region != "" {
		return ""
	}
	region, err := s.client.Credentials.AWSRegion(ctx)
	if err != nil {
		s.client.Log.Warn(fmt.Sprintf("%v; the bucket's region is found out in another way", err))
		return ""
	}
	return region
}

// maxCorrections bounds the corrections by S3 in one attempt.
const maxCorrections = 3

func (s *s3Source) open(ctx context.Context, at resumePoint) (*response, error) {
	for corrections := 0; ; corrections++ {
		who, err := s.identity(ctx)
		if err != nil {
			return nil, err
		}
		resp, err := s.get(ctx, at)
		if err == nil {
			return resp, nil
		}
		var status *StatusError
		if errors.As(err, &status) && corrections < maxCorrections && s.correct(status) {
			continue
		}
		return nil, asStoreError(storeError{Store: "S3", Bucket: s.object.bucket, Object: s.object.key, Region: s.region, Identity: who}, err)
	}
}

// identity gets the keys, and returns whose they are.
func (s *s3Source) identity(ctx context.Context) (string, error) {
	s.keys = AWSKeys{}
	if s.client.Credentials.AWS == nil {
		return "anonymously", nil
	}
	keys, err := s.client.Credentials.AWS(ctx)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		s.client.Log.Warn(fmt.Sprintf("%v; the object is asked for anonymously", err))
		return fmt.Sprintf("anonymously (no credentials: %v)", err), nil
	case keys.ID == "":
		return "anonymously (this machine has no role)", nil
	}
	s.keys = keys
	return fmt.Sprintf("as the role %q (key %s)", keys.Name, Printable(keys.ID)), nil
}

func (s *s3Source) get(ctx context.Context, at resumePoint) (*response, error) {
	c := s.client
	req := newGet(s.object.url(s.region), http.Header{"Accept-Encoding": {"identity"}, "User-Agent": defaultHeaders()["User-Agent"]})
	at.addTo(req.Header)
	if s.keys.ID != "" {
		sign(req, s.keys, serviceS3, s.region, c.Clock.Now().Add(s.skew))
	}
	// After a redirect another signature would be needed.
	return c.attempt(ctx, req, at, noRedirects)
}

// correct takes the region or the clock from an error of S3, and reports whether
// another request makes sense.
func (s *s3Source) correct(status *StatusError) bool {
	region := status.header.Get("X-Amz-Bucket-Region")
	if region == "" {
		region = xmlText(status.excerpt, "Region")
	}
	if region != "" && region != s.region && isRegion(region) && s.object.region == "" {
		s.client.Log.Info(fmt.Sprintf("the bucket %q is in %s, not in %s", s.object.bucket, region, s.region))
		s.region = region
		return true
	}
	date, err := http.ParseTime(status.header.Get("Date"))
	if xmlText(status.excerpt, "Code") == "RequestTimeTooSkewed" && err == nil {
		s.skew = date.Sub(s.client.Clock.Now())
		s.client.Log.Warn(fmt.Sprintf("the clocks of this machine and of S3 are %v apart; requests are signed with S3's time", s.skew.Abs().Round(time.Minute)))
		return true
	}
	return false
}
