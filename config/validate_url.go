package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/dataurl"
)

// urlSchemes lists what sources can be fetched from, and since which version.
var urlSchemes = [...]struct {
	name  string
	since Version
	check func(*url.URL) *fault
}{
	{"http", V3_0, checkHost},
	{"https", V3_0, checkHost},
	{"tftp", V3_0, checkTFTP},
	{"s3", V3_0, checkS3},
	{"gs", V3_2, checkGS},
	{"arn", V3_4, checkARN},
}

// localSchemes are those that AllowScheme was called with.
var localSchemes []string

// AllowScheme has URLs of a scheme accepted that is not in the spec, and that needs no
// network. It is for a program that can fetch them, which calls it before anything else
// of this package.
func AllowScheme(name string) {
	if !slices.Contains(localSchemes, name) {
		localSchemes = append(localSchemes, name)
	}
}

// CheckURL says what is wrong with a source, by the rules of the newest version: all
// that can be known before a server is asked. The error has no part of the URL that
// can be secret.
func CheckURL(source string) error {
	if f := checkURL(source, Newest); f != nil {
		return f
	}
	return nil
}

// A fault is what is wrong with a value: the rule that it breaks, and a message.
type fault struct {
	rule    Rule
	message string
}

func newFault(r Rule, format string, args ...any) *fault {
	return &fault{r, fmt.Sprintf(format, args...)}
}

func (f *fault) Error() string { return f.message }

// checkURL is CheckURL by the rules of a version.
func checkURL(source string, version Version) *fault {
	if strings.HasPrefix(source, "data:") {
		if err := dataurl.Check(source); err != nil {
			return &fault{RuleDataURL, err.Error()}
		}
		return nil
	}
	if s, rest := findSecretScheme(source); s != nil {
		return s.checkSecret(rest)
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
			return newFault(RuleValueSince, "%s URLs exist since version %s of the spec", s.name, s.since)
		default:
			return s.check(u)
		}
	}
	if slices.Contains(localSchemes, u.Scheme) {
		return nil
	}
	switch u.Scheme {
	case "data":
		return newFault(RuleURLScheme, "the scheme of a data URL should be in lower case, \"data:\"")
	case "":
		return newFault(RuleURLScheme, "the URL has no scheme (contents in its place are \"data:,TEXT\" or \"data:;base64,...\"); it should start with one of %s", schemeList(version))
	}
	if strings.Contains(u.Opaque, "@") { // user:password@host, whose scheme would be the user
		return newFault(RuleURLScheme, "a scheme is missing in front of the user of this URL; it should be one of %s, with ://", schemeList(version))
	}
	return newFault(RuleURLScheme, "the scheme %s of this URL is unknown; it should be one of %s", quote(u.Scheme), schemeList(version))
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
func cannotParse(err error) *fault {
	source := ""
	var parse *url.Error
	if errors.As(err, &parse) {
		source, err = parse.URL, parse.Err
	}
	// What these two quote is a part of the URL.
	var host url.InvalidHostError
	var escape url.EscapeError
	switch {
	case errors.As(err, &host):
		return newFault(RuleURLForm, "this is not a URL: there is a character in the host's name that cannot be there")
	case errors.As(err, &escape):
		return badEscape(source, string(escape))
	case strings.HasPrefix(err.Error(), "invalid host"):
		return newFault(RuleURLForm, "this is not a URL: what is in the brackets is not an address of IPv6; with an interface it looks like [fe80::1%%25eth0]")
	}
	cause, _, _ := strings.Cut(err.Error(), " \"")
	return newFault(RuleURLForm, "this is not a URL: %s", cause)
}

// badEscape says what is wrong with a % in a URL.
func badEscape(source, escape string) *fault {
	_, address, _ := strings.Cut(source, "[")
	address, _, _ = strings.Cut(address, "]")
	switch {
	case strings.Contains(address, escape) && strings.Contains(address, "%25"):
		return newFault(RuleURLForm, "this is not a URL: what follows after the address of IPv6 cannot be the name of a network interface")
	case strings.Contains(address, escape):
		return newFault(RuleURLForm, "this is not a URL: the %% before the interface of an address is written %%25, as in [fe80::1%%25eth0] (RFC 6874)")
	case len(escape) == 3 && isHex(escape[1]) && isHex(escape[2]):
		return newFault(RuleURLForm, "this is not a URL: there is a %% in the host's name")
	}
	return newFault(RuleURLForm, "this is not a URL: there is a %% without two hexadecimal digits after it")
}

// isHTTP reports whether a source is requested by HTTP, so that it can have
// httpHeaders.
func isHTTP(source string) bool {
	source, _ = CutAge(source)
	if strings.HasPrefix(source, "data:") {
		return false
	}
	u, err := url.Parse(source)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

// checkTFTP is for files of a TFTP server.
func checkTFTP(u *url.URL) *fault {
	switch {
	case strings.Trim(u.Path, "/") == "":
		return newFault(RuleURLObject, "the URL names no file; it should look like tftp://HOST/PATH")
	case strings.Contains(u.Path, "\x00"):
		return newFault(RuleNULCharacter, "there is a NUL in the URL's path, which cannot be the name of a file")
	case len(u.Path) > maxPath:
		return newFault(RulePathLength, "the URL's path is %d bytes long, at most %d are possible", len(u.Path), maxPath)
	}
	return checkHost(u)
}

// checkS3 is for objects of S3.
func checkS3(u *url.URL) *fault {
	if !isObject(u) || !isBucket(u.Host) || u.User != nil {
		return newFault(RuleURLObject, "the URL does not name an object; it should look like s3://BUCKET/KEY")
	}
	return checkVersionID(u)
}

// isBucket reports whether a text can be the name of a bucket, or a part of it.
func isBucket(text string) bool {
	return text != "" && !strings.ContainsFunc(strings.ReplaceAll(text, ".", ""), isNoHostCharacter)
}

// checkGS is for objects of Google Cloud Storage.
func checkGS(u *url.URL) *fault {
	if !isObject(u) {
		return newFault(RuleURLObject, "the URL does not name an object; it should look like gs://BUCKET/OBJECT")
	}
	return nil
}

// isObject reports whether a URL has a bucket and a key.
func isObject(u *url.URL) bool { return u.Hostname() != "" && strings.Trim(u.Path, "/") != "" }

// checkVersionID is for S3 objects: a version that is named must not be empty.
func checkVersionID(u *url.URL) *fault {
	if ids, ok := u.Query()["versionId"]; ok && ids[0] == "" {
		return newFault(RuleURLVersionID, "the URL's versionId is empty; set the id, or remove it for the newest version")
	}
	return nil
}

// checkARN is for names of S3 objects in the form of Amazon Resource Names.
func checkARN(u *url.URL) *fault {
	plain := *u
	plain.RawQuery, plain.ForceQuery = "", false
	parts := strings.SplitN(plain.String(), ":", 6)
	const forms = "; it should look like arn:aws:s3:::BUCKET/KEY or arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/object/KEY"
	if len(parts) < 6 {
		return newFault(RuleURLARN, "an ARN has six parts with colons between%s", forms)
	}
	if parts[2] != "s3" {
		return newFault(RuleURLARN, "the ARN's service is not \"s3\"%s", forms)
	}
	container, key, _ := strings.Cut(parts[5], "/")
	if container == "accesspoint" {
		container, key, _ = strings.Cut(key, "/object/")
		if region, account := parts[3], parts[4]; !isBucket(region) || strings.Contains(region, ".") || !isBucket(account) {
			return newFault(RuleURLARN, "the ARN of an access point has no region or no account%s", forms)
		}
	}
	if !isBucket(container) || key == "" {
		return newFault(RuleURLARN, "the ARN does not name an object%s", forms)
	}
	return checkVersionID(u)
}
