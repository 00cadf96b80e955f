// Package limits has how large the user data of each platform may be. The agent does
// not care; the workstation tool does, on systems where the providers do not build.
package limits

import "github.com/firstlight-os/firstlight/config"

// A Limit is that of a platform, by the vendor's description. The zero value is none
// that we know of.
type Limit struct {
	Bytes int
	// Encoded is set if the platform counts the base64 form.
	Encoded bool
}

// Platforms has all platforms, by their IDs.
var Platforms = map[string]Limit{
	"akamai":          {},
	"aliyun":          {Bytes: 32 << 10},
	"applehv":         {},
	"aws":             {Bytes: 16 << 10},
	"azure":           {Bytes: 64 << 10},
	"azurestack":      {Bytes: 64 << 10},
	"brightbox":       {Bytes: 16 << 10},
	"cloudstack":      {Bytes: 32 << 10, Encoded: true},
	"digitalocean":    {Bytes: 64 << 10},
	"exoscale":        {Bytes: 32 << 10, Encoded: true},
	"file":            {},
	"gcp":             {Bytes: 256 << 10},
	"hetzner":         {Bytes: 32 << 10},
	"hyperv":          {},
	"ibmcloud":        {},
	"kubevirt":        {Bytes: 1 << 20},
	"metal":           {},
	"nutanix":         {},
	"nvidiabluefield": {},
	"openstack":       {Bytes: 65535, Encoded: true},
	"oraclecloud":     {Bytes: 32000, Encoded: true},
	"outscale":        {Bytes: 500 << 10, Encoded: true},
	"packet":          {},
	"powervs":         {},
	"proxmoxve":       {},
	"qemu":            {},
	"scaleway":        {},
	"upcloud":         {},
	"virtualbox":      {Bytes: 1 << 10},
	"vmware":          {Bytes: 64 << 10, Encoded: true},
	"vultr":           {},
	"zvm":             {},
}

// Fits reports whether a text may be the platform's user data. One that is
// base64 already is not counted twice by platforms that count the encoded form,
// whose tools take either.
func (l Limit) Fits(text []byte) bool {
	size := len(text)
	if l.Encoded {
		_, encodings, err := config.Unpack(text, "")
		if err != nil || len(encodings) == 0 || encodings[0] != "base64" {
			size = (size + 2) / 3 * 4
		}
	}
	return l.Bytes == 0 || size <= l.Bytes
}
