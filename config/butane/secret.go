package butane

import (
	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// checkSecretSource refuses a source of a secret in a variant that other programs know.
func (t *translation) checkSecretSource(n *doc.Node) {
	if source := n.Member("source"); source != nil && t.Variant != firstlight && config.IsSecret(source.Text) {
		t.error(config.RuleExtensionVersion, source.Origin(), "sources of secrets are extensions of Firstlight, which %s does not have; write \"variant: firstlight\" and \"version: %s\"", t.Dialect, newest(firstlight))
	}
}

// encrypted sets the source of a resource with encrypted contents. They stay as they are:
// its compression is that of what is decrypted.
func (t *translation) encrypted(n *doc.Node) {
	from, contents, ok := n.Member("age"), []byte(text(n, "age")), true
	if local := n.Member("ageLocal"); local != nil {
		from = local
		contents, ok = t.local(local)
	}
	if !ok { // which was reported
		t.encode(n, n, nil)
		return
	}
	n.Set("source", nodeBuilder{from}.value("age:"+config.DataURL(contents)))
}
