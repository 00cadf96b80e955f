package providers

// platforms by ID. Adding one is a file beside this one and a line here; see
// docs/development.md.
var platforms = []Platform{
	{ID: "azurestack", Fetch: fetchAzureStack},
	{ID: "brightbox", Fetch: fetchBrightbox},
	{ID: "cloudstack", Fetch: fetchCloudStack},
	{ID: "file", Fetch: fetchFile},
	{ID: "ibmcloud", Fetch: fetchIBMCloud},
	{ID: "kubevirt", Fetch: fetchKubeVirt},
	{ID: "metal", Fetch: fetchNothing},
	{ID: "nutanix", Fetch: fetchNutanix},
	{ID: "openstack", Fetch: fetchOpenStack},
	{ID: "powervs", Fetch: fetchPowerVS},
	{ID: "proxmoxve", Fetch: fetchProxmoxVE},
	{ID: "qemu", Fetch: fetchQEMU},
}
