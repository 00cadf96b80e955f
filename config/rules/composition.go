package rules

import "github.com/firstlight-os/firstlight/config"

var composition = []Rule{
	{Rule: config.RulePlaceholderForm, ID: "placeholder-form", Title: "This is not a placeholder, but looks like one", Severities: refused,
		Why:    "${param:NAME} stands for a value. Something that is nearly that is a mistake in most cases, and would stay in the text. Where it is meant, as in a script of a shell, two dollars stand for one: $${param:NAME}. Other texts with ${ in them are left alone. What is included, and the defaults of parameters, cannot have placeholders.",
		Source: extensionsDocument,
		Bad:    linked("params:\n  host: {default: web1}\n", "${params:host}"), Good: linked("params:\n  host: {default: web1}\n", "${param:host}")},
	{Rule: config.RuleParamUnknown, ID: "param-unknown", Title: "There is no parameter of this name", Severities: refused,
		Why:    "A document declares the parameters that it uses, or includes a document that does, so that each is whole by itself. What is set for a parameter that no document has is most likely misspelled.",
		Source: extensionsDocument,
		Bad:    linked("params:\n  host: {default: web1}\n", "${param:hots}"), Good: linked("params:\n  host: {default: web1}\n", "${param:host}")},
	{Rule: config.RuleParamUnset, ID: "param-unset", Title: "A parameter has no value", Severities: refused,
		Why:    "A parameter without a default has to be set: by --set NAME=VALUE, by a file with --params, or by a default in the document that includes this one. A machine that reads the config itself has only defaults.",
		Source: extensionsDocument,
		Bad:    linked("params:\n  host: {}\n", "${param:host}"), Good: linked("params:\n  host: {default: web1}\n", "${param:host}")},
	{Rule: config.RuleParamDeclaration, ID: "param-declaration", Title: "A parameter is declared wrongly, or in two ways", Severities: refused,
		Why:    "Names have letters, digits, - and _ and begin with a letter; types are string, int and bool. The parameters of all documents that are merged are one namespace: a name has one type, and of two defaults that of the document counts which includes the other one. If neither does, nobody could tell which one is meant.",
		Source: extensionsDocument,
		Bad:    linked("params:\n  host: {type: text, default: web1}\n", "web1"), Good: linked("params:\n  host: {type: string, default: web1}\n", "web1")},
	{Rule: config.RuleParamValue, ID: "param-value", Title: "The value of a parameter is not of its type", Severities: refused,
		Why:    "A whole number is written as everywhere in Butane, 0644 is octal; a boolean is true or false. A parameter has one value, so lists and objects are none.",
		Source: extensionsDocument,
		Bad:    linked("params:\n  number: {type: int, default: many}\n", "web1"), Good: linked("params:\n  number: {type: int, default: 12}\n", "web1")},
	{Rule: config.RuleIncludeCycle, ID: "include-cycle", Title: "Documents include each other without an end", Severities: refused, Command: "validate --files-dir .",
		Why:    "A document is merged over those that it includes, which therefore cannot include it. The message names the way that leads back. More than 16 steps and more than 256 documents are refused, too.",
		Source: extensionsDocument, Files: map[string]string{
			"self": firstlightHead + "include: [self]\n", "base": firstlightHead + "storage: {files: [{path: /etc/motd}]}\n",
		},
		Bad: firstlightHead + "include: [self]\n", Good: firstlightHead + "include: [base]\n"},
	{Rule: config.RuleIncludeCondition, ID: "include-condition", Title: "An entry with a condition is merged with another one", Severities: refused, Command: "validate --files-dir .",
		Why:    "Conditions hold or not when a machine boots; documents that include each other are merged before. An entry of the one that has a condition, and an entry of the other with the same name or path, would be one entry with that condition. Write the two into one document, or merge the documents at boot, where conditions come first.",
		Source: extensionsDocument, Files: map[string]string{
			"base": firstlightHead + "facts: true\nstorage: {files: [{path: /etc/role, when: {region: \"eu-*\"}}]}\n",
		},
		Bad: firstlightHead + "include: [base]\nstorage: {files: [{path: /etc/role}]}\n", Good: firstlightHead + "include: [base]\nstorage: {files: [{path: /etc/other}]}\n"},
}

const firstlightHead = "variant: firstlight\nversion: 1.0.0\n"

// linked is a config of the variant firstlight with a link.
func linked(head, target string) string {
	return firstlightHead + head + "storage:\n  links:\n" + item("path: /etc/role\ntarget: "+target)
}
