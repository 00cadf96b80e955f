package providers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/imds"
)

// A Platform is an environment that machines are started in.
type Platform struct {
	// ID is the value of the kernel argument ignition.platform.id.
	ID string
	// Name is what people call it.
	Name string
	// Fetch gets the user config. Nil, or a text of no bytes, without an error
	// means that the user gave none. It wraps fetch.ErrNeedNetwork if it has to
	// be called again when the network is up.
	Fetch func(ctx context.Context, env *Env) (*UserData, error)
	// Credentials returns what stores are shown, in whichever stage. It
	// makes no request yet. May be nil.
	Credentials func(m *imds.Client) fetch.Credentials
	// Delete removes the config from where the platform keeps it, after its use.
	// Nil where that cannot be done.
	Delete func(ctx context.Context, env *Env) error
	// Status reports to the platform how a stage has ended, nil for well. May be
	// nil.
	Status func(ctx context.Context, env *Env, stage string, failure error) error
	// Instance is what the platform knows of a machine beside its config. Nil is
	// nothing.
	Instance *Instance
	// Modules are the kernel modules, on any architecture, that Fetch needs.
	Modules []string
	// Experimental is set for what has not been tried on the real platform.
	Experimental bool
	// Location is where the config is, NoConfig what a machine without one looks
	// like, and Docs the URL of the vendor's description; for docs/platforms.md.
	Location, NoConfig, Docs string
}

// What several platforms have in common.
const (
	metadataService  = "metadata service"
	driveOrService   = "config drive, metadata service"
	noneOnEither     = "a drive or service that has none"
	emptyAnswer      = "an empty answer"
	emptyAnswerOr404 = "an empty answer, 404"
)

// driveModules are for the buses that config drives are attached to.
var driveModules = []string{"virtio_pci", "virtio_blk", "virtio_scsi", "virtio_ccw", "hv_storvsc", "xen-blkfront",
	"ibmvscsi", "spapr-vscsi", "ata_piix", "ahci", "usb_storage", "uas", "cdrom", "sr_mod"}

// Platforms is the table of all platforms, by ID. After a change run go
// generate: it writes the overview of docs/platforms.md and the list of kernel
// modules for dracut.
//
//go:generate go test -run TestGeneratedTextsAreCurrent . -update
var Platforms = []Platform{
	{ID: "akamai", Name: "Akamai", Fetch: akamai.fetch, Instance: akamaiInstance,
		Location: metadataService, NoConfig: emptyAnswer, Docs: "https://techdocs.akamai.com/cloud-computing/docs/overview-of-the-metadata-service"},
	{ID: "aliyun", Name: "Alibaba Cloud", Fetch: aliyun.fetch, Instance: aliyunInstance,
		Location: metadataService, NoConfig: emptyAnswerOr404, Docs: "https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata"},
	{ID: "applehv", Name: "Apple Hypervisor (vfkit)", Fetch: fetchAppleHV, Modules: []string{"vsock", "vmw_vsock_virtio_transport_common", "vmw_vsock_virtio_transport"},
		Location: "vsock", NoConfig: emptyAnswer, Docs: "https://github.com/crc-org/vfkit/blob/main/doc/usage.md"},
	{ID: "aws", Name: "Amazon EC2", Fetch: aws.fetch, Instance: awsInstance, Credentials: awsCredentials,
		Location: metadataService, NoConfig: emptyAnswerOr404, Docs: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html"},
	{ID: "azure", Name: "Azure", Fetch: fetchAzure, Instance: azureInstanceMetadata, Status: notifyAzure, Credentials: azureCredentials, Modules: driveModules,
		Location: "DVD, metadata service", NoConfig: "none at the service, and none on the DVD", Docs: "https://learn.microsoft.com/azure/virtual-machines/user-data"},
	{ID: "azurestack", Name: "Azure Stack", Fetch: fetchOVF, Instance: azurestackInstance, Status: notifyAzure, Modules: driveModules,
		Location: "DVD", NoConfig: "a DVD without custom data", Docs: "https://learn.microsoft.com/azure-stack/user/azure-stack-compute-overview"},
	{ID: "brightbox", Name: "Brightbox", Fetch: fetchOpenStack, Modules: driveModules,
		Location: driveOrService, NoConfig: noneOnEither, Docs: "https://www.brightbox.com/docs/guides/cloud-init/"},
	{ID: "cloudstack", Name: "CloudStack", Fetch: fetchCloudStack, Instance: cloudStackEither, Modules: driveModules,
		Location: driveOrService, NoConfig: noneOnEither, Docs: "https://docs.cloudstack.apache.org/en/latest/adminguide/virtual_machines/user-data.html"},
	{ID: "digitalocean", Name: "DigitalOcean", Fetch: digitalocean.fetch, Instance: digitaloceanInstance,
		Location: metadataService, NoConfig: emptyAnswer, Docs: "https://docs.digitalocean.com/reference/api/metadata/"},
	{ID: "exoscale", Name: "Exoscale", Fetch: exoscale.fetch, Instance: exoscaleInstance,
		Location: metadataService, NoConfig: emptyAnswerOr404, Docs: "https://community.exoscale.com/product/compute/instances/how-to/cloud-init/"},
	{ID: "file", Name: "a local file, for tests", Fetch: fetchFile,
		Location: "file", NoConfig: "an empty file"},
	{ID: "gcp", Name: "Google Compute Engine", Fetch: gcp.fetch, Instance: gcpInstance, Credentials: gcpCredentials,
		Location: metadataService, NoConfig: emptyAnswerOr404, Docs: "https://docs.cloud.google.com/compute/docs/metadata/querying-metadata"},
	{ID: "hetzner", Name: "Hetzner Cloud", Fetch: hetzner.fetch, Instance: hetznerInstance,
		Location: metadataService, NoConfig: emptyAnswerOr404, Docs: "https://docs.hetzner.cloud/reference/cloud#description/server-metadata"},
	{ID: "hyperv", Name: "Hyper-V", Fetch: fetchHyperV, Modules: []string{"hv_utils"}, Experimental: true,
		Location: "data exchange", NoConfig: "no such key", Docs: "https://learn.microsoft.com/virtualization/hyper-v-on-windows/reference/integration-services"},
	{ID: "ibmcloud", Name: "IBM Cloud", Fetch: fetchIBMCloud, Instance: ibmcloudInstance, Modules: driveModules,
		Location: "drive", NoConfig: "no drive within 30 seconds, or no file on it", Docs: "https://cloud.ibm.com/docs/vpc?topic=vpc-user-data"},
	{ID: "kubevirt", Name: "KubeVirt", Fetch: fetchKubeVirt, Instance: kubevirtInstance, Modules: driveModules,
		Location: "drive", NoConfig: "no drive, or no file on it", Docs: "https://kubevirt.io/user-guide/user_workloads/startup_scripts/"},
	{ID: "metal", Name: "bare metal", Fetch: fetchNothing,
		NoConfig: "always"},
	{ID: "nutanix", Name: "Nutanix AHV", Fetch: fetchRequiredDrive, Modules: driveModules,
		Location: "config drive", NoConfig: "no file on the drive", Docs: "https://www.nutanix.dev/reference/prism_central/v3/api/vms/"},
	{ID: "nvidiabluefield", Name: "NVIDIA BlueField", Fetch: fetchBlueField, Modules: []string{"mlxbf_bootctl"},
		Location: "boot FIFO", NoConfig: "an empty FIFO", Docs: "https://docs.nvidia.com/networking/software/accelerator-software/index.html"},
	{ID: "openstack", Name: "OpenStack", Fetch: fetchOpenStack, Instance: openStackInstance, Modules: driveModules,
		Location: driveOrService, NoConfig: noneOnEither, Docs: "https://docs.openstack.org/nova/latest/user/metadata.html"},
	{ID: "oraclecloud", Name: "Oracle Cloud", Fetch: oraclecloud.fetch, Instance: oraclecloudInstance,
		Location: metadataService, NoConfig: emptyAnswerOr404, Docs: "https://docs.oracle.com/iaas/Content/Compute/Tasks/gettingmetadata.htm"},
	{ID: "outscale", Name: "3DS Outscale", Fetch: outscale.fetch,
		Location: metadataService, NoConfig: emptyAnswerOr404, Docs: "https://docs.outscale.com/en/userguide/Accessing-the-Metadata-and-User-Data-of-a-VM.html"},
	{ID: "packet", Name: "Equinix Metal", Fetch: packet.fetch, Instance: packetInstance, Status: notifyPacket,
		Location: metadataService, NoConfig: emptyAnswer, Docs: "https://deploy.equinix.com/developers/docs/metal/server-metadata/metadata/"},
	{ID: "powervs", Name: "IBM Power Virtual Server", Fetch: fetchRequiredDrive, Instance: powervsInstance, Modules: driveModules,
		Location: "config drive", NoConfig: "no file on the drive", Docs: "https://cloud.ibm.com/docs/power-iaas?topic=power-iaas-creating-power-virtual-server"},
	{ID: "proxmoxve", Name: "Proxmox VE", Fetch: fetchProxmoxVE, Instance: proxmoxveInstance, Modules: driveModules,
		Location: "drive", NoConfig: "no drive within 30 seconds, or cloud-init's files only", Docs: "https://pve.proxmox.com/wiki/Cloud-Init_Support"},
	{ID: "qemu", Name: "QEMU", Fetch: fetchQEMU, Modules: []string{"qemu_fw_cfg", "virtio_pci", "virtio_ccw", "virtio_blk"},
		Location: "fw_cfg, disk", NoConfig: "no such key", Docs: "https://www.qemu.org/docs/master/specs/fw_cfg.html"},
	{ID: "scaleway", Name: "Scaleway", Fetch: scaleway.fetch, Instance: scalewayInstance,
		Location: metadataService, NoConfig: emptyAnswerOr404, Docs: "https://www.scaleway.com/en/docs/instances/how-to/use-cloud-init/"},
	{ID: "upcloud", Name: "UpCloud", Fetch: upcloud.fetch, Instance: upcloudInstance,
		Location: metadataService, NoConfig: emptyAnswerOr404, Docs: "https://upcloud.com/docs/products/cloud-servers/features/metadata-service/"},
	{ID: "virtualbox", Name: "VirtualBox", Fetch: fetchVirtualBox, Delete: deleteVirtualBox, Modules: []string{"vboxguest"}, Experimental: true,
		Location: "guest property", NoConfig: "no such property", Docs: "https://www.virtualbox.org/manual/"},
	{ID: "vmware", Name: "VMware", Fetch: fetchVMware, Instance: vmwareInstance, Delete: deleteVMware, Experimental: true,
		Location: "guestinfo, OVF environment", NoConfig: "no such variable", Docs: "https://docs.vmware.com/en/VMware-vSphere/index.html"},
	{ID: "vultr", Name: "Vultr", Fetch: vultr.fetch, Instance: vultrInstance,
		Location: metadataService, NoConfig: emptyAnswerOr404, Docs: "https://www.vultr.com/metadata/"},
	{ID: "zvm", Name: "z/VM", Fetch: fetchZVM, Modules: []string{"vmur", "vmcp"},
		Location: "card reader", NoConfig: "no file of type `ign`", Docs: "https://www.ibm.com/docs/en/linux-on-systems?topic=commands-vmur"},
}

// metadataOnly are rows of what is known of instances on platforms whose configs are
// found by another ID, or not at all. No kernel argument names them.
var metadataOnly = []Platform{
	{ID: "cloudstack-configdrive", Name: "CloudStack", Instance: cloudStackDriveInstance},
	{ID: "cloudstack-metadata", Name: "CloudStack", Instance: cloudStackInstance},
	{ID: "ibmcloud-classic", Name: "IBM Cloud Classic", Instance: ibmcloudClassicInstance},
	{ID: "openstack-metadata", Name: "OpenStack", Instance: openStackServiceInstance},
	{ID: "vagrant-virtualbox", Name: "Vagrant with VirtualBox", Instance: vagrantInstance},
}

// InstanceByID finds a platform that knows something of its machines.
func InstanceByID(id string) (Platform, error) {
	var ids []string
	for _, p := range append(slices.Clone(Platforms), metadataOnly...) {
		switch {
		case p.Instance == nil:
		case p.ID == id:
			return p, nil
		default:
			ids = append(ids, p.ID)
		}
	}
	return Platform{}, fmt.Errorf("the platform %q knows nothing of its machines beside their configs; these do: %s", id, strings.Join(ids, ", "))
}

// ByID finds a platform.
func ByID(id string) (Platform, error) {
	var ids []string
	for _, p := range Platforms {
		if p.ID == id {
			return p, nil
		}
		ids = append(ids, p.ID)
	}
	problem := fmt.Sprintf("the platform %q is not known", id)
	if id == "" {
		problem = "no platform is given"
	}
	return Platform{}, fmt.Errorf("%s; set the kernel argument ignition.platform.id to one of: %s", problem, strings.Join(ids, ", "))
}
