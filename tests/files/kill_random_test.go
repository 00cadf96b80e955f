package files_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

var configs = flag.Int("files.configs", 2, "configs of users and homes, made up at random, whose runs are killed")

// randomCase makes users come, go and move, between few places, and files at these.
func randomCase(random *rand.Rand) killCase {
	places := []string{"/home/core", "/home/dusk", "/home/core/dir", "/home/new", "/srv/a", "/srv/a/b", "/srv/c"}
	pick := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	home := func() string { return fmt.Sprintf(`, "homeDir": %q`, pick(places...)) }
	id := func() string { return pick("", "", fmt.Sprintf(`, "uid": %d`, 2000+random.IntN(1000))) }
	keys := func() string { return pick("", `, "sshAuthorizedKeys": ["k"]`) }
	var users, files []string
	for _, name := range []string{"core", "dusk", "ann", "eve"} {
		old := name == "core" || name == "dusk"
		switch {
		case random.IntN(5) == 0:
		case old && random.IntN(3) == 0:
			users = append(users, fmt.Sprintf(`{"name": %q, "shouldExist": false}`, name))
		default:
			users = append(users, fmt.Sprintf(`{"name": %q%s%s%s}`, name, pick("", home(), home()), id(), keys()))
		}
	}
	random.Shuffle(len(users), func(i, j int) { users[i], users[j] = users[j], users[i] })
	for i := range 4 {
		if at := pick(places...); random.IntN(2) == 0 {
			files = append(files, fmt.Sprintf(`{"path": "%s/f%d", "contents": {"source": "URL/%d"}}`, at, i, i))
		} else {
			files = append(files, fmt.Sprintf(`{"path": "%s/f%d", "append": [{"source": "data:,%d"}]}`, at, i, i))
		}
	}
	c := killCase{config: func(url string) string {
		return sections(`"passwd": {"users": [` + strings.Join(users, ", ") + `]}, "storage": {"files": [` + strings.ReplaceAll(strings.Join(files, ", "), "URL", url) + `]}`)
	}}
	for _, at := range []string{"/srv", "/home"} {
		if random.IntN(2) == 0 {
			c.mounts = append(c.mounts, at)
		}
	}
	return c
}

// Not every config that is made up can be applied to these machines.
func TestKilledWithAnyUsersTheNextRunEndsInTheSameTree(t *testing.T) {
	random := seeded(t, 1000)
	for n := 0; n < *configs; {
		c := randomCase(random)
		k := newKilledMachine(t, c)
		k.install()
		k.restart()
		if status, _, _ := k.files(); status != 0 {
			continue
		}
		n++
		if !t.Run(fmt.Sprint(n), func(t *testing.T) { k.T = t; killEverywhere(t, k, random) }) {
			t.Logf("the config is %s\nwith filesystems at %v", c.config("URL"), c.mounts)
		}
	}
}
