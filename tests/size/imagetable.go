package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// thousands prints a number of bytes so that it can be read.
func thousands(n int64) string {
	digits := fmt.Sprint(max(n, -n))
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	text := strings.Join(append([]string{digits}, groups...), ",")
	if n < 0 {
		text = "-" + text
	}
	return text
}

func printSizes(w io.Writer, all []measured) {
	fmt.Fprintln(w, "| initramfs | bytes | more | zstd -19 | more |")
	fmt.Fprintln(w, "|---|---:|---:|---:|---:|")
	for i, m := range all {
		raw, zstd := "", ""
		if m.agent != "none" {
			base := all[indexWithout(all, i)]
			raw, zstd = thousands(m.raw-base.raw), thousands(m.zstd-base.zstd)
		}
		fmt.Fprintf(w, "| %s, %s | %s | %s | %s | %s |\n", m.maker, m.name, thousands(m.raw), raw, thousands(m.zstd), zstd)
	}
}

// largest is how many files of a group are named.
const largest = 4

// printCosts groups the files that only one image has by who asks for them.
func printCosts(w io.Writer, without, with measured) {
	fmt.Fprintf(w, "\nWho costs what: %s, %s\n\n| asked for by | files | bytes | the largest |\n|---|---:|---:|---|\n", with.maker, with.name)
	added := map[string][]byte{}
	for name, data := range with.files {
		if _, old := without.files[name]; !old {
			added[name] = data
		}
	}
	groups := groupFiles(added)
	total := func(group string) (n int64) {
		for _, name := range groups[group] {
			n += int64(len(added[name]))
		}
		return n
	}
	names := slices.SortedFunc(maps.Keys(groups), func(a, b string) int { return int(total(b) - total(a)) })
	for _, group := range names {
		files := slices.SortedFunc(slices.Values(groups[group]), func(a, b string) int {
			if n := len(added[b]) - len(added[a]); n != 0 {
				return n
			}
			return strings.Compare(a, b)
		})
		var shown []string
		for _, name := range files[:min(largest, len(files))] {
			shown = append(shown, name[strings.LastIndex(name, "/")+1:]+" "+thousands(int64(len(added[name]))))
		}
		fmt.Fprintf(w, "| %s | %d | %s | %s |\n", group, len(files), thousands(total(group)), strings.Join(shown, ", "))
	}
}
