package lsp

import "github.com/firstlight-os/firstlight/config"

// facts offers the names of facts behind ${fact:, in documents that allow them, and is nil
// elsewhere.
func (d *document) facts(offset int) []completionItem {
	allows := d.root.get("firstlight").textOf("facts")
	if d.hasParams() { // it is of the variant firstlight
		allows = d.root.textOf("facts")
	}
	if allows != "true" {
		return nil
	}
	return d.placeholders(offset, "fact", func(offer func(name, about string)) {
		for _, name := range config.FactNames() {
			about := ""
			if place := d.language().At("storage", "files", "when", name); place != nil {
				about = describe(d.language(), place, []string{name})
			}
			offer(name, about)
		}
	})
}
