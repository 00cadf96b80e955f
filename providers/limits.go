package providers

// A Limit is how large a platform's user data may be, by what its vendor says.
// docs/platforms.md has the same figures.
type Limit struct {
	ID    string
	Bytes int
	// Base64 tells that the platform counts the encoded form.
	Base64 bool
}

// Limits of the platforms that have one, by ID.
var Limits = []Limit{
	{ID: "aliyun", Bytes: 32 << 10},
	{ID: "aws", Bytes: 16 << 10},
	{ID: "azure", Bytes: 64 << 10},
	{ID: "azurestack", Bytes: 64 << 10},
	{ID: "brightbox", Bytes: 16 << 10},
	{ID: "cloudstack", Bytes: 32 << 10, Base64: true},
	{ID: "digitalocean", Bytes: 64 << 10},
	{ID: "exoscale", Bytes: 32 << 10, Base64: true},
	{ID: "gcp", Bytes: 256 << 10},
	{ID: "hetzner", Bytes: 32 << 10},
	{ID: "kubevirt", Bytes: 1 << 20},
	{ID: "openstack", Bytes: 65535, Base64: true},
	{ID: "oraclecloud", Bytes: 32000, Base64: true},
	{ID: "virtualbox", Bytes: 1 << 10},
	{ID: "vmware", Bytes: 64 << 10, Base64: true},
}

// Fits tells whether a text may be the platform's user data. One that is base64
// already is not counted twice by platforms that count the encoded form, whose
// tools take either.
func (l Limit) Fits(text []byte) bool {
	size := len(text)
	if _, encoded := fromBase64(trim(text)); l.Base64 && !encoded {
		size = (size + 2) / 3 * 4
	}
	return size <= l.Bytes
}
