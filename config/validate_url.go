package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/firstlight-os/firstlight/internal/dataurl"
)

// urlSchemes lists what sources can be fetched from, and since which version.
var urlSchemes = [...]struct {
	name  string
	since Version
	check func(*url.URL) error
}{
	{"http", V3_0, nil},
	{"https", V3_0, nil},
	{"tftp", V3_0, nil},
	{"s3", V3_0, checkVersionID},
	{"gs", V3_2, nil},
	{"arn", V3_4, checkARN},
}

// checkURL says what is wrong with a source.
func checkURL(source string, version Version) error {
	if strings.HasPrefix(source, "data:") {
		return dataurl.Check(source)
	}
	u, err := url.Parse(source)
	if err != nil {
		return cannotParse(err)
	}
	for i := range urlSchemes {
		s := &urlSchemes[i]
		switch {
		case s.name != u.Scheme:
		case s.since > version:
			return fmt.Errorf("%s URLs exist since version %s of the spec", s.name, s.since)
		case s.check != nil:
			return s.check(u)
		default:
			return nil
		}
	}
	switch u.Scheme {
	case "data":
		return errors.New("the scheme of a data URL should be in lower case, \"data:\"")
	case "":
		return fmt.Errorf("the URL has no scheme (contents in its place are \"data:,TEXT\" or \"data:;base64,...\"); it should start with one of %s", schemeList(version))
	}
	return fmt.Errorf("the scheme %s of this URL is unknown; it should be one of %s", quote(u.Scheme), schemeList(version))
}

func schemeList(version Version) string {
	var names []string
	for i := range urlSchemes {
		if urlSchemes[i].since <= version {
			names = append(names, urlSchemes[i].name)
		}
	}
	return strings.Join(append(names, "data"), ", ")
}

// cannotParse drops the URL from an error, as there may be passwords in it.
func cannotParse(err error) error {
	var parse *url.Error
	if errors.As(err, &parse) {
		err = parse.Err
	}
	// What these two quote is a part of the URL.
	var host url.InvalidHostError
	var escape url.EscapeError
	switch {
	case errors.As(err, &host):
		return errors.New("this is not a URL: there is a character in the host's name that cannot be there")
	case errors.As(err, &escape):
		return errors.New("this is not a URL: there is a % without two hexadecimal digits after it")
	}
	cause, _, _ := strings.Cut(err.Error(), " \"")
	return fmt.Errorf("this is not a URL: %s", cause)
}

// isHTTP reports whether a source is requested by HTTP, so that it can have
// httpHeaders.
func isHTTP(source string) bool {
	if strings.HasPrefix(source, "data:") {
		return false
	}
	u, err := url.Parse(source)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

// checkVersionID is for S3 objects: a version that is named must not be empty.
func checkVersionID(u *url.URL) error {
	if ids, ok := u.Query()["versionId"]; ok && ids[0] == "" {
		return errors.New("the URL's versionId is empty; set the id, or remove it for the newest version")
	}
	return nil
}

// checkARN is for names of S3 objects in the form of Amazon Resource Names.
func checkARN(u *url.URL) error {
	plain := *u
	plain.RawQuery, plain.ForceQuery = "", false
	name := plain.String()
	parts := strings.SplitN(name, ":", 6)
	const forms = "; it should look like arn:aws:s3:::BUCKET/KEY or arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/object/KEY"
	if len(parts) < 6 {
		return errors.New("an ARN has six parts with colons between" + forms)
	}
	if parts[2] != "s3" {
		return errors.New("the ARN's service is not \"s3\"" + forms)
	}
	needed := 1
	if strings.HasPrefix(parts[5], "accesspoint/") {
		needed = 2
	}
	if strings.Count(name, "/") < needed {
		return errors.New("the ARN does not name an object" + forms)
	}
	return checkVersionID(u)
}
