package config

import "testing"

func TestPathRules(t *testing.T) {
	for _, list := range []string{"files", "directories", "links"} {
		entry := func(members string) string {
			return `"storage":{"` + list + `":[{"target":"x",` + members + `}]}`
		}
		if list != "links" {
			entry = func(members string) string { return `"storage":{"` + list + `":[{` + members + `}]}` }
		}
		at := "storage." + list + "[0]"
		testRules(t, []rule{
			{list + " good", "all", entry(`"path":"/a b"`), nil},
			{list + " root", "all", entry(`"path":"/"`), nil},
			{list + " no path", "all", entry(`"path":null`), []string{"E " + at + ".path path is missing"}},
			{list + " empty path", "all", entry(`"path":""`), []string{"E " + at + ".path path is missing"}},
			{list + " relative", "all", entry(`"path":"a"`), []string{"E " + at + `.path "a" is not absolute`}},
			{list + " double slash", "all", entry(`"path":"//a"`), []string{"E " + at + `.path write "/a"`}},
			{list + " dot", "all", entry(`"path":"/a/./b"`), []string{"E " + at + `.path write "/a/b"`}},
			{list + " dots", "all", entry(`"path":"/a/.."`), []string{"E " + at + `.path write "/"`}},
			{list + " slash at the end", "all", entry(`"path":"/a/"`), []string{"E " + at + `.path write "/a"`}},
			{list + " user by id and name", "all", entry(`"path":"/a","user":{"id":0,"name":"core"}`), []string{"E " + at + `.user the user is given by id (0) and by name ("core")`}},
			{list + " group by id and name", "all", entry(`"path":"/a","group":{"id":1,"name":"core"}`), []string{"E " + at + ".group the group is given by id (1)"}},
			{list + " id and empty name", "all", entry(`"path":"/a","user":{"id":5,"name":""}`), nil},
		})
	}
}

func TestModeRules(t *testing.T) {
	for _, list := range []string{"files", "directories"} {
		mode := func(m string) string { return `"storage":{"` + list + `":[{"path":"/a","mode":` + m + `}]}` }
		at := " storage." + list + "[0].mode "
		testRules(t, []rule{
			{list + " plain", "all", mode("493"), nil},
			{list + " zero", "all", mode("0"), nil},
			{list + " negative is reported once", "all", mode("-1"), []string{"E" + at + "-1 is negative"}},
			{list + " too large", "all", mode("4096"), []string{"E" + at + "octal 010000; it should be between 0 and 4095"}},
			{list + " decimal and too large", "all", mode("7777"), []string{"E" + at + "if you mean octal 07777, write 4095"}},
			{list + " special bits", "≤3.5", mode("2541"), []string{"W" + at + "octal 04755; its special bits (setuid, setgid, sticky) are ignored before version 3.6.0"}},
			{list + " special bits since 3.6", "3.6+", mode("2541"), nil},
			{list + " decimal 644", "≤3.5", mode("644"), []string{"W" + at + "octal 01204; its special bits (setuid, setgid, sticky) are ignored before version 3.6.0 of the spec; if you mean octal 0644, write 420"}},
		})
	}
}

func TestModesOfDirectoriesThatNobodyCanEnter(t *testing.T) {
	mode := func(m string) string {
		return `"storage":{"directories":[{"path":"/a","mode":` + m + `}],"files":[{"path":"/f","mode":` + m + `}]}`
	}
	const at = "W storage.directories[0].mode "
	testRules(t, []rule{
		{"0644", "all", mode("420"), []string{at + "the mode 420 is octal 0644: nobody but root can enter the directory; octal 0755 is 493"}},
		{"0600", "all", mode("384"), []string{at + "the mode 384 is octal 0600: nobody but root can enter the directory; octal 0700 is 448"}},
		{"0222", "all", mode("146"), []string{at + "the mode 146 is octal 0222: nobody but root can enter the directory"}},
		{"0100", "all", mode("64"), nil},
		{"decimal 644", "3.6+", mode("644"), []string{at + "the mode 644 is octal 01204: nobody but root can enter the directory; if you mean octal 0644, write 420"}},
	})
}

func TestParentsInHomesThatWouldBeRoots(t *testing.T) {
	const core = `"user":{"name":"core"}`
	files := func(list string) string { return `"storage":{"files":[` + list + `]}` }
	const at, says = "W storage.files[0].path if the image does not have the directory ", " it will be root's, and \"core\" cannot write to it; list it in storage.directories with this user"
	testRules(t, []rule{
		{"two of them", "all", files(`{"path":"/home/core/.config/x/y",` + core + `},{"path":"/home/core/.config/x/z",` + core + `}`), []string{at + `"/home/core/.config",` + says, at + `"/home/core/.config/x",` + says}},
		{"an OSTree", "all", files(`{"path":"/var/home/core/d/y",` + core + `}`), []string{at + `"/var/home/core/d",`}},
		{"in the home", "all", files(`{"path":"/home/core/y",` + core + `}`), nil},
		{"root's", "all", files(`{"path":"/home/core/d/y"},{"path":"/root/d/y","user":{"name":"root"}},{"path":"/home/core/d/z","user":{"id":1}}`), nil},
		{"elsewhere", "all", files(`{"path":"/srv/core/d/y",` + core + `},{"path":"/home/corey/d/y",` + core + `}`), nil},
		{"a home of the config", "all", files(`{"path":"/srv/core/d/y",`+core+`}`) + `,"passwd":{"users":[{"name":"core","homeDir":"/srv/core/"}]}`, []string{at + `"/srv/core/d",`}},
		{"made for keys", "all", files(`{"path":"/home/core/.ssh/config",`+core+`}`) + `,"passwd":{"users":[{"name":"core","sshAuthorizedKeys":["ssh-ed25519 AAAA"]}]}`, nil},
		{"not made for keys", "all", files(`{"path":"/home/core/.ssh/authorized_keys",` + core + `}`), []string{at + `"/home/core/.ssh",`}},
		{"listed", "all", `"storage":{"files":[{"path":"/home/core/d/y",` + core + `}],"directories":[{"path":"/home/core/d",` + core + `}]}`, nil},
		{"links and directories", "all", `"storage":{"links":[{"path":"/home/core/l/y","target":"/etc",` + core + `}],"directories":[{"path":"/home/core/d/e",` + core + `}]}`, []string{
			"W storage.directories[0].path if the image does not have the directory \"/home/core/d\",", "W storage.links[0].path if the image does not have the directory \"/home/core/l\","}},
	})
}

func TestFileRules(t *testing.T) {
	testRules(t, []rule{
		{"overwrite with nothing", "all", `"storage":{"files":[{"path":"/a","overwrite":true}]}`, []string{"E storage.files[0].overwrite no contents to overwrite with"}},
		{"overwrite with append", "all", `"storage":{"files":[{"path":"/a","overwrite":true,"append":[{"source":"data:,"}]}]}`, []string{"E storage.files[0].overwrite no contents"}},
		{"overwrite with an empty source", "all", `"storage":{"files":[{"path":"/a","overwrite":true,"contents":{"source":""}}]}`, nil},
		{"overwrite of others", "all", `"storage":{"directories":[{"path":"/a","overwrite":true}],"links":[{"path":"/b","target":"c","overwrite":true}]}`, nil},
		{"null file", "all", `"storage":{"files":[null]}`, []string{"W storage.files[0] null, an object is expected", "E storage.files[0].path path is missing"}},
	})
}

func TestLinkRules(t *testing.T) {
	testRules(t, []rule{
		{"without target", "all", `"storage":{"links":[{"path":"/a"}]}`, []string{"E storage.links[0].target target is missing"}},
		{"with empty target", "all", `"storage":{"links":[{"path":"/a","target":"","hard":true,"user":{"id":1}}]}`, []string{"E storage.links[0].target target is missing"}},
		{"owner of a hard link", "all", `"storage":{"links":[{"path":"/a","target":"/b","hard":true,"user":{"id":0,"name":""},"group":{"name":"x"}}]}`, []string{
			"W storage.links[0].user.id no effect", "W storage.links[0].user.name no effect", "W storage.links[0].group.name no effect"}},
		{"owner of a symbolic link", "all", `"storage":{"links":[{"path":"/a","target":"/b","user":{"id":0}}]}`, nil},
	})
}

func TestPathsInSeveralLists(t *testing.T) {
	testRules(t, []rule{
		{"file and directory", "all", `"storage":{"files":[{"path":"/a"}],"directories":[{"path":"/a"}]}`, []string{`E storage.files[0] the path "/a" is already storage.directories[0], line 1,`}},
		{"file and link", "all", `"storage":{"links":[{"path":"/a","target":"x"}],"files":[{"path":"/a"}]}`, []string{"E storage.links[0] already storage.files[0]"}},
		{"two files", "all", `"storage":{"files":[{"path":"/a"},{"path":"/a"},{"path":"/a"}]}`, []string{"E storage.files[1] already storage.files[0]", "E storage.files[2] already storage.files[0]"}},
		{"below a file", "all", `"storage":{"files":[{"path":"/a"},{"path":"/a/b"}]}`, nil},
	})
}

func TestPathsBelowLinks(t *testing.T) {
	with := func(link, rest string) string {
		return `"storage":{"links":[{"path":"` + link + `","target":"/t"}],` + rest + `}`
	}
	testRules(t, []rule{
		{"file", "all", with("/a", `"files":[{"path":"/a/b/c"}]`), []string{`E storage.files[0] "/a/b/c" is below the link "/a" of storage.links[0]`}},
		{"directory", "all", with("/a", `"directories":[{"path":"/a/b"}]`), []string{"E storage.directories[0] below the link"}},
		{"hard link", "all", `"storage":{"links":[{"path":"/a","target":"/t","hard":true}],"files":[{"path":"/a/b"}]}`, []string{"E storage.files[0] below the link"}},
		{"one for each link", "all", `"storage":{"links":[{"path":"/a","target":"/t"},{"path":"/a/b","target":"/t"}],"files":[{"path":"/a/b/c"}]}`, []string{
			"E storage.links[1] below the link \"/a\"", "E storage.files[0] below the link \"/a\"", "E storage.files[0] below the link \"/a/b\""}},
		{"same beginning", "all", with("/a", `"files":[{"path":"/ab"}]`), nil},
		{"root", "all", with("/", `"files":[{"path":"/x"}]`), nil},
	})
}

func TestHardLinksToDirectories(t *testing.T) {
	hard := func(path, target, directory string) string {
		return `"storage":{"directories":[{"path":"` + directory + `"}],"links":[{"path":"` + path + `","target":"` + target + `","hard":true}]}`
	}
	refused := []string{"E storage.links[0] a hard link to"}
	testRules(t, []rule{
		{"absolute", "all", hard("/x", "/y/../d/", "/d"), refused},
		{"relative to the directory", "all", hard("/x/a", "d", "/x/d"), nil},
		{"relative to itself", "all", hard("/x/a", "../d", "/x/d"), refused},
		{"symbolic", "all", `"storage":{"directories":[{"path":"/d"}],"links":[{"path":"/x","target":"/d"}]}`, nil},
	})
}

func TestOwnFilesOfTheAgent(t *testing.T) {
	entry := func(list, path string) string {
		return `"storage":{"` + list + `":[{"target":"x","path":"` + path + `"}]}`
	}
	plain := func(list, path string) string { return `"storage":{"` + list + `":[{"path":"` + path + `"}]}` }
	const ledger, result = "/etc/.provisioning-ledger.json", "/etc/.ignition-result.json"
	own := func(list string) []string {
		return []string{"E storage." + list + "[0].path is a file of Firstlight's own"}
	}
	testRules(t, []rule{
		{"file at the ledger", "all", plain("files", ledger), own("files")},
		{"directory at the ledger", "all", plain("directories", ledger), own("directories")},
		{"link at the ledger", "all", entry("links", ledger), own("links")},
		{"file below it", "all", plain("files", ledger+"/x"), own("files")},
		{"directory at the result", "all", plain("directories", result), own("directories")},
		{"file below the result", "all", plain("files", result+"/x"), own("files")},
		{"file at the result", "all", plain("files", result), []string{"W storage.files[0].path is written to " + result + " in the end"}},
		{"filesystem at the ledger", "all", `"storage":{"filesystems":[{"device":"/dev/vda1","format":"ext4","path":"` + ledger + `"}]}`, own("filesystems")},
		{"a longer name", "all", plain("files", ledger+"x"), nil},
	})
}
