package config

import (
	"bytes"
	"errors"
	"slices"
)

// A foreign format is something that is given in place of a config.
type foreign struct {
	is     form
	name   string
	wayOut string
}

const (
	// giveConfig is for what another program reads, see ForeignUserData.
	giveConfig = "give the machine an Ignition or Butane config, or none"
	useGzip    = "only gzip is unpacked: use firstlightctl pack CONFIG"
	lookAtURL  = "a login, a proxy or an error has answered in place of the config: look at what is there"
)

// foreignFormats are tried in this order.
var foreignFormats = []foreign{
	{isUTF16, "UTF-16", "save it as UTF-8: Windows PowerShell's > writes UTF-16, its Out-File -Encoding utf8 does not"},
	{isWebPage, "a web page", lookAtURL},
	{either(begins("<powershell>", "<script>"), beginsIn("#ps1", "rem cmd", "@echo off")), "a script for Windows", giveConfig},
	{isAutoYaST, "a profile for AutoYaST", giveConfig},
	{isXML, "XML", "if it is the answer of a server, it may say why there is no config"},
	{begins("#cloud-config"), "a cloud-config for cloud-init", giveConfig},
	{begins("#cloud-boothook"), "a boot hook for cloud-init", giveConfig},
	{begins("#part-handler"), "a program for cloud-init", giveConfig},
	{begins("#include"), "a list of URLs for cloud-init", giveConfig},
	{begins("## template:"), "a template for cloud-init", giveConfig},
	{beginsIn("content-type:", "mime-version:", "from nobody "), "a multi-part archive for cloud-init, or another MIME message", giveConfig},
	{isAnswer, "the answer of a web server with its headers", "leave the headers out"},
	{isErrorAnswer, "the error of a web server", lookAtURL},
	{isCombustion, "a script for combustion", giveConfig},
	{begins("#!"), "a script", giveConfig},
	{isKickstart, "a kickstart for an installer", giveConfig},
	{begins(ageArmor, ageBinary), "encrypted with age", "machines decrypt it with the credential firstlight.age, and other programs do not: age --decrypt --identity FILE"},
	{begins("-----BEGIN "), "a key or certificate in PEM form", "give the config itself; a key or certificate is a value in it"},
	{begins("PK\x03\x04"), "a zip archive", useGzip},
	{begins("\xfd7zXZ"), "compressed with xz", useGzip},
	{begins("\x28\xb5\x2f\xfd"), "compressed with zstd", useGzip},
	{isBzip2, "compressed with bzip2", useGzip},
	{isBase64, "base64 that is broken or cut off", "pack it again: firstlightctl pack CONFIG"},
	{isURL, "a URL", "give the config itself, or one with the URL in ignition.config.replace"},
	{isTOML, "TOML, or a unit of systemd", "a unit is a value in a config, in systemd.units"},
}

// foreignKeys are formats that are known by their keys, which a Butane config may have
// in contents of files.
var foreignKeys = []foreign{
	{isMachineConfig, "a MachineConfig, for the Machine Config Operator", "the config in it is at spec.config: give that, or translate Butane with \"butane --raw\""},
	{isKubernetes, "an object of Kubernetes", "give the config that is in it"},
	{isCloudConfig, "a cloud-config for cloud-init", giveConfig},
	{isContainerLinuxConfig, "a Container Linux Config", "translate it with ct and then with \"firstlightctl translate\", or write it in Butane, with variant: flatcar"},
}

// foreignHead is how much of a text is looked at, in bytes.
const foreignHead = 64 << 10

// lookupForeign returns the format of a text that is no config, or nil if it is not
// known.
func lookupForeign(text []byte) *foreign {
	head := string(bytes.TrimLeft(text[:min(len(text), foreignHead)], " \t\r\n"))
	formats := foreignFormats
	if !hasVariant(head) {
		formats = slices.Concat(formats, foreignKeys)
	}
	for _, f := range formats {
		if f.is(head) {
			return &f
		}
	}
	return nil
}

// ForeignUserData says what a text is that is meant for another program, such as
// cloud-init; "" if it is not known to be such a text. A distribution can leave user
// data of this kind to these programs.
func ForeignUserData(text []byte) string {
	if f := lookupForeign(text); f != nil && f.wayOut == giveConfig {
		return f.name
	}
	return ""
}

// Recognize says of a text that was refused as no document of its language what it
// is, if that is known: a format of other tools, an answer that is no config, a config
// that is still packed (see Unpack), or a template that was not filled in. Else it
// returns e.
func (e *ParseError) Recognize(text []byte) *ParseError {
	if len(e.Problems) == 0 {
		return e
	}
	at := e.Problems[0].Origin
	kind := e.Kind
	if kind == ErrCutOff {
		kind = ErrInvalid // it is something else
	}
	named := func(r Rule, at Origin, format string, args ...any) *ParseError {
		return &ParseError{kind, Problems{NewProblem(r, Error, at, format, args...)}}
	}
	whole := Origin{Source: at.Source}
	_, encodings, err := Unpack(text, at.Source)
	var packed *ParseError
	if errors.As(err, &packed) {
		return named(RulePackingDamaged, whole, "%s", packed.Problems[0].Message)
	}
	if len(encodings) > 0 {
		return named(RuleDocumentPacked, whole, "this is a config that is packed with %s, which has to be undone first", encodings[0])
	}
	if f := lookupForeign(text); f != nil {
		return named(RuleDocumentForeign, whole, "this is %s, and no config; %s", f.name, f.wayOut)
	}
	if isUnfilled(text, at) {
		return named(RuleTemplateUnfilled, at, "this is a template that was not filled in: a placeholder stands here; give what the template makes")
	}
	return e
}

// placeholders begin what a template has in place of a value.
var placeholders = []string{"{{", "{%", "%{", "${", "<no value>", "<%"}

// isUnfilled reports whether a placeholder stands where a text was refused: in JSON at
// that byte or next to it, in YAML in that line.
func isUnfilled(text []byte, at Origin) bool {
	isJSON := bytes.HasPrefix(trim(text), []byte("{"))
	for range at.Line - 1 {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if isJSON {
		line = line[min(max(at.Column-2, 0), len(line)):]
		line = line[:min(len(line), len("{\"<no value>"))]
	}
	return slices.ContainsFunc(placeholders, func(p string) bool { return bytes.Contains(line, []byte(p)) })
}
