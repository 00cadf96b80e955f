package config_test

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/firstlight-os/firstlight/config"
)

func ExampleParse() {
	text := []byte(`{
  "ignition": {"version": "3.5.0"},
  "storage": {"files": [{"path": "/etc/hostname", "mode": 644}]}
}`)
	cfg, problems, err := config.Parse(text, "user config")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range problems {
		fmt.Println(p)
	}
	fmt.Println(cfg.Storage.Files[0].Path, "is from", cfg.Storage.Files[0].Origin())
	// Output:
	// warning: user config, line 3, column 59 (storage.files[0].mode): the mode 644 is octal 01204; its special bits (setuid, setgid, sticky) are ignored before version 3.6.0 of the spec; if you mean octal 0644, write 420
	// /etc/hostname is from user config, line 3, column 25 (storage.files[0])
}

func ExampleParse_refused() {
	_, _, err := config.Parse([]byte(`{"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "etc"}]}}`), "user config")
	fmt.Println(errors.Is(err, config.ErrInvalid))
	fmt.Println(err)
	// Output:
	// true
	// user config, line 1, column 67 (storage.files[0].path): the path "etc" is not absolute; it should start with a slash
}

func ExampleNew() {
	mode, source := 0o600, "data:,secret"
	cfg := config.New(config.V3_4)
	cfg.Storage.Files = []config.File{
		{Path: "/etc/key", Mode: &mode, Contents: config.Resource{Source: &source}},
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(text))
	// Output:
	// {"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/etc/key","contents":{"source":"data:,secret"},"mode":384}]}}
}

func ExampleMerge() {
	base, _, _ := config.Parse([]byte(`{"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "/etc/motd", "mode": 420}]}}`), "base config")
	user, _, _ := config.Parse([]byte(`{"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "/etc/motd", "contents": {"source": "data:,hi"}}]}}`), "user config")
	motd := config.Merge(base, user).Storage.Files[0]
	fmt.Println(*motd.Contents.Source, "from", motd.Contents.Origin("source"))
	fmt.Println(*motd.Mode, "from", motd.Origin("mode"))
	// Output:
	// data:,hi from user config, line 1, column 103 (storage.files[0].contents.source)
	// 420 from base config, line 1, column 88 (storage.files[0].mode)
}

func ExampleConfig_Validate() {
	cfg, _, _ := config.Parse([]byte(`{"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "/a"}]}}`), "user config")
	cfg.Storage.Files = append(cfg.Storage.Files, config.File{Path: "b"})
	fmt.Println(cfg.Validate())
	// Output:
	// error: user config, line 1, column 57 (storage.files[1].path): the path "b" is not absolute; it should start with a slash
}

func ExampleResolver() {
	user, _, _ := config.Parse([]byte(`{"ignition": {"version": "3.5.0", "config": {"merge": [{"source": "https://example.com/users.ign"}]}}}`), "user config")
	references := config.Resolver{Fetch: func(reference config.Resource) (*config.Config, int, error) {
		text := []byte(`{"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"name": "core"}]}}`) // or whatever is there
		cfg, _, err := config.Parse(text, *reference.Source)
		return cfg, len(text), err
	}}
	cfg, err := references.Resolve(user)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cfg.Passwd.Users[0].Name, "from", cfg.Passwd.Users[0].Origin())
	// Output:
	// core from https://example.com/users.ign, line 1, column 57 (passwd.users[0])
}

// A program that starts virtual machines makes a config of a version that all images know:
// a user with keys, a file, a unit.
func Example_virtualMachine() {
	cfg := config.New(config.V3_2)
	cfg.Passwd.Users = []config.User{{
		Name:              "core",
		SSHAuthorizedKeys: []string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGq1eRPcPdeXS2UTWtF3qBbmGFZeEXJ5jN3zP5q0example me"},
		UID:               new(501),
	}}
	cfg.Storage.Files = []config.File{{
		Path:     "/etc/containers/registries.conf.d/999-mine.conf",
		Mode:     new(0o644),
		Contents: config.Resource{Source: new(config.DataURL([]byte("unqualified-search-registries=[\"docker.io\"]\n")))},
	}}
	cfg.Systemd.Units = []config.Unit{{
		Name:     "ready.service",
		Enabled:  new(true),
		Contents: new("[Service]\nExecStart=/bin/sh -c 'echo Ready >/dev/vport1p1'\n[Install]\nWantedBy=default.target\n"),
	}}
	if problems := cfg.Validate(); problems.HasErrors() {
		fmt.Println(problems)
		return
	}
	text, err := json.MarshalIndent(cfg, "", "  ")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(text))
	// Output:
	// {
	//   "ignition": {
	//     "version": "3.2.0"
	//   },
	//   "passwd": {
	//     "users": [
	//       {
	//         "name": "core",
	//         "sshAuthorizedKeys": [
	//           "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGq1eRPcPdeXS2UTWtF3qBbmGFZeEXJ5jN3zP5q0example me"
	//         ],
	//         "uid": 501
	//       }
	//     ]
	//   },
	//   "storage": {
	//     "files": [
	//       {
	//         "path": "/etc/containers/registries.conf.d/999-mine.conf",
	//         "contents": {
	//           "source": "data:,unqualified-search-registries%3D%5B%22docker.io%22%5D%0A"
	//         },
	//         "mode": 420
	//       }
	//     ]
	//   },
	//   "systemd": {
	//     "units": [
	//       {
	//         "name": "ready.service",
	//         "contents": "[Service]\nExecStart=/bin/sh -c 'echo Ready \u003e/dev/vport1p1'\n[Install]\nWantedBy=default.target\n",
	//         "enabled": true
	//       }
	//     ]
	//   }
	// }
}

// A machine operator merges what its users have written, and serves it in the version that
// a machine asks for.
func Example_machineOperator() {
	merged := config.New(config.V3_5)
	for _, user := range []struct{ name, text string }{
		{"00-worker", `{"ignition": {"version": "3.2.0"}, "storage": {"files": [{"path": "/etc/worker", "mode": 420}]}}`},
		{"50-kargs", `{"ignition": {"version": "3.4.0"}, "kernelArguments": {"shouldExist": ["nosmt"]}}`},
	} {
		cfg, problems, err := config.ParseUpTo(config.V3_5, []byte(user.text), user.name)
		if err != nil {
			fmt.Println(problems)
			return
		}
		merged = config.Merge(merged, cfg)
	}
	for _, v := range []config.Version{config.V3_4, config.V3_2} {
		served, err := merged.TranslateTo(v)
		if err != nil {
			fmt.Println(errors.Is(err, config.ErrNotInVersion), err)
			continue
		}
		text, _ := json.Marshal(served)
		fmt.Println(string(text))
	}
	// Output:
	// {"ignition":{"version":"3.4.0"},"kernelArguments":{"shouldExist":["nosmt"]},"storage":{"files":[{"path":"/etc/worker","mode":420}]}}
	// true 50-kargs, line 1, column 55 (kernelArguments): "kernelArguments" exists since version 3.3.0 of the spec, and 3.2.0 does not have it
}

// An installer gives machines a pointer to the config that a server has for them, and the
// authority that has signed the server's certificate.
func Example_pointer() {
	authority := []byte("-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----\n")
	cfg := config.New(config.V3_2)
	cfg.Ignition.Config.Merge = []config.Resource{{Source: new("https://api.example.com:22623/config/worker")}}
	cfg.Ignition.Security.TLS.CertificateAuthorities = []config.Resource{{Source: new(config.DataURL(authority))}}
	text, err := cfg.MarshalJSON()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(text))
	// Output:
	// {"ignition":{"version":"3.2.0","config":{"merge":[{"source":"https://api.example.com:22623/config/worker"}]},"security":{"tls":{"certificateAuthorities":[{"source":"data:,-----BEGIN%20CERTIFICATE-----%0A...%0A-----END%20CERTIFICATE-----%0A"}]}}}}
}

func ExampleConfig_TranslateTo() {
	cfg, _, _ := config.Parse([]byte(`{"ignition": {"version": "3.4.0"}, "storage": {"luks": [{"name": "data", "device": "/dev/vdb", "discard": true}]}}`), "data.ign")
	_, err := cfg.TranslateTo(config.V3_2)
	fmt.Println(err)
	cfg.Storage.Luks[0].Discard = nil
	older, err := cfg.TranslateTo(config.V3_2)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(older.Ignition.Version)
	// Output:
	// data.ign, line 1, column 107 (storage.luks[0].discard): "discard" exists since version 3.4.0 of the spec, and 3.2.0 does not have it
	// 3.2.0
}

func ExampleConfig_MarshalJSON() {
	cfg := config.New(config.V3_2)
	cfg.KernelArguments.ShouldExist = []string{"nosmt"}
	_, err := cfg.MarshalJSON()
	fmt.Println(err)
	// Output:
	// kernelArguments: "kernelArguments" exists since version 3.3.0 of the spec, and 3.2.0 does not have it
}
