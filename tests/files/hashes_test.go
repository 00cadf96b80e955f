package files_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// recordHelpers has the programs of shadow-utils record their arguments and their
// environment in a file before they run.
func (m *machine) recordHelpers() (record string) {
	m.Helper()
	record = m.path("helpers")
	for _, program := range []string{"useradd", "usermod", "userdel", "groupadd", "groupmod", "groupdel", "chpasswd", "chgpasswd"} {
		real, err := exec.LookPath(program)
		if err != nil {
			m.Fatal(err)
		}
		m.write("bin/"+program, fmt.Sprintf("#!/bin/sh\ntr '\\0' '\\n' </proc/$$/cmdline >>%s\ntr '\\0' '\\n' </proc/$$/environ >>%[1]s\nexec %s \"$@\"\n", record, real))
		if err := os.Chmod(m.path("bin/"+program), 0o755); err != nil {
			m.Fatal(err)
		}
	}
	m.env = append(slices.Clone(m.env), "PATH="+m.path("bin")+":"+os.Getenv("PATH"))
	return record
}

// Hashes come to the databases as useradd, usermod, groupadd and groupmod would bring
// them there, but none is an argument.
func TestPasswordHashesAreNotShownByHelpers(t *testing.T) {
	hashes := map[string]string{
		"sha": "$6$salt$SECRETaXMHKMYJ0", "yescrypt": "$y$j9T$SECRET/./$abc", "locked": "!$6$salt$SECRETb", "old": "SECRETcde",
		"star": "*", "bang": "!", "bangs": "!!", "empty": "",
	}
	for name, prepare := range map[string]func(*machine){
		"shadow":          func(*machine) {},
		"no shadow files": func(m *machine) { m.remove("root/etc/shadow"); m.remove("root/etc/gshadow") },
		"no entries in them": func(m *machine) {
			m.write("root/etc/shadow", "root:*:19000:0:99999:7:::\n")
			m.write("root/etc/gshadow", "root:*::\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			kinds := []string{"sha", "star"}
			if name == "shadow" {
				kinds = slices.Sorted(maps.Keys(hashes))
			}
			m, expected := newMachine(t), newMachine(t)
			var users, groups []string
			for _, m := range []*machine{m, expected} {
				passwd, shadow, group, gshadow := m.read("root/etc/passwd"), m.read("root/etc/shadow"), m.read("root/etc/group"), m.read("root/etc/gshadow")
				id := 500
				for _, kind := range kinds {
					passwd += fmt.Sprintf("image-%s:x:%d:%[2]d::/none:/bin/sh\n", kind, id)
					shadow += fmt.Sprintf("image-%s:$5$before:19000:1:2:3:4:5:\n", kind)
					group += fmt.Sprintf("image-%s:x:%d:root\n", kind, id)
					gshadow += fmt.Sprintf("image-%s:$5$before:root:root\n", kind)
					id++
				}
				m.write("root/etc/passwd", passwd)
				m.write("root/etc/shadow", shadow)
				m.write("root/etc/group", group)
				m.write("root/etc/gshadow", gshadow)
				prepare(m)
			}
			for _, kind := range kinds {
				for _, account := range []string{"image-" + kind, "new-" + kind} {
					entry := fmt.Sprintf(`{"name": %q, "passwordHash": %q`, account, hashes[kind])
					groups = append(groups, entry+"}")
					users = append(users, entry+fmt.Sprintf(`, "primaryGroup": %q, "noCreateHome": true}`, account))
				}
			}
			for _, kind := range kinds {
				hash := hashes[kind]
				if hash == "" {
					expected.shadow("groupadd", "new-"+kind)
				} else {
					expected.shadow("groupmod", "--password", hash, "image-"+kind)
					expected.shadow("groupadd", "--password", hash, "new-"+kind)
				}
			}
			for _, kind := range kinds {
				hash := hashes[kind]
				if hash == "" {
					hash = "*"
				}
				expected.shadow("usermod", "--password", hash, "--gid", "image-"+kind, "image-"+kind)
				expected.shadow("useradd", "--no-create-home", "--password", hash, "--gid", "new-"+kind, "new-"+kind)
			}
			record := m.recordHelpers()
			m.boot(sections(`"passwd": {"groups": [` + strings.Join(groups, ",") + `], "users": [` + strings.Join(users, ",") + `]}`))
			m.must()
			for _, file := range []string{"passwd", "shadow", "group", "gshadow"} {
				if got, want := m.database(file), expected.database(file); got != want {
					t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
				}
			}
			shown, err := os.ReadFile(record)
			if err != nil || !strings.Contains(string(shown), "--encrypted") {
				t.Fatalf("the recorder has seen nothing: %v", err)
			}
			if strings.Contains(string(shown), "SECRET") {
				t.Errorf("helpers show:\n%s", regexp.MustCompile(`.*SECRET.*`).FindAllString(string(shown), -1))
			}
		})
	}
}

func (m *machine) remove(name string) {
	m.Helper()
	if err := os.Remove(m.path(name)); err != nil {
		m.Fatal(err)
	}
}

// shadow runs a program of shadow-utils as the agent would with arguments alone.
func (m *machine) shadow(program string, args ...string) {
	m.Helper()
	if out, err := exec.Command(program, append([]string{"--root", m.path("root")}, args...)...).CombinedOutput(); err != nil {
		m.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
}

// database is an account database, "" for one that does not exist, in the order of its names.
func (m *machine) database(name string) string {
	text, err := os.ReadFile(filepath.Join(m.path("root/etc"), name))
	if err != nil {
		return ""
	}
	lines := strings.Split(string(text), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
