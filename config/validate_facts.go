package config

import (
	"maps"
	"slices"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// maxConditions is for how many different conditions of one config it is judged what they
// make of it.
const maxConditions = 20

// validateRead validates a config that was just read: as it is, or, if there are facts in
// it, as machines may get it.
func validateRead(cfg *Config, version Version, extended bool) Problems {
	root := doc.NodeOf(cfg.Object)
	if cfg.HasFacts() {
		return validateFacts(root, version)
	}
	problems := validate(cfg, version)
	if !extended {
		return problems
	}
	eachNode(root, "", func(n *doc.Node, name string) {
		switch {
		case n.Member("when") != nil:
			problems.Add(NewProblem(RuleFactsOff, Error, n.Member("when").Origin(), "conditions are in configs that allow facts only; %s", allowFacts(n)))
		case n.Kind == doc.String && doc.HasPlaceholders(n.Text, factKinds):
			problems.Add(NewProblem(RuleFactsOff, Warning, n.Origin(), "this has a placeholder for a fact, which stays as it is; %s", allowFacts(n)))
		}
	})
	return problems
}

// allowFacts says how, in the language of a document.
func allowFacts(n *doc.Node) string {
	if n.Origin().Butane {
		return "write \"facts: true\" beside variant and version"
	}
	return "write \"firstlight\": {\"facts\": true}"
}

// eachNode calls visit for a tree from its root on. The name is that of the member that a
// node is, or is in the list of.
func eachNode(n *doc.Node, name string, visit func(n *doc.Node, name string)) {
	visit(n, name)
	for _, m := range n.Members {
		eachNode(m.Value, m.Name, visit)
	}
	for _, item := range n.Items {
		eachNode(item, name, visit)
	}
}

// validateFacts judges a tree with some values in place of the placeholders. What is wrong
// with two entries together counts only where both can be: each condition is looked at on
// its own, with the entries that have none. Warnings are those of all together, as one
// entry may be what another one is warned to miss.
func validateFacts(root *doc.Node, version Version) Problems {
	conditions := map[string]bool{}
	var problems Problems
	eachNode(root, "", func(n *doc.Node, _ string) {
		when := n.Member("when")
		if when == nil {
			return
		}
		conditions[string(when.AppendJSON(nil))] = true
		for _, m := range when.Members {
			if f := checkPattern(m.Value.Text); f != nil || m.Value.Text == "" {
				problems.Add(NewProblem(RuleFactPattern, Error, m.Value.Origin(), "%s is not a pattern for a fact: it is empty, or a [ or a \\ in it has no end", quote(m.Value.Text)))
			}
		}
	})
	problems = append(problems, withSamples(root, version, func(string) bool { return true })...)
	if len(conditions) == 0 {
		return problems
	}
	problems = slices.DeleteFunc(problems, func(p Problem) bool {
		return p.Severity == Error && (p.Rule < RuleFactsOff || p.Rule > RuleFactPattern)
	})
	conditions[""] = true // of no entry: only those without any
	for i, condition := range slices.Sorted(maps.Keys(conditions)) {
		if i > maxConditions {
			break
		}
		for _, p := range withSamples(root, version, func(c string) bool { return c == condition }) {
			if p.Severity == Error && !slices.Contains(problems, p) {
				problems.Add(p)
			}
		}
	}
	return problems
}

// withSamples validates a tree with samples of facts, and with the entries whose condition
// holds.
func withSamples(root *doc.Node, version Version, holds func(condition string) bool) Problems {
	f := newFiller(func(name string) (string, error) { return factSamples[name], nil })
	f.holds = func(_, when *doc.Node) bool { return holds(string(when.AppendJSON(nil))) }
	f.inBrackets = factSamples["private-ipv6"]
	f.shown = func(p doc.Placeholder, value string) string {
		return " (with " + quote(value) + " for ${fact:" + p.Name + "})"
	}
	tree := root.Clone()
	f.value(tree, "")
	f.withoutSums(tree)
	problems := append(f.problems, validate(fromTree(tree), version)...)
	f.explain(problems)
	return problems
}

// withoutSums takes the sums of contents away that are not these.
func (f *filler) withoutSums(root *doc.Node) {
	eachNode(root, "", func(n *doc.Node, _ string) {
		if source := n.Member("source"); source != nil && f.filled[source.Path()] != "" {
			n.Remove("verification")
		}
	})
}
