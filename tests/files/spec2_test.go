package files_test

import (
	"os"
	"strings"
	"testing"
)

// A node of Cluster API's provider for kubeadm, which makes configs of spec 2.3.0.
func TestNodeOfClusterAPI(t *testing.T) {
	text, err := os.ReadFile("../../config/spec2/testdata/cluster-api.ign")
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(t)
	m.env = append(m.env, "IGNITION_SYSTEM_CONFIG_DIR="+m.path("image"))
	m.write("image/distribution.conf", "SPEC2=translate\n")
	m.write("root/etc/group", "root:x:0:\nsudo:x:27:\ndocker:x:233:\n")
	m.write("root/etc/ssh/sshd_config", "UsePAM yes\n")
	m.write("root/etc/localtime", "of the image")
	m.write("root/bin/bash", "")
	m.write("root/usr/lib/systemd/system/systemd-timesyncd.service", "[Install]\nWantedBy=sysinit.target\n")
	m.boot(string(text))
	m.must()
	tree := m.tree()
	for _, want := range []string{
		"etc/kubeadm.sh -rwx------ 0:0 links 1", "etc/kubeadm.yml -rw------- 0:0 links 1 \"apiVersion: ", "etc/sudoers.d/core -rw------- 0:0",
		"etc/ssh/sshd_config -rw-r--r-- 0:0 links 1 \"UsePAM yes\\nPermitRootLogin no\\n\"",
		"etc/localtime Lrwxrwxrwx 0:0 links 1 -> /usr/share/zoneinfo/UTC",
		"home/core/.ssh/authorized_keys.d/ignition -rw------- 1000:1000",
		"etc/systemd/system/kubeadm.service -rw-r--r-- 0:0", "etc/systemd/system/var-lib-etcd.mount -rw-r--r-- 0:0",
		"etc/systemd/system/systemd-timesyncd.service.d/10-servers.conf -rw-r--r-- 0:0",
		"enable kubeadm.service\\nenable systemd-timesyncd.service\\nenable var-lib-etcd.mount\\n",
	} {
		if !strings.Contains(tree, want) {
			t.Errorf("%q is not in\n%s", want, tree)
		}
	}
	if groups := m.read("root/etc/group"); !strings.Contains(groups, "sudo:x:27:core\n") || !strings.Contains(groups, "docker:x:233:core\n") {
		t.Errorf("the groups are\n%s", groups)
	}
	m.nothingLeft()
}
