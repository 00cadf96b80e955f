package rules

import "github.com/firstlight-os/firstlight/config"

var facts = []Rule{
	{Rule: config.RuleFactsOff, ID: "facts-off", Title: "Facts are used in a config that does not allow them", Severities: either,
		Why:    "Texts like ${fact:hostname} may be meant as they are, in scripts and templates of others. So they are placeholders, and entries can have conditions, only in configs that say so.",
		Source: extensionsDocument,
		Bad:    butaneFile("", "path: /etc/name\nwhen: {region: \"eu-*\"}"), Good: butaneFile("facts: true\n", "path: /etc/name\nwhen: {region: \"eu-*\"}")},
	{Rule: config.RuleFactName, ID: "fact-name", Title: "A placeholder is for no fact that there is", Severities: refused,
		Why:    "The list of facts is the same for all platforms and closed: a name that is none would be an empty text in the new system. Double the dollar where such a text is meant itself.",
		Source: extensionsDocument,
		Bad:    butaneFile("facts: true\n", "path: /etc/name\ncontents: {inline: \"${fact:host}\"}"), Good: butaneFile("facts: true\n", "path: /etc/name\ncontents: {inline: \"${fact:hostname}\"}")},
	{Rule: config.RuleFactPlace, ID: "fact-place", Title: "A fact cannot be put here", Severities: refused,
		Why:    "The value is put into the text as it is. In base64 it would be something else, and what is made of the text before a machine boots, such as the name of a mount unit, cannot have it.",
		Source: extensionsDocument,
		Bad:    extended("3.6.0+firstlight.1", factFile("data:;base64,${fact:hostname}")), Good: extended("3.6.0+firstlight.1", factFile("data:,${fact:hostname}"))},
	{Rule: config.RuleFactPattern, ID: "fact-pattern", Title: "A condition has a pattern that is none", Severities: refused,
		Why:    "Patterns are those of shells: * is any text, ? is one character, [a-z] is one of several, and \\ takes the meaning from the next one. No fact is empty.",
		Source: extensionsDocument,
		Bad:    butaneFile("facts: true\n", "path: /etc/name\nwhen: {region: \"eu-[12\"}"), Good: butaneFile("facts: true\n", "path: /etc/name\nwhen: {region: \"eu-[12]\"}")},
}

// butaneFile is a config of the variant firstlight with one file.
func butaneFile(header, keys string) string {
	return "variant: firstlight\nversion: 1.0.0\n" + header + "storage:\n  files:\n" + item(keys)
}

// factFile is a file with a source, in JSON, in a config that allows facts.
func factFile(source string) string {
	return "\"firstlight\": {\"facts\": true},\n\"storage\": {\"files\": [{\"path\": \"/etc/name\", \"contents\": {\"source\": \"" + source + "\"}}]}"
}
