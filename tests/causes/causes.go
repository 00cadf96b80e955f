// Package causes has the commonest reasons for which a first boot fails: what the failure
// box says of each, what that means, and what to do. Its tests run the agent into each of
// them and read the box; the command page makes docs/troubleshooting.md of the same table.
package causes

import "strings"

//go:generate go run ./page ../../docs/troubleshooting.md

// A Cause is a reason for which a first boot fails. Words in capitals (SERVER, DISK, ...)
// stand for what differs from machine to machine.
type Cause struct {
	// Name is the heading of the documentation.
	Name string
	// Key is the name of the function that provokes it, "" if the config does.
	Key string
	// Lab reports whether it takes a disk, or a clock, of a machine of its own.
	Lab bool
	// Stages are run; the last one fails.
	Stages []string
	// Config is the machine's. The place that the box names is after Mark.
	Config string
	// Message is what people find the cause by, a part of Says.
	Message string
	// Operation, Says, Path and Hint are what the box has as operation, cause, path in the
	// config and hint; "..." stands for any text.
	Operation, Says, Path, Hint string
	// Means is what has happened, and Do what a person can do about it, in Markdown.
	Means, Do string
}

// Mark is before the place in a config that the box names.
const Mark = "@@"

// Place returns line and column of the mark, from 1.
func Place(config string) (line, column int) {
	before, _, _ := strings.Cut(config, Mark)
	return strings.Count(before, "\n") + 1, len(before) - strings.LastIndex(before, "\n")
}

var (
	fetchStage = []string{"fetch"}
	filesStage = []string{"fetch", "files"}
	disksStage = []string{"fetch", "disks"}
)

// withFile is a config of a file with a source.
func withFile(source string) string {
	return `{"ignition": {"version": "3.4.0", "timeouts": {"httpTotal": 3}},
 "storage": {"files": [
   {"path": "/etc/motd",
    "contents": {"source": @@"` + source + `"}}]}}`
}

// withAuthority is one from a server of which the authority is trusted.
const withAuthority = `{"ignition": {"version": "3.4.0", "timeouts": {"httpTotal": 3},
  "security": {"tls": {"certificateAuthorities": [{"source": "AUTHORITY"}]}}},
 "storage": {"files": [
   {"path": "/etc/motd",
    "contents": {"source": @@"https://SERVER/motd"}}]}}`

const (
	writing    = "writing file /etc/motd"
	sourcePath = "storage.files[0].contents.source"
	fixConfig  = "fix the config; firstlightctl validate checks it before a boot does"
	reading    = "reading the user config"
)

// All are the causes, in the order of the documentation.
var All = []Cause{
	{
		Name: "The config is not valid JSON", Stages: fetchStage,
		Config: `{"ignition": {"version": "3.4.0"},
 "storage": {"files": [
   {"path": "/etc/motd", "contents": {"source": "data:,hello"}}@@,
 ]}}`,
		Message: "this is not valid JSON", Operation: reading, Says: "this is not valid JSON: invalid character ',' before ']'", Hint: fixConfig,
		Means: "The text is no JSON from this place on. Most often it is a comma too many or too few, or a quote inside of a text.",
		Do:    "Correct it, and check it with `firstlightctl validate CONFIG`. Butane is easier to write by hand: there `firstlightctl translate` makes the JSON.",
	},
	{
		Name: "The config is not valid YAML", Stages: fetchStage,
		Config:  "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/motd\n      contents:\n@@\tinline: hello\n",
		Message: "this is not valid YAML", Operation: reading, Says: "this is not valid YAML: a tab cannot indent; use spaces", Hint: fixConfig,
		Means: "The Butane config is no YAML at this line; a tab in front of a key, or a text that needs quotes.",
		Do:    "Indent with blanks, put texts with special characters into quotes, and check it with `firstlightctl validate CONFIG`.",
	},
	{
		Name: "The version of the config is too new", Stages: fetchStage,
		Config:  `{"ignition": {"version": @@"3.99.0"}}`,
		Message: "is newer than this program knows", Operation: reading, Path: "ignition.version",
		Says: `version "3.99.0" of the spec is newer than this program knows, which is up to ...; lower it with "firstlightctl translate --to" of a newer release, or update this program`, Hint: fixConfig,
		Means: "The config was made for a newer release than the one in this image.",
		Do:    "Use a newer image, or make the config for an older version: `firstlightctl translate --to 3.4.0 CONFIG` names what that version does not have.",
	},
	{
		Name: "The config is of spec 2", Stages: fetchStage,
		Config:  `{"ignition": {"version": @@"2.2.0"}}`,
		Message: "is of spec 2, another language than spec 3", Operation: reading, Path: "ignition.version",
		Says:  `version "2.2.0" is of spec 2, another language than spec 3; translate the config with "firstlightctl translate"`,
		Hint:  `translate it where it is made, with "firstlightctl translate", or have this image do so: SPEC2=translate in /usr/lib/ignition/distribution.conf`,
		Means: "Configs of Container Linux and of old Flatcar and OpenShift have this version.",
		Do:    "Translate it once with `firstlightctl translate CONFIG`, which names what has changed its meaning. Images can translate such configs at boot ([settings](distributors.md#settings)).",
	},
	{
		Name: "The config is for cloud-init", Stages: fetchStage,
		Config:  "#cloud-config\nhostname: web1\nusers:\n  - name: core\n",
		Message: "this is a cloud-config for cloud-init", Operation: reading, Says: "this is a cloud-config for cloud-init, and no config", Hint: "give the machine an Ignition or Butane config, or none",
		Means: "The platform has user data for cloud-init. Scripts, kickstarts and others that are no config are named in the same way.",
		Do:    "Write it as a [config](config.md). Where cloud-init is to have it, the image says so ([settings](distributors.md#settings)).",
	},
	{
		Name: "A login page instead of the config", Key: "login page", Stages: fetchStage,
		Message: "this is a web page, and no config", Operation: reading, Says: "this is a web page, and no config",
		Hint:  "a login, a proxy or an error has answered in place of the config: look at what is there",
		Means: "Something between the machine and the server has answered with a page for people: a portal of the network, a proxy, a login in front of the files.",
		Do:    "Fetch the URL with `curl -i URL` from the same network, and let the machine through: by another URL, by `ignition.proxy`, or by `httpHeaders` with a token.",
	},
	{
		Name: "The config is not at its URL", Key: "no config", Stages: fetchStage,
		Message: "machine.ign: the server answered 404 Not Found", Operation: "getting the user config", Path: "kernel command line (ignition.config.url)",
		Says:  "fetching http://SERVER/machine.ign: the server answered 404 Not Found",
		Hint:  "check the URL; the server was reached and has nothing there",
		Means: "The kernel argument `ignition.config.url` names a config that the server does not have.",
		Do:    "Correct the argument in the boot loader or the PXE server's template, or put the config there.",
	},
	{
		Name: "The config is cut off", Key: "cut off", Stages: fetchStage,
		Config: `{"ignition": {"version": "3.4.0"},
 "storage": {"files": [
   {"path": "/etc/motd",
    "con@@tents": {"source": "data:,hello"}}]}}`,
		Message: "the text ends too early", Operation: reading, Says: "this is not valid JSON: the text ends too early, a bracket, brace or quote is not closed",
		Hint:  "92 bytes have arrived: if the config has more, the platform has no room for them, and firstlightctl pack makes it smaller",
		Means: "Either a bracket is missing, or the config is too large for the platform, which has kept only the beginning of it.",
		Do:    "Compare the number of bytes with the size of your config and with the [limit of the platform](platforms.md). `firstlightctl pack --platform ID CONFIG` makes it smaller, and says if it still does not fit; then put the rest on a server, and refer to it by `ignition.config.replace`.",
	},
	{
		Name: "A unit cannot be read by systemd", Stages: fetchStage,
		Config: `variant: fcos
version: 1.5.0
systemd:
  units:
    - name: web.service
      contents: |
        [Service]
        ExecStart=/usr/bin/web
        @@Restart always
`,
		Message: "systemd cannot read line", Operation: reading, Says: "systemd cannot read line 3 of this: it is not of the form NAME=VALUE", Path: "systemd.units[0].contents", Hint: fixConfig,
		Means: "The contents of a unit have a line that is neither `[Section]`, `NAME=VALUE` nor a comment. In JSON the place is where the contents begin.",
		Do:    "Correct the line; `systemd-analyze verify web.service` on a workstation says more about the unit.",
	},
	{
		Name: "Contents do not have their hash", Key: "hash", Stages: filesStage,
		Config: `{"ignition": {"version": "3.4.0"},
 "storage": {"files": [
   {"path": "/etc/motd",
    "contents": {"source": "http://SERVER/motd",
                 "verification": {"hash": @@"sha256-5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"}}}]}}`,
		Message: "of what was fetched is not the one in the config", Operation: writing, Path: "storage.files[0].contents.verification.hash",
		Says:  "fetching http://SERVER/motd: the sha256 of what was fetched is not the one in the config: want 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03 got 7d467c53662eefaa6c5d73e84d7d697e5530eb5837a5ac82ccfea529ab2a9044",
		Hint:  "compare verification.hash in the config with the contents; the hash is over the decompressed bytes",
		Means: "The server has other bytes than those that the hash was made of: a newer release at the same URL, or a page of an error.",
		Do:    "Fetch it yourself and look at it: `curl -L URL | sha256sum`. If it is what you want, put its hash into the config; better, use a URL with the version in it.",
	},
	{
		Name: "The server answers 403", Key: "403", Stages: filesStage, Config: withFile("http://SERVER/motd"),
		Message: "the server answered 403 Forbidden", Operation: writing, Says: "fetching http://SERVER/motd: the server answered 403 Forbidden", Path: sourcePath,
		Hint:  "check the URL, and that this machine may read it: the server may want httpHeaders or a signature in the URL; its own log says more",
		Means: "The server does not give this to machines without credentials, or a signed URL is over its time. Some stores of objects say 403 for what does not exist, too.",
		Do:    "Give the machine access: `httpHeaders` with a token, a new signed URL, or a role of the instance for `s3` and `gs` URLs. A boot does not try this again.",
	},
	{
		Name: "The server answers 404", Key: "404", Stages: filesStage, Config: withFile("http://SERVER/motd"),
		Message: "the server answered 404 Not Found", Operation: writing, Says: "fetching http://SERVER/motd: the server answered 404 Not Found", Path: sourcePath,
		Hint:  "check the URL; the server was reached and has nothing there",
		Means: "Network and server work. The path is misspelled, or the file was moved.",
		Do:    "Correct the URL in the config, or put the file there. A boot does not try this again.",
	},
	{
		Name: "The server answers 500", Key: "500", Stages: filesStage, Config: withFile("http://SERVER/motd"),
		Message: "the server answered 500 Internal Server Error", Operation: writing, Path: sourcePath,
		Says:  "fetching http://SERVER/motd: it took longer than 3s; the last error was: the server answered 500 Internal Server Error: the database is down",
		Hint:  "check the URL; this is an error of the server, and its own log says which",
		Means: "The server has failed, or is overloaded. It was asked again and again, until `ignition.timeouts.httpTotal` was over; without one a boot tries for ever.",
		Do:    "Look at the log of the server. What it said in its answer is after the status.",
	},
	{
		Name: "A name is not found by DNS", Key: "dns", Stages: filesStage, Config: withFile("http://files.example.com/motd"),
		Message: "says the name server", Operation: writing, Path: sourcePath,
		Says:  `fetching http://files.example.com/motd: it took longer than 3s; the last error was: DNS: there is no host "files.example.com", says the name server 127.0.0.1:53`,
		Hint:  "check the spelling of the host's name, and the name servers that this machine was given (/etc/resolv.conf)",
		Means: "The network works, and the name server has answered that there is no such host.",
		Do:    "Check the name. If others know it, this machine asks the wrong name server: see DHCP, or `nameserver=` on the kernel command line of dracut.",
	},
	{
		Name: "No route to the server", Key: "route", Stages: filesStage, Config: withFile("http://192.0.2.10/motd"),
		Message: "no route: network is unreachable", Operation: writing, Path: sourcePath,
		Says:  "fetching http://192.0.2.10/motd: this machine had no network route for 3s; the last error was: no route: network is unreachable",
		Hint:  "this machine has an address, but no gateway to this server (ip route): check DHCP, or the ip= arguments on the kernel command line",
		Means: "A network interface has an address, but no route leads to the server: the gateway is missing, or it is only for the other of IPv4 and IPv6.",
		Do:    "Look at `ip route` in the emergency shell. Let DHCP give a gateway, or name it: `ip=ADDRESS::GATEWAY:NETMASK::INTERFACE:none`.",
	},
	{
		Name: "No network interface", Stages: filesStage, Config: withFile("http://192.0.2.10/motd"),
		Message: "no link: this machine has no network interface", Operation: writing, Path: sourcePath,
		Says:  "fetching http://192.0.2.10/motd: this machine had no network route for 3s; the last error was: no link: this machine has no network interface; its driver may be missing in the initramfs",
		Hint:  "give the virtual machine a network card, or the initramfs the driver of the one that is there (dracut --add-drivers)",
		Means: "The kernel knows no network card: there is none, or the initramfs lacks its driver or firmware.",
		Do:    "`lspci -k` on a system that runs names the driver. Build the initramfs with it: `dracut --add-drivers NAME --force`.",
	},
	{
		Name: "No carrier", Key: "carrier", Stages: filesStage, Config: withFile("http://192.0.2.10/motd"),
		Message: "no carrier", Operation: writing, Path: sourcePath,
		Says:  "fetching http://192.0.2.10/motd: this machine had no network route for 3s; the last error was: no carrier: eth7 sees nobody at the other end of the cable",
		Hint:  "check cable, switch port and DHCP, or the ip= arguments on the kernel command line",
		Means: "The interface is switched on, and there is nobody at the other end. `no address` instead means that there is a carrier, and that DHCP has not answered.",
		Do:    "Check the cable and the port of the switch; for a virtual machine, that its network card is connected. For `no address`, check the DHCP server and the VLAN.",
	},
	{
		Name: "A certificate has expired", Key: "expired", Stages: filesStage, Config: withAuthority,
		Message: "has expired", Operation: writing, Path: sourcePath,
		Says:  `fetching https://SERVER/motd: it took longer than 3s; the last error was: TLS: the server's certificate "files.example.com" has expired: it was valid from ... to ...; this machine's clock says ... UTC`,
		Hint:  "renew this certificate, or set this machine's clock if that is wrong",
		Means: "The server's certificate was valid until a time that is before this machine's.",
		Do:    "Compare the times of the message. Renew the certificate on the server; if the machine is wrong, set its clock in the firmware.",
	},
	{
		Name: "The clock is wrong", Key: "clock", Lab: true, Stages: filesStage, Config: withAuthority,
		Message: "is not valid yet", Operation: writing, Path: sourcePath,
		Says:  `fetching https://SERVER/motd: it took longer than 3s; the last error was: TLS: the server's certificate "files.example.com" is not valid yet: it will be from ... to ...; this machine's clock says 1970-01-01 ... UTC, which is before this program was built, so that the time of the build was used: ... UTC`,
		Hint:  "set this machine's clock",
		Means: "The machine has no clock, or its battery is empty: it starts in 1970, when no certificate was valid. The time when the program was built was used instead, and is too early, too.",
		Do:    "Set the clock in the firmware, or from the host of a virtual machine; or have the initramfs do so by NTP before the config is fetched.",
	},
	{
		Name: "An authority is not known", Key: "authority", Stages: filesStage, Config: withFile("https://SERVER/motd"),
		Message: "which this machine does not trust", Operation: writing, Path: sourcePath,
		Says:  `fetching https://SERVER/motd: it took longer than 3s; the last error was: TLS: the server's certificate is signed by "CN=Example Authority", which this machine does not trust`,
		Hint:  "list that authority in ignition.security.tls.certificateAuthorities",
		Means: "The certificate is signed by an authority of your own that the initramfs does not have.",
		Do:    "Put the authority's certificate (PEM) into the config, at `ignition.security.tls.certificateAuthorities`. For the URL of the config itself the image has to trust it.",
	},
	{
		Name: "A device is missing", Lab: true, Stages: disksStage,
		Config: `{"ignition": {"version": "3.4.0"},
 "storage": {"filesystems": [
   {"device": @@"/dev/disk/by-label/data", "format": "ext4", "path": "/var/data"}]}}`,
		Message: "block devices here", Operation: "waiting for /dev/disk/by-label/data", Path: "storage.filesystems[0].device",
		Says:  "it is not there after 3 s; block devices here: ...",
		Hint:  "check the name in the config, that the disk is attached, and that its driver is in the initramfs; with firstlight.device_timeout=SECONDS on the kernel command line it waits longer",
		Means: "No device had this name within 90 seconds, or what the kernel argument says. What there was is listed.",
		Do:    "Compare with the list: `/dev/vda` is `/dev/sda` or `/dev/nvme0n1` elsewhere; names below `/dev/disk/by-id` stay the same. Nothing was changed on any disk.",
	},
	{
		Name: "A partition exists", Key: "partition", Lab: true, Stages: disksStage,
		Config: `{"ignition": {"version": "3.4.0"},
 "storage": {"disks": [
   {"device": "DISK",
    "partitions": [{"number": 1, "label": @@"data"}]}]}}`,
		Message: "is not what the config describes", Path: "storage.disks[0].partitions[0].label",
		Says:  `partition 1 "old" on DISK is not what the config describes: its label is "old", the config asks for "data"`,
		Hint:  "wipePartitionEntry: true replaces it, and its contents are lost",
		Means: "A partition of this number exists, with another label, size, start or type. Without permission nothing that exists is replaced.",
		Do:    "Choose another number (0 takes the next free one), let the entry describe what is there, or set `wipePartitionEntry`; `wipeTable` is for all of a disk.",
	},
	{
		Name: "A filesystem exists", Key: "filesystem", Lab: true, Stages: disksStage,
		Config: `{"ignition": {"version": "3.4.0"},
 "storage": {"filesystems": [
   {"device": "DISK", "format": @@"xfs", "path": "/var/data"}]}}`,
		Message: "the config asks for xfs", Path: "storage.filesystems[0].format",
		Says:  `DISK holds ext4 (label "old"); the config asks for xfs`,
		Hint:  "wipeFilesystem: true makes it anew, and its contents are lost",
		Means: "The device holds another filesystem than the one in the config, perhaps with data.",
		Do:    "Ask for the filesystem that is there to keep it, or set `wipeFilesystem` to lose it.",
	},
	{
		Name: "The disk is too small", Key: "small disk", Lab: true, Stages: disksStage,
		Config: `{"ignition": {"version": "3.4.0"},
 "storage": {"disks": [
   {"device": "DISK",
    "partitions": [{"label": "data", "sizeMiB": @@1024}]}]}}`,
		Message: "but the largest free block has", Path: "storage.disks[0].partitions[0].sizeMiB",
		Says:  `partition 1 "data" on DISK needs 1024 MiB but the largest free block has 62 MiB`,
		Hint:  "ask for less, or make room: wipeTable, or shouldExist: false with wipePartitionEntry: true for what is in the way",
		Means: "All partitions of the config together do not fit into what is free in one piece.",
		Do:    "Attach a larger disk or ask for less: a `sizeMiB` of 0 takes all that is left. `firstlightctl plan` shows the table as it would be ([planning.md](planning.md)).",
	},
	{
		Name: "The disk is busy", Key: "busy disk", Lab: true, Stages: disksStage,
		Config: `{"ignition": {"version": "3.4.0"},
 "storage": {"disks": [
   {"device": "DISK", "wipeTable": @@true}]}}`,
		Message: "is to be wiped but is in use", Path: "storage.disks[0].wipeTable",
		Says:  "DISK is to be wiped but is in use: the disk is mounted at ...",
		Hint:  "stop using it before, or do not set wipeTable on this disk",
		Means: "Something holds the disk: a mount, swap, a RAID array, a volume. Often it is the disk that the machine has booted from.",
		Do:    "Check that `device` is the disk that you mean. An array or volume that the initramfs has assembled can be kept from that by `rd.md=0`, `rd.lvm=0` or `rd.luks=0` on the kernel command line of dracut.",
	},
	{
		Name: "A helper program is missing", Key: "helper", Lab: true, Stages: disksStage,
		Config: `{"ignition": {"version": "3.4.0"},
 "storage": {"filesystems": [
   @@{"device": "DISK", "format": "xfs", "path": "/var/data"}]}}`,
		Message: "is not in this initramfs", Operation: "making xfs on DISK", Path: "storage.filesystems[0]",
		Says:  "the program mkfs.xfs is not in this initramfs",
		Hint:  "rebuild the initramfs where the program is installed (package xfsprogs), or with dracut --install mkfs.xfs",
		Means: "Filesystems, arrays, volumes and users are made by programs of the distribution, and this one was not installed when the initramfs was built.",
		Do:    "Install the package and run `dracut --force`, or ask for something that the image has.",
	},
	{
		Name: "There is no TPM", Key: "disk", Lab: true, Stages: disksStage,
		Config: `{"ignition": {"version": "3.4.0"},
 "storage": {"luks": [
   {"name": "data", "device": "DISK",
    "clevis": @@{"tpm2": true}}]}}`,
		Message: "clevis takes a TPM 2.0 that the kernel manages", Operation: "waiting for /dev/tpmrm0", Path: "storage.luks[0].clevis",
		Says:  "it is not there after 3 s; clevis takes a TPM 2.0 that the kernel manages",
		Hint:  "enable the TPM in the settings of the firmware, or give the virtual machine one, and check that its driver is in the initramfs; with firstlight.device_timeout=SECONDS on the kernel command line it waits longer",
		Means: "The config binds a volume to the TPM, and the kernel has found none of version 2.0.",
		Do:    "Switch it on in the firmware. A virtual machine gets one by swtpm. The initramfs needs `tpm_tis` or `tpm_crb`.",
	},
	{
		Name: "A Tang server cannot be reached", Key: "tang", Lab: true, Stages: disksStage,
		Config: `{"ignition": {"version": "3.4.0", "timeouts": {"httpTotal": 3}},
 "storage": {"luks": [
   {"name": "data", "device": "DISK",
    "clevis": {"tang": [{"url": @@"http://SERVER", "thumbprint": "mO3Nmri_5EVgdjLTCXxxaqp0xq4"}]}}]}}`,
		Message: "asking the Tang server for its keys", Path: "storage.luks[0].clevis.tang[0].url",
		Operation: `making LUKS volume "data" on DISK, unlocked by clevis`,
		Says:      "asking the Tang server for its keys: fetching http://SERVER/adv: it took longer than 3s; the last error was: TCP: the server at SERVER refuses the connection: connection refused",
		Hint:      "check that the server runs, and that address and port are right",
		Means:     "A volume is bound to a Tang server, which has to be there when the volume is made, and at each boot.",
		Do:        "`curl URL/adv` from the same network has to print keys. Check that `tangd.socket` runs, and the firewall. With an `advertisement` in the config the server is not needed at first boot.",
	},
	{
		Name: "A file exists", Key: "file", Stages: filesStage,
		Config: `{"ignition": {"version": "3.4.0"},
 "storage": {"files": [
   {"path": @@"/etc/motd", "contents": {"source": "data:,hello"}}]}}`,
		Message: "but there already is a file", Path: "storage.files[0].path",
		Says:  "file /etc/motd: the config gives it contents, but there already is a file of 8 bytes and overwrite is not set",
		Hint:  "set overwrite if it may be replaced, else remove the entry or choose another path",
		Means: "The image has a file at this path, and a config replaces it only if it says so.",
		Do:    "Set `overwrite: true` to replace it, or use `append` to add to it.",
	},
	{
		Name: "A user or ID exists", Key: "user", Stages: filesStage,
		Config: `{"ignition": {"version": "3.4.0"},
 "passwd": {"users": [
   {"name": "dawn", "uid": @@1000}]}}`,
		Message: "is that of user", Path: "passwd.users[0].uid",
		Says:  `user "dawn": the uid 1000 is that of user "core"`,
		Hint:  "choose another one, or leave it out",
		Means: "The image has a user with this ID under another name. A user of the same name is changed, and not created.",
		Do:    "Leave the ID out, or look at `/etc/passwd` of the image for a free one.",
	},
	{
		Name: "A filesystem is full", Key: "full", Stages: filesStage,
		Config: `{"ignition": {"version": "3.4.0", "timeouts": {"httpTotal": 3}},
 "storage": {"files": [
   {"path": "/srv/data",
    "contents": {"source": @@"http://SERVER/data"}}]}}`,
		Message: "no space left on device", Operation: "writing file /srv/data", Path: sourcePath,
		Says:  "fetching http://SERVER/data: ...no space left on device; the filesystem at ROOT/srv has 0 of 64 KiB free...",
		Hint:  "make the filesystem larger, or write less to it; a file needs room beside what it replaces",
		Means: "The files of the config do not fit. What the message names is the filesystem, how much of it is free, and what files of ours that are not complete hold of it.",
		Do:    "Give it a larger disk or partition, or write to another filesystem.",
	},
	{
		Name: "A filesystem is read-only", Key: "read-only", Stages: filesStage,
		Config: `{"ignition": {"version": "3.4.0"},
 "storage": {"files": [
   {"path": @@"/srv/data", "contents": {"source": "data:,hello"}}]}}`,
		Message: "read-only file system", Operation: "writing file /srv/data", Path: "storage.files[0].path",
		Says:  "creating a file in ROOT/srv: read-only file system",
		Hint:  "the filesystem is mounted read-only: check the kernel argument rw and the log of the kernel for errors of the disk",
		Means: "The path is on a filesystem that takes no changes: the image means it so (`/usr` of many), it is mounted with `ro`, or the kernel has found an error and protects it.",
		Do:    "Choose a path that can be written (`/etc`, `/var`); look for errors with `dmesg`.",
	},
	{
		Name: "The SELinux policy is bad", Key: "selinux", Stages: filesStage,
		Config: `{"ignition": {"version": "3.4.0"},
 "storage": {"files": [
   {"path": "/srv/data", "contents": {"source": "data:,hello"}}]}}`,
		Message: "has invalid regex", Operation: "labelling for SELinux (policy targeted)",
		Says:  "setfiles: ROOT/etc/selinux/targeted/contexts/files/file_contexts: line 1 has invalid regex /srv(/.*: REGEX back-end error: At offset 9: missing closing parenthesis",
		Hint:  "check the SELinux policy of the image: /etc/selinux/config and its file_contexts",
		Means: "What was written needs labels, and the program that sets them cannot read the policy of the image: it is damaged, or `SELINUXTYPE` names one that is not installed.",
		Do:    "Build the policy of the image again (`semodule --build`), and check it with `restorecon -n -r /etc`. An image without SELinux has no `SELINUXTYPE`.",
	},
}
