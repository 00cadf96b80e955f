package fetch_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/stores"
)

// An s3 is a store that checks requests as Amazon's does: host, region,
// signature by its own computation, time, token, version and range.
type s3 struct {
	objects map[string]string // "REGION BUCKET/KEY" or "...?VERSION"
	public  map[string]bool   // buckets
	stores.Signatures
	cut      int // bytes after which the first answer breaks off
	busy     int // answers of 503 before the first other
	mu       sync.Mutex
	requests []string
	problems []string
}

func newS3() *s3 {
	return &s3{
		objects: map[string]string{
			"us-east-1 public/k":      "public",
			"eu-west-1 private/a b+é": "private",
			"eu-west-1 private/v?7":   "version 7",
			"eu-west-1 my.dots/k":     "dotted",
			"us-west-2 point-1234/k":  "through a point",
			"cn-north-1 china/k":      "china",
		},
		public:     map[string]bool{"public": true, "china": true},
		Signatures: stores.NewSignatures(),
	}
}

func (s *s3) fail(w http.ResponseWriter, status int, code, more string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>Message of %s</Message>%s<RequestId>1</RequestId></Error>", code, code, more)
}

// place takes a host apart: [BUCKET.]s3[-accesspoint].dualstack.REGION.SUFFIX.
func place(r *http.Request) (region, bucket, key string, ok bool) {
	host, suffix, ok := strings.Cut(strings.ReplaceAll(r.Host, ".s3-accesspoint.", ".s3."), "s3.dualstack.")
	region, domain, ok2 := strings.Cut(suffix, ".")
	if strings.HasPrefix(region, "cn-") != (domain == "amazonaws.com.cn") || !strings.HasPrefix(domain, "amazonaws.com") {
		return "", "", "", false
	}
	bucket, key = strings.TrimSuffix(host, "."), strings.TrimPrefix(r.URL.Path, "/")
	if bucket == "" {
		bucket, key, _ = strings.Cut(key, "/")
	}
	return region, bucket, key, ok && ok2
}

func (s *s3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Host)
	region, bucket, key, ok := place(r)
	w.Header().Set("Date", s.Clock().UTC().Format(http.TimeFormat))
	who, code := s.signer(r, region)
	home := ""
	for name := range s.objects {
		if rg, b, _ := strings.Cut(name, " "); strings.HasPrefix(b, bucket+"/") {
			home = rg
		}
	}
	switch {
	case !ok || r.Method != http.MethodGet:
		s.problems = append(s.problems, "odd request: "+r.Method+" "+r.Host)
		s.fail(w, 400, "InvalidURI", "")
	case s.busy > 0:
		s.busy--
		s.fail(w, 503, "SlowDown", "")
	case home == "":
		s.fail(w, 404, "NoSuchBucket", "")
	case home != region && who == "":
		w.Header().Set("X-Amz-Bucket-Region", home)
		s.fail(w, 301, "PermanentRedirect", "")
	case home != region:
		s.fail(w, 400, "AuthorizationHeaderMalformed", "<Region>"+home+"</Region>")
	case code != "":
		s.fail(w, 403, code, "")
	case who == "" && !s.public[bucket]:
		s.fail(w, 403, "AccessDenied", "")
	default:
		s.object(w, r, region+" "+bucket+"/"+key)
	}
}

func (s *s3) object(w http.ResponseWriter, r *http.Request, name string) {
	if v := r.URL.Query().Get("versionId"); v != "" {
		name += "?" + v
	}
	text, ok := s.objects[name]
	if !ok {
		s.fail(w, 404, "NoSuchKey", "")
		return
	}
	w.Header().Set("ETag", `"etag"`)
	if s.cut > 0 {
		w = &cutWriter{ResponseWriter: w, left: s.cut}
		s.cut = 0
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
}

// signer checks a signature. The code is that of the error.
func (s *s3) signer(r *http.Request, region string) (id, code string) {
	id, problem := s.Check(r, nil, "s3", region)
	return id, cmp.Or(map[string]string{"Malformed": "AuthorizationHeaderMalformed", "NotSigned": "AccessDenied"}[problem], problem)
}

var amazon = []string{"*.s3.dualstack.us-east-1.amazonaws.com", "*.s3.dualstack.eu-west-1.amazonaws.com", "s3.dualstack.us-east-1.amazonaws.com",
	"s3.dualstack.eu-west-1.amazonaws.com", "*.s3-accesspoint.dualstack.us-west-2.amazonaws.com", "*.s3.dualstack.cn-north-1.amazonaws.com.cn"}

func asRole(c *fetch.Client, keys fetch.AWSKeys, region string) {
	c.Credentials.AWS = func(context.Context) (fetch.AWSKeys, error) { return keys, nil }
	c.Credentials.AWSRegion = func(context.Context) (string, error) { return region, nil }
}

var role = fetch.AWSKeys{ID: "AKIA1", Secret: "s3cr3t", Token: "tok", Name: "web"}

func TestS3(t *testing.T) {
	const host = ".s3.dualstack."
	for name, tc := range map[string]struct {
		source string
		keys   *fetch.AWSKeys
		region string
		want   string
		hosts  string // that were asked
	}{
		"anonymous":         {"s3://public/k", nil, "", "public", "public" + host + "us-east-1.amazonaws.com"},
		"an ARN":            {"arn:aws:s3:::public/k", nil, "", "public", "public" + host + "us-east-1.amazonaws.com"},
		"another partition": {"arn:aws-cn:s3:::china/k", nil, "", "china", "china" + host + "cn-north-1.amazonaws.com.cn"},
		"no role":           {"s3://public/k", &fetch.AWSKeys{}, "us-east-1", "public", "public" + host + "us-east-1.amazonaws.com"},
		"signed":            {"s3://private/a%20b+é", &role, "eu-west-1", "private", "private" + host + "eu-west-1.amazonaws.com"},
		"signed, version":   {"s3://private/v?versionId=7", &role, "eu-west-1", "version 7", "private" + host + "eu-west-1.amazonaws.com"},
		"signed, dots":      {"s3://my.dots/k", &role, "eu-west-1", "dotted", "s3.dualstack.eu-west-1.amazonaws.com"},
		"signed, far away":  {"s3://private/a%20b+é", &role, "us-east-1", "private", "private" + host + "us-east-1.amazonaws.com private" + host + "eu-west-1.amazonaws.com"},
		"anonymous, far":    {"s3://public/k", nil, "eu-west-1", "public", "public" + host + "us-east-1.amazonaws.com"},
		"access point":      {"arn:aws:s3:us-west-2:1234:accesspoint/point/object/k", &role, "eu-west-1", "through a point", "point-1234.s3-accesspoint.dualstack.us-west-2.amazonaws.com"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newS3()
			c, log, _ := through(t, s.ServeHTTP, amazon...)
			if tc.keys != nil {
				asRole(c, *tc.keys, tc.region)
			}
			got, err := get(t, c, resource(tc.source))
			if got != tc.want || err != nil {
				t.Errorf("got %q, %v\n%s", got, err, log)
			}
			if hosts := strings.Join(s.requests, " "); hosts != tc.hosts || s.problems != nil {
				t.Errorf("asked %s, want %s; %q", hosts, tc.hosts, s.problems)
			}
			if said := log.String(); strings.Contains(said, "s3cr3t") || strings.Contains(said, "tok\n") || strings.Contains(said, "Signature") {
				t.Errorf("secrets are in the log:\n%s", said)
			}
		})
	}
}

func TestS3AnonymousFollowsTheBucket(t *testing.T) {
	s := newS3()
	s.public["private"] = true
	c, log, _ := through(t, s.ServeHTTP, amazon...)
	if got, err := get(t, c, resource("s3://private/v?versionId=7")); got != "version 7" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if !strings.Contains(log.String(), `the bucket "private" is in eu-west-1, not in us-east-1`) {
		t.Errorf("the log says:\n%s", log)
	}
}

func TestS3ErrorsNameWhatIsKnown(t *testing.T) {
	wrong := role
	wrong.Secret = "typo"
	stale := role
	stale.Token = "old"
	for name, tc := range map[string]struct {
		source string
		keys   *fetch.AWSKeys
		want   []string
	}{
		"anonymous": {"s3://private/v?versionId=7", nil, []string{"fetching s3://private/v?...: S3: through the proxy at ", ": the server answered 403 Forbidden: AccessDenied, Message of AccessDenied",
			"\nasked anonymously for the object \"v\" of the bucket \"private\" in eu-west-1"}},
		"no role":   {"s3://private/v", &fetch.AWSKeys{}, []string{"asked anonymously (this machine has no role) for"}},
		"no key":    {"s3://private/none", &role, []string{"404 Not Found: NoSuchKey", `asked as the role "web" (key AKIA1) for the object "none" of the bucket "private" in eu-west-1`}},
		"no bucket": {"s3://nothing/k", &role, []string{"404 Not Found: NoSuchBucket", `the bucket "nothing"`}},
		"a secret":  {"s3://private/v", &wrong, []string{"403 Forbidden: SignatureDoesNotMatch"}},
		"a token":   {"s3://private/v", &stale, []string{"403 Forbidden: InvalidToken"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, _, _ := through(t, newS3().ServeHTTP, amazon...)
			if tc.keys != nil {
				asRole(c, *tc.keys, "eu-west-1")
			}
			fails(t, c, resource(tc.source), tc.want...)
			if _, err := get(t, c, resource(tc.source)); hint(err) == "" || errors.Is(err, fetch.ErrNotFound) != strings.HasPrefix(name, "no ") && name != "no role" {
				t.Errorf("hint %q, %v", hint(err), err)
			}
		})
	}
	c, log, _ := through(t, newS3().ServeHTTP, amazon...)
	c.Credentials.AWS = func(context.Context) (fetch.AWSKeys, error) {
		return fetch.AWSKeys{}, errors.New("asking X: it is off")
	}
	c.Credentials.AWSRegion = func(context.Context) (string, error) { return "", errors.New("asking Y: it is off") }
	fails(t, c, resource("s3://private/v"), "AccessDenied", "asked anonymously (no credentials: asking X: it is off) for the object")
	for _, want := range []string{"WARNING  : asking X: it is off; the object is asked for anonymously", "WARNING  : asking Y: it is off; the bucket's region is found out in another way"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, log)
		}
	}
}

func TestS3WithAClockThatIsWrong(t *testing.T) {
	s := newS3()
	s.Clock = func() time.Time { return time.Now().Add(20 * 365 * 24 * time.Hour) }
	c, log, _ := through(t, s.ServeHTTP, amazon...)
	asRole(c, role, "eu-west-1")
	if got, err := get(t, c, resource("s3://private/v?versionId=7")); got != "version 7" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if !strings.Contains(log.String(), "WARNING  : the clocks of this machine and of S3 are 175200h0m0s apart; requests are signed with S3's time") {
		t.Errorf("the log says:\n%s", log)
	}
}

func TestS3IsResumedWithNewSignaturesAndAskedAgainWhenBusy(t *testing.T) {
	s := newS3()
	s.objects["eu-west-1 private/big"] = strings.Repeat("0123456789", 1000)
	s.cut, s.busy = 4000, 2
	c, log, _ := through(t, s.ServeHTTP, amazon...)
	asRole(c, role, "eu-west-1")
	got, err := get(t, c, resource("s3://private/big"))
	if got != s.objects["eu-west-1 private/big"] || err != nil || len(s.requests) != 4 {
		t.Errorf("got %d bytes, %v, %d requests", len(got), err, len(s.requests))
	}
	if !strings.Contains(log.String(), "the server answered 503 Service Unavailable: SlowDown, Message of SlowDown") {
		t.Errorf("the log says:\n%s", log)
	}
}

func TestS3ContentsMayBeCompressed(t *testing.T) {
	s := newS3()
	s.objects["us-east-1 public/z"] = testkit.Gzip("plain text")
	c, _, _ := through(t, s.ServeHTTP, amazon...)
	r, gz := resource("s3://public/z"), "gzip"
	r.Compression = &gz
	if got, err := get(t, c, r); got != "plain text" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}
