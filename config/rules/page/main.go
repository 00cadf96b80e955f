// Command page writes docs/rules.md from the table of rules, for go generate:
//
//	page ../../docs/rules.md
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/firstlight-os/firstlight/config/rules"
)

const head = `# Rules

<!-- by go generate ./config/rules -->

Each problem that ` + "`firstlightctl validate`" + ` prints ends with the id of the rule that is
broken, as in ` + "`[path-relative]`" + `. Ids stay from release to release. ` + "`firstlightctl explain ID`" + `
prints what is here, and ` + "`firstlightctl explain`" + ` the list. In JSON the id is ` + "`rule`" + `, in
SARIF ` + "`ruleId`" + `.

An error refuses the config; a warning is shown, and refuses it with ` + "`--strict`" + `; a note is
advice. Where a rule can be an error or a warning, that depends on the version of the config, or
on whether another config that is merged could still set the value anew.

| rule | what is wrong |
|---|---|
`

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: page FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], []byte(page()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// columns of lines of the documents.
const columns = 92

func page() string {
	var b strings.Builder
	b.WriteString(head)
	for _, r := range rules.All() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", r.ID, r.ID, r.Title)
	}
	for _, r := range rules.All() {
		fmt.Fprintf(&b, "\n## %s\n\n%s", r.ID, r.Page(columns))
	}
	return b.String()
}
