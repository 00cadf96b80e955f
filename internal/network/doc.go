// Package network knows what a platform wants of the network of a machine, in one form,
// whatever language it was written in and whichever program brings the network up.
//
//	network_data.json (OpenStack) --+                      +--> Networkd: .network, .netdev
//	network-config, versions 1, 2 --+                      +--> Keyfiles: .nmconnection
//	DigitalOcean's metadata --------+--> Config, checked --+--> Netplan: YAML
//	Packet's metadata --------------+                      +--> Kargs: ip=, bond=, vlan=, ...
//
// A Config has links. A Link is an interface of the machine, which is known by its name,
// its MAC address or its path, or a bond or VLAN on others. Its ID is what other links
// call it by.
//
// # Parsing
//
// The parsers read documents as trees (package doc), so that each problem has its line.
// They return all problems at once, joined, and a Config only if there are none. What a
// platform may mean and we do not know (a bridge, a type of subnet) is no problem, but
// one of Notes, which are for the log: the rest of the network is still of use.
//
// Two entries for one interface make one link. Programs that render an entry each write
// two files of the same name, of which the last one counts.
//
// # Rendering
//
// The renderers are functions of a Config to files, and do no I/O. Names of files and the
// order of what is in them are those of Afterburn, where it writes the same. Write writes
// the files, each with its mode from the beginning.
//
// A gateway that is in no network of its link is reached on the link: platforms that have
// such gateways mean it so, and the kernel refuses the route unless it is told.
//
// # Limits
//
// The package looks at no interface and asks no platform. It may import what reads
// documents, reports and writes files.
package network
