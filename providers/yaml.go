package providers

import (
	"bytes"

	"github.com/firstlight-os/firstlight/internal/doc"
	"github.com/firstlight-os/firstlight/internal/network"
)

// readYAML reads a document of a platform, which is YAML or JSON. Keys that are no
// scalars are left out. Nothing is null.
func readYAML(text []byte) (*doc.Node, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return &doc.Node{}, nil
	}
	return network.ReadDocument(text, "")
}
