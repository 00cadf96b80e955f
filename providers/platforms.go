package providers

// platforms by ID. Adding one is a file beside this one and a line here; see
// docs/development.md.
var platforms = []Platform{
	{ID: "applehv", Fetch: fetchAppleHV},
	{ID: "file", Fetch: fetchFile},
	{ID: "hyperv", Fetch: fetchHyperV},
	{ID: "metal", Fetch: fetchNothing},
	{ID: "nvidiabluefield", Fetch: fetchBlueField},
	{ID: "qemu", Fetch: fetchQEMU},
	{ID: "virtualbox", Fetch: fetchVirtualBox, Delete: deleteVirtualBox},
	{ID: "vmware", Fetch: fetchVMware, Delete: deleteVMware},
	{ID: "zvm", Fetch: fetchZVM},
}
