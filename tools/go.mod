// The developers' tools, apart so that the product's go.mod has only what it links.
module github.com/firstlight-os/firstlight/tools

go 1.26.0

tool (
	github.com/containers/podman/v5/cmd/quadlet
	honnef.co/go/tools/cmd/staticcheck
)

require (
	github.com/BurntSushi/toml v1.5.0 // indirect
	github.com/containers/podman/v5 v5.8.1 // indirect
	go.podman.io/storage v1.62.0 // indirect
	golang.org/x/exp/typeparams v0.0.0-20231108232855-2478ac86f678 // indirect
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/sync v0.23.0 // indirect
	golang.org/x/tools v0.51.0 // indirect
	honnef.co/go/tools v0.8.2 // indirect
)
