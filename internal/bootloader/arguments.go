package bootloader

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Arguments are the kernel arguments that should be there and those that should not.
// They are compared as whole words: "quiet", "console=ttyS0".
type Arguments struct {
	Exist, NotExist []string
	// NotNamed are the names of arguments that should not be there, whatever their value.
	NotNamed []string
}

// check finds arguments that the kernel would not take as they are.
func (a Arguments) check() error {
	for _, argument := range append(slices.Clone(a.Exist), a.NotExist...) {
		if strings.Count(argument, `"`)%2 != 0 {
			return fmt.Errorf("the kernel argument %s has an odd number of double quotes", argument)
		}
		if strings.ContainsFunc(argument, unicode.IsControl) {
			return fmt.Errorf("the kernel argument %q has control characters", argument)
		}
	}
	return nil
}

// words splits a kernel command line at white space that is not between double
// quotes, as the kernel does.
func words(line string) []string {
	quoted := false
	return strings.FieldsFunc(line, func(c rune) bool {
		if c == '"' {
			quoted = !quoted
		}
		return !quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r')
	})
}

// allWords returns the words of several arguments.
func allWords(arguments []string) []string {
	var all []string
	for _, a := range arguments {
		all = append(all, words(a)...)
	}
	return all
}

// remove takes what should not exist out of a line. It returns the line as it is if
// there is none of it.
func (a Arguments) remove(line string) string {
	unwanted := allWords(a.NotExist)
	have := words(line)
	kept := slices.DeleteFunc(slices.Clone(have), func(w string) bool {
		name, _, _ := strings.Cut(w, "=")
		return slices.Contains(unwanted, w) || slices.Contains(a.NotNamed, name)
	})
	if len(kept) == len(have) {
		return line
	}
	return strings.Join(kept, " ")
}

// Unmet says what of a kernel command line is not as it should be; "" is nothing.
func (a Arguments) Unmet(line string) string {
	var unmet []string
	if missing := a.missing(line); missing != nil {
		unmet = append(unmet, strings.Join(missing, " ")+" is missing")
	}
	have := words(line)
	for _, w := range allWords(a.NotExist) {
		if slices.Contains(have, w) {
			unmet = append(unmet, w+" is there")
		}
	}
	return strings.Join(unmet, ", ")
}

// missing returns the words that should exist and are not in a line.
func (a Arguments) missing(line string) []string {
	have := words(line)
	var missing []string
	for _, w := range allWords(a.Exist) {
		if !slices.Contains(have, w) {
			missing = append(missing, w)
			have = append(have, w)
		}
	}
	return missing
}
