package yaml

import (
	"math/rand/v2"
	"strings"
)

var pieces = []string{" ", "\n", "  ", "\n  ", "\n ", "\t", ":", ": ", "- ", "? ", "&a ", "*a", "!!str ", "!x ", "! ", "#", " #c\n", "'", "\"", "[", "]", "{", "}", ",", "|", ">", "|\n", ">-\n", "|2\n", ">+\n", "\\", "%", "@", "`", "a", "b", "é", "---", "...", "\n---\n", "\n...\n", "<<", "0x1_f", "1.5", "~", "\r", "\r\n", "\u0085", "\x00", "\xff", "\\u0041", "\\\n", "''"}

func mutate(r *rand.Rand, text string) string {
	for range 1 + r.IntN(3) {
		at := r.IntN(len(text) + 1)
		end := min(len(text), at+r.IntN(4))
		switch r.IntN(4) {
		case 0:
			text = text[:at] + text[end:]
		case 1:
			text = text[:at] + pieces[r.IntN(len(pieces))] + text[at:]
		case 2:
			text = text[:at] + pieces[r.IntN(len(pieces))] + text[end:]
		default:
			from := r.IntN(len(text) + 1)
			text = text[:at] + text[from:min(len(text), from+r.IntN(8))] + text[at:]
		}
	}
	return text
}

// randomText is a changed one of some texts, or random pieces, or a random document.
func randomText(r *rand.Rand, texts []string) string {
	switch g := (generator{r}); r.IntN(4) {
	case 0:
		const longest = 800 // bytes: longer ones take time and have nothing new
		for {
			if text := texts[r.IntN(len(texts))]; len(text) < longest {
				return mutate(r, text)
			}
		}
	case 1:
		return g.block(0, 3)
	case 2:
		return mutate(r, g.block(0, 3))
	}
	text := ""
	for range 1 + r.IntN(12) {
		text += pieces[r.IntN(len(pieces))]
	}
	return text
}

// A generator writes random documents.
type generator struct{ *rand.Rand }

func (g generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g generator) word() string {
	return g.one("a", "b c", "é", "12", "0x1F", "1e3", "~", "true", "'q'", `"d\n"`, "", "x:y", "a#b", "-1", "*a", "<<", "!!str 1", "'it''s'", "\"a \\\n  b\"", "'a\n\n  b'", "http://x/y?z", ".5", "no", "2001-01-01", "a,b", "[]", "{}", "{a: b, c}", "[x, y: z]", `{ a: [b, c], "d":e }`)
}

func (g generator) properties() string {
	return g.one("", "", "", "", "", "&a ", "!!str ", "!x ", "! ", "&b !!int ", "!!binary &a ")
}

func (g generator) gap() string { return g.one("", "", "", "", "\n", " # c\n", "#\n", "  \n") }

// block is a value that starts in a line of its own.
func (g generator) block(indent, depth int) string {
	pad := strings.Repeat(" ", indent)
	kind := g.IntN(6)
	if depth == 0 {
		kind = 5
	}
	var b strings.Builder
	switch kind {
	case 0, 1:
		for range 1 + g.IntN(3) {
			b.WriteString(pad + g.properties() + g.one("a", "b", "'c'", "<<", `"d e"`, "? f", "[g]", "*a ") + ":" + g.value(indent, depth, true))
		}
	case 2, 3:
		for range 1 + g.IntN(3) {
			b.WriteString(pad + "-" + g.value(indent, depth, false))
		}
	case 4:
		b.WriteString(pad + g.properties() + "\n" + g.block(indent, depth-1))
	default:
		b.WriteString(pad + g.properties() + g.word() + g.gap() + g.one("\n", "\n", "\n"+pad+" more\n"))
	}
	return b.String()
}

// value is what follows the colon of a key, or the - of an item.
func (g generator) value(indent, depth int, ofKey bool) string {
	deeper := indent + 1 + g.IntN(3)
	pad := strings.Repeat(" ", deeper)
	below := max(depth-1, 0)
	switch g.IntN(7) {
	case 0:
		return g.gap() + "\n"
	case 1, 2:
		return " " + g.properties() + g.one("\n", " # c\n", "\n\n") + g.block(deeper, below)
	case 3:
		return " " + g.properties() + g.one("|", ">", "|-", ">+", "|2", ">1-", "| # c") + "\n" + pad + "text\n" + g.one("", "\n", pad+" more\n"+pad+"x\n", " "+pad+"\n\n"+pad+"t\n")
	case 4:
		if ofKey {
			return "\n" + g.block(indent, below)
		}
		return " " + strings.TrimLeft(g.block(indent+2, below), " ")
	}
	return " " + g.properties() + g.word() + g.gap() + "\n"
}
