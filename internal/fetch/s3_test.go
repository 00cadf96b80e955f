package fetch

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/http"
)

// The example of Amazon's documentation, "GET Object".
func TestSignature(t *testing.T) {
	keys := AWSKeys{ID: "AKIAIOSFODNN7EXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	r := newGet(&url.URL{Scheme: "https", Host: "examplebucket.s3.amazonaws.com", Path: "/test.txt"}, http.Header{"Range": {"bytes=0-9"}, "User-Agent": {"x"}})
	sign(r, keys, serviceS3, "us-east-1", time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
	const want = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
	if got := r.Header.Get("Authorization"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Examples of Amazon's documentation and test suite: a query with a kind of body, a request
// by POST without a body, and one with it.
func TestSignaturesOfOtherServices(t *testing.T) {
	keys := AWSKeys{ID: "AKIDEXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	const form = "application/x-www-form-urlencoded"
	for _, tc := range []struct {
		method, host, query, kind, body, service, want string
	}{
		{"GET", "iam.amazonaws.com", "Action=ListUsers&Version=2010-05-08", form + "; charset=utf-8", "", "iam", "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
		{"POST", "example.amazonaws.com", "", "", "", "service", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"POST", "example.amazonaws.com", "", form, "Param1=value1", "service", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	} {
		r := &http.Request{Method: tc.method, URL: &url.URL{Scheme: "https", Host: tc.host, Path: "/", RawQuery: tc.query}, Header: http.Header{}, Body: []byte(tc.body)}
		if tc.kind != "" {
			r.Header.Set("Content-Type", tc.kind)
		}
		sign(r, keys, tc.service, "us-east-1", time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))
		if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, ",Signature="+tc.want) {
			t.Errorf("%s %s: got %s\nwant %s", tc.method, tc.body, got, tc.want)
		}
	}
}

func TestURLsOfS3Objects(t *testing.T) {
	for source, want := range map[string]string{
		"s3://b/k":  "https://b.s3.dualstack.us-east-1.amazonaws.com/k",
		"s3://b//k": "https://b.s3.dualstack.us-east-1.amazonaws.com/k",
		"s3://b/a%20b/é+*~.ign?versionId=a+b%2F": "https://b.s3.dualstack.us-east-1.amazonaws.com/a%20b/%C3%A9%2B%2A~.ign?versionId=a%20b%2F",
		"s3://b.c/k":                                        "https://s3.dualstack.us-east-1.amazonaws.com/b.c/k",
		"s3://Old_One/k":                                    "https://s3.dualstack.us-east-1.amazonaws.com/Old_One/k",
		"arn:aws:s3:::b/a/k":                                "https://b.s3.dualstack.us-east-1.amazonaws.com/a/k",
		"arn:aws:s3:::b/a%20b":                              "https://b.s3.dualstack.us-east-1.amazonaws.com/a%2520b",
		"arn:aws-cn:s3:::b/k?versionId=1":                   "https://b.s3.dualstack.cn-north-1.amazonaws.com.cn/k?versionId=1",
		"arn:aws-us-gov:s3:::b/k":                           "https://b.s3.dualstack.us-gov-west-1.amazonaws.com/k",
		"arn:aws-iso:s3:::b/k":                              "https://b.s3.us-iso-east-1.c2s.ic.gov/k",
		"arn:aws-iso-b:s3:::b/k":                            "https://b.s3.us-isob-east-1.sc2s.sgov.gov/k",
		"arn:aws-new:s3:::b/k":                              "https://b.s3.dualstack.us-east-1.amazonaws.com/k",
		"arn:aws:s3:eu-west-1:123:accesspoint/p/object/a/k": "https://p-123.s3-accesspoint.dualstack.eu-west-1.amazonaws.com/a/k",
		"arn:aws-cn:s3:cn-north-1:123:accesspoint/p/object/k?versionId=x": "https://p-123.s3-accesspoint.dualstack.cn-north-1.amazonaws.com.cn/k?versionId=x",
	} {
		o, err := parseS3(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if got := o.url(o.firstRegion("")).String(); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", source, got, want)
		}
	}
}

func TestRegionOfThisMachineIsTriedFirst(t *testing.T) {
	for _, tc := range [][3]string{
		{"s3://b/k", "eu-west-1", "eu-west-1"},
		{"s3://b/k", "cn-north-1", "cn-north-1"},
		{"s3://b/k", "evil.example.com/", "us-east-1"},
		{"arn:aws:s3:::b/k", "eu-west-1", "eu-west-1"},
		{"arn:aws-cn:s3:::b/k", "eu-west-1", "cn-north-1"},
		{"arn:aws:s3:us-west-2:1:accesspoint/p/object/k", "eu-west-1", "us-west-2"},
	} {
		o, err := parseS3(tc[0])
		if got := o.firstRegion(tc[1]); err != nil || got != tc[2] {
			t.Errorf("%s in %s: got %s, %v, want %s", tc[0], tc[1], got, err, tc[2])
		}
	}
}

func TestBadS3URLsAreRefused(t *testing.T) {
	for source, want := range map[string]string{
		"s3://b":                               "the URL does not name an object; it should look like s3://BUCKET/KEY",
		"s3://b/":                              "does not name an object",
		"s3:///k":                              "does not name an object",
		"s3://b%zz/k":                          "this is not a URL",
		"arn:aws:s3":                           "it should look like arn:aws:s3:::BUCKET/KEY",
		"arn:aws:ec2:::b/k":                    "the ARN's service is not",
		"arn:aws:s3:::b":                       "does not name an object",
		"arn:aws:s3:::b@evil.example.com/k":    "does not name an object",
		"arn:aws:s3:r:1:accesspoint/p":         "or arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/object/KEY",
		"arn:aws:s3::1:accesspoint/p/object/k": "no region or no account",
		"arn:aws:s3:r.evil:1:accesspoint/p/object/k": "no region or no account",
		"arn:aws:s3:r:1:accesspoint/p/object/":       "does not name an object",
	} {
		c, _, _ := newTestClient(t)
		_, err := get(t, c, resourceOf(source))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", source, err, want)
		}
	}
}
