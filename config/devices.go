package config

import "slices"

// WithDevices returns a copy of c with other paths for the devices of disks,
// arrays, LUKS volumes and filesystems: each becomes what rename returns for it.
// Everything keeps its origin.
func (c *Config) WithDevices(rename func(path string) string) *Config {
	out := *c
	s := &out.Storage
	s.Disks, s.Raid = slices.Clone(s.Disks), slices.Clone(s.Raid)
	s.Luks, s.Filesystems = slices.Clone(s.Luks), slices.Clone(s.Filesystems)
	for i := range s.Disks {
		s.Disks[i].Device = rename(s.Disks[i].Device)
	}
	for i := range s.Raid {
		devices := slices.Clone(s.Raid[i].Devices)
		for n := range devices {
			devices[n] = rename(devices[n])
		}
		s.Raid[i].Devices = devices
	}
	for i := range s.Luks {
		if device := s.Luks[i].Device; device != nil {
			renamed := rename(*device)
			s.Luks[i].Device = &renamed
		}
	}
	for i := range s.Filesystems {
		s.Filesystems[i].Device = rename(s.Filesystems[i].Device)
	}
	return &out
}
