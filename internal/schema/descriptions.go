package schema

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/firstlight-os/firstlight/internal/doc"
)

//go:embed descriptions.json
var descriptionsJSON []byte

// descriptions holds the comments of types ("File") and members ("File.mode").
var descriptions = sync.OnceValue(func() map[string]string {
	var all map[string]string
	if err := json.Unmarshal(descriptionsJSON, &all); err != nil {
		panic(fmt.Sprintf("schema: descriptions.json was not made by go generate: %v", err))
	}
	return all
})

func describe(name string) string { return descriptions()[name] }

// memberName finds the names of members that Butane spells differently.
var memberName = regexp.MustCompile(`\b[a-z]+[0-9]*[A-Z]\w*\b`)

// describeInButane spells the names of members as Butane does.
func describeInButane(name string) string {
	return memberName.ReplaceAllStringFunc(describe(name), func(word string) string {
		if members()[word] {
			return doc.Snake(word)
		}
		return word
	})
}

// members are the names of all members, in the spec.
var members = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for name := range descriptions() {
		if _, member, ok := strings.Cut(name, "."); ok {
			all[member] = true
		}
	}
	return all
})
