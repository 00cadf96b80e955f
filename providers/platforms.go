package providers

// platforms by ID. Adding one is a file beside this one and a line here; see
// docs/development.md.
var platforms = []Platform{
	{ID: "akamai", Fetch: akamai.fetch},
	{ID: "aliyun", Fetch: aliyun.fetch},
	{ID: "aws", Fetch: aws.fetch, Credentials: useAWS},
	{ID: "azure", Fetch: fetchAzure, Credentials: useAzure},
	{ID: "azurestack", Fetch: fetchAzureStack},
	{ID: "brightbox", Fetch: fetchBrightbox},
	{ID: "cloudstack", Fetch: fetchCloudStack},
	{ID: "digitalocean", Fetch: digitalocean.fetch},
	{ID: "exoscale", Fetch: exoscale.fetch},
	{ID: "file", Fetch: fetchFile},
	{ID: "gcp", Fetch: gcp.fetch, Credentials: useGCP},
	{ID: "hetzner", Fetch: hetzner.fetch},
	{ID: "ibmcloud", Fetch: fetchIBMCloud},
	{ID: "kubevirt", Fetch: fetchKubeVirt},
	{ID: "metal", Fetch: fetchNothing},
	{ID: "nutanix", Fetch: fetchNutanix},
	{ID: "openstack", Fetch: fetchOpenStack},
	{ID: "oraclecloud", Fetch: oraclecloud.fetch},
	{ID: "packet", Fetch: packet.fetch, Status: tellPacket},
	{ID: "powervs", Fetch: fetchPowerVS},
	{ID: "proxmoxve", Fetch: fetchProxmoxVE},
	{ID: "qemu", Fetch: fetchQEMU},
	{ID: "scaleway", Fetch: scaleway.fetch},
	{ID: "upcloud", Fetch: upcloud.fetch},
	{ID: "vultr", Fetch: vultr.fetch},
}
