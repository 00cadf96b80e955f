// Package hypervisor has all raw calls by which a machine talks to what it runs
// under, and all assembly of the module:
//
//   - QEMU's firmware configuration through its ports ([ReadFwCfg]);
//   - VMware's variables of a guest through its "backdoor" ([OpenVMware]);
//   - VirtualBox's guest properties through an ioctl of its driver
//     ([OpenGuestProperties]);
//   - Hyper-V's key-value pairs through the device of its driver ([ReadKVP]);
//   - sockets of a hypervisor ([DialVsock]).
//
// What a variable or a property means, which driver has to be loaded first and
// what a failure means to people is up to package providers.
//
// VMware's and VirtualBox's calls and Hyper-V's pairs are written after the
// documents that each file names. Nothing but the real hypervisors emulates them,
// so that the tests stand on fakes, and the platforms are called experimental.
//
// Instructions that a hypervisor may not allow are faults for a program; here
// they are errors. Architectures without a call return errors.ErrUnsupported.
// Whatever comes from the host is bounded.
package hypervisor

// maxValue bounds what a host hands over in one piece, in bytes.
const maxValue = 256 << 20
