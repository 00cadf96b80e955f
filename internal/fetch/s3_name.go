package fetch

import (
	"errors"
	"net/url"
	"strings"
)

// An s3Object is what an s3:// URL or an ARN names.
type s3Object struct {
	partition string // of AWS, "" if the URL does not say
	region    string // "" if it has to be found out
	bucket    string // or the ARN of an access point
	key       string
	version   string // "" is the newest
	// accessPoint is the first label of an access point's host, "" for buckets.
	accessPoint string
}

// partitions are those of AWS, each with its own names, the most general one
// last. Those without dual stack have no IPv6.
var partitions = []struct {
	name, regions, suffix, first string
	dualStack                    bool
}{
	{"aws-cn", "cn-", "amazonaws.com.cn", "cn-north-1", true},
	{"aws-us-gov", "us-gov-", "amazonaws.com", "us-gov-west-1", true},
	{"aws-iso", "us-iso-", "c2s.ic.gov", "us-iso-east-1", false},
	{"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "us-isob-east-1", false},
	{"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "eu-isoe-west-1", false},
	{"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "us-isof-south-1", false},
	{"aws-eusc", "eusc-", "amazonaws.eu", "eusc-de-east-1", true},
	{"aws", "", "amazonaws.com", "us-east-1", true},
}

// parseS3 reads s3://BUCKET/KEY, arn:PARTITION:s3:::BUCKET/KEY and
// arn:PARTITION:s3:REGION:ACCOUNT:accesspoint/NAME/object/KEY, all with or
// without ?versionId=ID.
func parseS3(source string) (s3Object, error) {
	u, err := url.Parse(source)
	if err != nil {
		return s3Object{}, errors.New("this is not a URL that can be parsed")
	}
	o := s3Object{version: u.Query().Get("versionId")}
	if strings.EqualFold(u.Scheme, "arn") {
		err = o.fromARN(u.Opaque)
	} else {
		o.bucket, o.key = u.Host, strings.TrimLeft(u.Path, "/")
	}
	if err == nil && (o.bucket == "" || o.key == "" || !isHost(o.bucket) && o.accessPoint == "") {
		err = errors.New("this does not name an object; it should look like s3://BUCKET/KEY")
	}
	return o, err
}

// fromARN reads what follows "arn:".
func (o *s3Object) fromARN(name string) error {
	parts := strings.SplitN(name, ":", 5)
	if len(parts) < 5 || parts[1] != "s3" {
		return errors.New("this ARN is not that of an object in S3; it should look like arn:aws:s3:::BUCKET/KEY")
	}
	o.partition = parts[0]
	resource := parts[4]
	if !strings.HasPrefix(resource, "accesspoint/") {
		o.bucket, o.key, _ = strings.Cut(resource, "/")
		return nil
	}
	point, key, ok := strings.Cut(strings.TrimPrefix(resource, "accesspoint/"), "/object/")
	region, account := parts[2], parts[3]
	if !ok || point == "" || account == "" || !isRegion(region) || !isHost(point+"-"+account) {
		return errors.New("this ARN names no object of an access point; it should look like arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/object/KEY")
	}
	o.region, o.key, o.accessPoint = region, key, point+"-"+account
	o.bucket = "arn:" + strings.Join(parts[:4], ":") + ":accesspoint/" + point
	return nil
}

// isRegion reports whether a text can be the region in a host's name.
func isRegion(text string) bool { return isHost(text) && !strings.Contains(text, ".") }

func isHost(text string) bool {
	for _, c := range []byte(text) {
		if !isAlphanumeric(c) && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return text != ""
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// firstRegion returns the region to try first: that of the object if it is known,
// else that of this machine, else the default one of the partition.
func (o s3Object) firstRegion(instanceRegion string) string {
	if o.region != "" {
		return o.region
	}
	if isRegion(instanceRegion) && (o.partition == "" || partitions[partitionOf(instanceRegion)].name == o.partition) {
		return instanceRegion
	}
	for _, p := range partitions {
		if p.name == o.partition {
			return p.first
		}
	}
	return "us-east-1"
}

func partitionOf(region string) int {
	for i, p := range partitions {
		if strings.HasPrefix(region, p.regions) {
			return i
		}
	}
	return len(partitions) - 1
}

// url returns that of the object in a region. The bucket is a part of the host's
// name, as Amazon demands, unless it would not match the certificate.
func (o s3Object) url(region string) *url.URL {
	p := partitions[partitionOf(region)]
	service := "s3"
	if o.accessPoint != "" {
		service = "s3-accesspoint"
	}
	if p.dualStack {
		service += ".dualstack"
	}
	u := &url.URL{Scheme: "https", Host: service + "." + region + "." + p.suffix, Path: "/" + o.key}
	switch {
	case o.accessPoint != "":
		u.Host = o.accessPoint + "." + u.Host
	case strings.ContainsAny(o.bucket, "._") || o.bucket != strings.ToLower(o.bucket):
		u.Path = "/" + o.bucket + u.Path
	default:
		u.Host = o.bucket + "." + u.Host
	}
	u.RawPath = awsEscape(u.Path, true)
	if o.version != "" {
		u.RawQuery = "versionId=" + awsEscape(o.version, false)
	}
	return u
}
