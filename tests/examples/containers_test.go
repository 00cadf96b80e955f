//go:build soak

package examples

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// Images of containers, as the registry has them that the configs name. They are made
// here: of Debian's packages, and of programs that are built from source. What the configs
// use of the published ones, they have.

// debianPackages are in the image of PostgreSQL and in that of nginx.
const debianPackages = "postgresql-15,nginx-light,ca-certificates"

// left out of the layer of Debian: what is for people, and the compiler of queries.
var left = []string{"./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./var/cache", "./var/lib/apt", "./var/lib/postgresql/15",
	"./usr/lib/x86_64-linux-gnu/libLLVM*", "./usr/lib/postgresql/15/lib/bitcode", "./usr/lib/postgresql/15/lib/llvmjit*",
	"./proc/*", "./sys/*", "./dev/*", "./run/*", "./tmp/*", "./etc/nginx/sites-enabled/*"}

// postgresEntry is what is used of the entry point of PostgreSQL's image: it makes the
// database of a user in an empty directory, and runs the server as postgres.
const postgresEntry = `#!/bin/sh
set -eu
data=/var/lib/postgresql/data
install -d -o postgres /run/postgresql
chown -R postgres $data
chmod 0700 $data
as() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
if [ ! -s $data/PG_VERSION ]; then
    cat "$POSTGRES_PASSWORD_FILE" > /tmp/password
    chown postgres /tmp/password
    as initdb --pgdata=$data --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 $POSTGRES_INITDB_ARGS
    as pg_ctl --pgdata=$data --wait --options="-c listen_addresses=" start
    as createdb --host=/run/postgresql --username="$POSTGRES_USER" "$POSTGRES_USER"
    as pg_ctl --pgdata=$data --wait stop
fi
exec setpriv --reuid=postgres --regid=postgres --clear-groups "$@" -D $data
`

// nginxSite is the one that nginx's image has.
const nginxSite = "server { listen 80; root /usr/share/nginx/html; }\n"

// A registry serves images, by names that end with a tag.
type registry struct {
	dir       string            // of the blobs, by their digests
	manifests map[string]string // digests, by NAME:TAG
}

// newRegistry makes the images, or finds the layers in the cache.
func newRegistry(t *testing.T) *registry {
	t.Helper()
	cache, err := os.UserCacheDir()
	testkit.NoError(t, err)
	r := &registry{filepath.Join(cache, "firstlight", "example-images"), map[string]string{}}
	testkit.NoError(t, os.MkdirAll(r.dir, 0o755))
	debian := r.layer(t, "debian", func(tree string) {
		command(t, "debootstrap", "--variant=minbase", "--include="+debianPackages, "bookworm", tree)
	})
	postgres := r.layer(t, "postgres", func(tree string) {
		testkit.WriteFile(t, filepath.Join(tree, "usr/local/bin/docker-entrypoint.sh"), postgresEntry)
		command(t, "chmod", "-R", "0755", tree)
	})
	nginx := r.layer(t, "nginx", func(tree string) {
		testkit.WriteFile(t, filepath.Join(tree, "etc/nginx/conf.d/default.conf"), nginxSite)
	})
	dendrite := r.layer(t, "dendrite", func(tree string) {
		bin := filepath.Join(tree, "usr/bin")
		testkit.NoError(t, os.MkdirAll(bin, 0o755))
		build := exec.Command("go", "install", "-ldflags=-s -w -buildid=")
		for _, name := range []string{"dendrite", "create-account", "generate-keys"} {
			build.Args = append(build.Args, "github.com/matrix-org/dendrite/cmd/"+name+"@v0.13.8")
		}
		build.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=-trimpath", "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building Dendrite: %v\n%s", err, out)
		}
	})
	path := "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	r.add(t, "library/postgres:15", object{"Env": []string{path + ":/usr/lib/postgresql/15/bin"}, "Entrypoint": []string{"docker-entrypoint.sh"}, "Cmd": []string{"postgres"}}, debian, postgres)
	r.add(t, "library/nginx:1.27", object{"Env": []string{path}, "Cmd": []string{"nginx", "-g", "daemon off;"}}, debian, nginx)
	r.add(t, "matrixdotorg/dendrite-monolith:v0.13.8", object{"Env": []string{path}, "WorkingDir": "/etc/dendrite", "Entrypoint": []string{"/usr/bin/dendrite"}}, dendrite)
	return r
}

type object = map[string]any

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// A blob is in the registry.
type blob struct {
	digest string
	size   int64
}

// layer packs what is made in a directory, once.
func (r *registry) layer(t *testing.T, name string, make func(tree string)) blob {
	t.Helper()
	known := filepath.Join(r.dir, name)
	if digest, err := os.Readlink(known); err == nil {
		if info, err := os.Stat(known); err == nil {
			return blob{digest, info.Size()}
		}
	}
	tree := t.TempDir()
	make(tree)
	packed := filepath.Join(r.dir, name+".new")
	args := []string{"--sort=name", "--mtime=@0", "--numeric-owner", "-C", tree, "-cf", packed}
	for _, pattern := range left {
		args = append(args, "--exclude="+pattern)
	}
	command(t, "tar", append(args, ".")...)
	f, err := os.Open(packed)
	testkit.NoError(t, err)
	defer f.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	testkit.NoError(t, err)
	digest := fmt.Sprintf("sha256:%x", sum.Sum(nil))
	testkit.NoError(t, os.Rename(packed, filepath.Join(r.dir, digest)))
	os.Remove(known)
	testkit.NoError(t, os.Symlink(digest, known))
	return blob{digest, size}
}

// put keeps a document.
func (r *registry) put(t *testing.T, document object) blob {
	t.Helper()
	text, err := json.Marshal(document)
	testkit.NoError(t, err)
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(text))
	testkit.WriteFile(t, filepath.Join(r.dir, digest), string(text))
	return blob{digest, int64(len(text))}
}

func (b blob) of(kind string) object {
	return object{"mediaType": "application/vnd.oci.image." + kind, "digest": b.digest, "size": b.size}
}

// add adds an image.
func (r *registry) add(t *testing.T, name string, config object, layers ...blob) {
	t.Helper()
	var digests []string
	var packed []object
	for _, l := range layers {
		digests = append(digests, l.digest)
		packed = append(packed, l.of("layer.v1.tar"))
	}
	described := r.put(t, object{"architecture": "amd64", "os": "linux", "config": config, "rootfs": object{"type": "layers", "diff_ids": digests}})
	r.manifests[name] = r.put(t, object{"schemaVersion": 2, "mediaType": manifestType, "config": described.of("config.v1+json"), "layers": packed}).digest
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

// ServeHTTP answers by the distribution API of OCI: /v2/NAME/manifests/TAG and
// /v2/NAME/blobs/DIGEST.
func (r *registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path := strings.TrimPrefix(req.URL.Path, "/v2/")
	if name, reference, ok := strings.Cut(path, "/manifests/"); ok {
		if digest := r.manifests[name+":"+reference]; digest != "" {
			reference = digest
		}
		w.Header().Set("Content-Type", manifestType)
		w.Header().Set("Docker-Content-Digest", reference)
		path = "/blobs/" + reference
	}
	if _, digest, ok := strings.Cut(path, "/blobs/"); ok {
		http.ServeFile(w, req, filepath.Join(r.dir, filepath.Base(digest)))
	}
}

// containerHost is a host of machines that run containers by quadlets.
func containerHost(t *testing.T) (*host, *vm.Images) {
	t.Helper()
	img, err := vm.BuildVariant("podman")
	testkit.NoError(t, err)
	program, err := generator()
	testkit.NoError(t, err)
	h := newHost(t, filepath.Dir(program))
	h.mux.Handle("/v2/", newRegistry(t))
	return h, img
}

// containers is what a distribution with podman 5 would bring, for the podman of Debian 12:
// the generator. Images come from the host.
func (h *host) containers(t *testing.T) string {
	t.Helper()
	mirror := "[[registry]]\nprefix = \"docker.io\"\ninsecure = true\nlocation = \"" + strings.TrimPrefix(h.url, "http://") + "\"\n"
	text, err := json.Marshal(object{
		"ignition": object{"version": "3.4.0"},
		"storage": object{
			"files": []object{
				{"path": "/etc/systemd/system-generators/podman", "mode": 0o755, "contents": object{"source": h.url + "/files/quadlet"}},
				{"path": "/etc/containers/registries.conf.d/mirror.conf", "mode": 0o644, "contents": object{"source": dataURL(mirror)}},
			}},
	})
	testkit.NoError(t, err)
	return string(text)
}

func TestWebServerInAContainerHasItsPage(t *testing.T) {
	_, text := read(t, "quadlet-web")
	h, img := containerHost(t)
	port := freePort(t)
	o := newMachine(t, img, h.config(text, setup{name: "web", after: "After=web.service\n", others: []string{h.containers(t)},
		commands: []string{"curl --silent --show-error --fail --retry 1000 --retry-delay 2 --retry-all-errors http://localhost/"}}))
	o.Forward = map[int]int{port: 80}
	page := ""
	h.whenUp("web", func(context.Context) {
		res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", port))
		if err != nil {
			t.Error(err)
			return
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Error(err)
		}
		page = string(text)
	})
	if res := vm.Boot(t, o); res.Initramfs {
		t.Fatalf("the boot was stopped:\n%s", res.Report)
	}
	testkit.Contains(t, "the page", page, "This page came with the machine.")
}
