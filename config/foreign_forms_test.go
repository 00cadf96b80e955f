package config

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// forms are what each form means, as an expression for the text with a character for each
// byte.
var forms = []struct {
	expression string
	is         form
}{
	{`^(\xff\xfe|\xfe\xff|[\t-~]\x00[\t-~]\x00|\x00[\t-~]\x00[\t-~])`, isUTF16},
	{`(?i)^(<!doctype\s+html|<html|<head\b|<body\b)|^<[?!][\s\S]*<html\b`, isWebPage},
	{`^<powershell>|^<script>|(?i)^(#ps1|rem cmd|@echo off)`, either(begins("<powershell>", "<script>"), beginsIn("#ps1", "rem cmd", "@echo off"))},
	{`^<(\?xml[\s\S]*<)?profile\b`, isAutoYaST},
	{`^<[?!a-zA-Z]`, isXML},
	{`^HTTP/[0-9.]+ [0-9]`, isAnswer},
	{`^[45][0-9][0-9][: ]+[A-Za-z]|(?i)^(not found|forbidden|unauthorized|access denied|bad gateway)\b`, isErrorAnswer},
	{`(?m)\A#!.*\n(.*\n)?# *combustion:`, isCombustion},
	{`(?m)\A#(version=|platform=|\s*kickstart)|\A%(pre|post|packages)\b`, isKickstart},
	{`^BZh[1-9]`, isBzip2},
	{`^(H4sI|eyJ|eyA|ewo|ew0K|dmFyaWFud)[\w+/=\s-]`, isBase64},
	{`^(data|https?|s3|gs|tftp):\S*\s*$`, isURL},
	{`(?m)\A\[{1,2}[A-Za-z][\w.-]*\]{1,2}\s*$`, isTOML},
	{`(?m)(^|[{,]\s*)["']?kind["']?\s*:\s*["']?MachineConfig\b`, isMachineConfig},
	{`(?m)(^|[{,]\s*)["']?apiVersion["']?\s*:`, isKubernetes},
	{`(?m)^(runcmd|bootcmd|write_files|packages|users|coreos):[ \t]*\r?$`, isCloudConfig},
	{`(?m)^(etcd|flannel|locksmith|docker|update|networkd):[ \t]*\r?$|^ +(- )?(filesystem|enable):`, isContainerLinuxConfig},
	{`(?m)^["']?variant["']?[ \t]*:`, hasVariant},
	{`^/dev/((sd|vd|xvd|hd|dasd)[a-z]+[0-9]*|(nvme[0-9]+n|mmcblk)[0-9]+(p[0-9]+)?)$`, isKernelName},
}

func latin1(text string) string {
	var b strings.Builder
	for i := range len(text) {
		b.WriteRune(rune(text[i]))
	}
	return b.String()
}

func TestFormsAreTheirExpressions(t *testing.T) {
	pieces := strings.Split(` |  |\n|\r|\t|:|: |"|'|{|,|[|]|[[|a|Z|7|_|-|é|<|<!|<?|?xml|<!doctype|html|<html|<HTML|<head|<Body|profile|<profile|<powershell>|<script>|#ps1|REM cmd|@echo off|#|#!|# |combustion:|%|pre|post|packages|version=|kickstart|HTTP/|1.1|404|50|Not found|forbidden|bad gateway|BZh|H4sI|eyJ|ew0K|=|https|http|s3|data:|kind|MachineConfig|apiVersion|users|runcmd:|etcd|filesystem:|  enable:|- |variant|/dev/|sda|vd|xvda1|nvme0n1|nvme|p12|mmcblk|dasd|0|HTTP/1.1 |#!a\n#  combustion:|kind: MachineConfig|[a.b]|/dev/sd|/dev/nvme0n1|\x00|\xff|\xfe`, "|")
	for i, p := range pieces {
		pieces[i] = strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\x00`, "\x00", `\xff`, "\xff", `\xfe`, "\xfe").Replace(p)
	}
	r := rand.New(rand.NewPCG(1, 2))
	var texts []string
	for range 20_000 {
		text := ""
		for range 1 + r.IntN(9) {
			text += pieces[r.IntN(len(pieces))]
		}
		texts = append(texts, text)
	}
	for _, f := range forms {
		expression := regexp.MustCompile(f.expression)
		matches := 0
		for _, text := range texts {
			want := expression.MatchString(latin1(text))
			if want {
				matches++
			}
			if got := f.is(text); got != want {
				t.Errorf("%s: %q: got %t, want %t", f.expression, text, got, want)
				break
			}
		}
		if matches == 0 {
			t.Errorf("no text has the form %s", f.expression)
		}
	}
}
