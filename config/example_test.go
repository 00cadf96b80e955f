package config_test

import (
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

func ExampleConfig_Marshal() {
	mode, source := 0o600, "data:,secret"
	cfg := &config.Config{Storage: config.Storage{Files: []config.File{
		{Path: "/etc/key", Mode: &mode, Contents: config.Resource{Source: &source}},
	}}}
	fmt.Println(string(cfg.Marshal()))
	// Output:
	// {"ignition":{"version":"3.7.0-experimental"},"storage":{"files":[{"path":"/etc/key","contents":{"source":"data:,secret"},"mode":384}]}}
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
