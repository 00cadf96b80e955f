package fetch

import (
	"errors"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestFilesBesideOthers(t *testing.T) {
	for source, want := range map[string]string{
		"https://host/a":                    "https://host/a.sig",
		"HTTP://host:80/a/b.ign?x=/?y#z":    "HTTP://host:80/a/b.ign.sig?x=/?y#z",
		"https://host/":                     "https://host/.sig",
		"https://host":                      "",
		"https://host?a=/b":                 "",
		"tftp://host/a":                     "tftp://host/a.sig",
		"s3://bucket/key?versionId=1":       "s3://bucket/key.sig?versionId=1",
		"gs://bucket/key":                   "gs://bucket/key.sig",
		"arn:aws:s3:::bucket/key":           "arn:aws:s3:::bucket/key.sig",
		"oem:///a.ign":                      "oem:///a.ign.sig",
		"data:,a/b":                         "",
		"credential:a/b":                    "",
		"age:https://host/a":                "",
		"":                                  "",
		"https://u:p@host/a%2Fb;c":          "https://u:p@host/a%2Fb;c.sig",
		"http://[fe80::1%25eth0]/user-data": "http://[fe80::1%25eth0]/user-data.sig",
	} {
		testkit.Equal(t, source, Beside(source, ".sig"), want)
	}
}

func TestBytesAreCheckedAsTheyWereFetched(t *testing.T) {
	const plain = "contents"
	packed := testkit.Gzip(plain)
	const (
		sum   = "sha256-d1b2a59fbea7e20077af9f91b27e95e865061b270be03ff539ab3b73587882e8"
		wrong = "sha256-0000000000000000000000000000000000000000000000000000000000000000"
	)
	refused := errors.New("refused")
	gzipped := "data:;base64," + testkit.Base64(packed)
	c := New(report.NewWriterLogger(t.Output()), 0)
	for name, tc := range map[string]struct {
		source, compression, hash string
		raw                       string
		check                     error
		want                      string
	}{
		"plain":                 {"data:,contents", "", sum, plain, nil, ""},
		"compressed":            {gzipped, "gzip", sum, packed, nil, ""},
		"refused":               {"data:,contents", "", sum, plain, refused, "refused"},
		"compressed, refused":   {gzipped, "gzip", wrong, packed, refused, "refused"},
		"compressed, wrong sum": {gzipped, "gzip", wrong, packed, nil, "the sha256 of what was fetched is not the one in the config"},
		"not compressed":        {"data:,contents", "gzip", sum, plain, nil, "the config says that it is compressed with gzip, but it does not begin like that"},
	} {
		r := resourceOf(tc.source)
		r.Verification.Hash, r.Compression = &tc.hash, &tc.compression
		var raw string
		got, err := c.CheckedBytes(t.Context(), r, config.Limit{Bytes: 1000}, func(b []byte) ([]byte, error) { raw = string(b); return b, tc.check })
		testkit.Equal(t, name+": raw", raw, tc.raw)
		if tc.want != "" {
			testkit.ErrorContains(t, name, err, tc.want)
			continue
		}
		testkit.NoError(t, err)
		testkit.Equal(t, name, string(got), plain)
	}
}
