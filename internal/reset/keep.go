package reset

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// Check finds what cannot be in paths that are to be kept, and returns all of it. Whether
// they exist, and lead where they seem to, is for those who see the machine.
func Check(keep []string) error {
	var problems []error
	for i, name := range keep {
		if problem := wrongPath(name); problem != "" {
			problems = append(problems, fmt.Errorf("the path %q cannot be kept: %s", name, problem))
			continue
		}
		for _, other := range keep[:i] {
			if problem := overlap(name, other); problem != "" {
				problems = append(problems, errors.New(problem))
			}
		}
	}
	return errors.Join(problems...)
}

// wrongPath says what is wrong with a path by itself.
func wrongPath(name string) string {
	switch {
	case !strings.HasPrefix(name, "/"):
		return "it is not absolute"
	case name == "/":
		return "it is the root itself"
	case path.Clean(name) != name:
		return "its shortest form is " + path.Clean(name)
	case !utf8.ValidString(name):
		return "it is not valid UTF-8"
	case strings.ContainsRune(name, 0):
		return "it has a NUL"
	case slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return len(part) > maxName }):
		return fmt.Sprintf("it has a name of more than %d bytes", maxName)
	}
	return ""
}

// maxName is the kernel's limit for a name, in bytes.
const maxName = 255

// overlap says what is wrong with two paths together.
func overlap(a, b string) string {
	switch {
	case a == b:
		return fmt.Sprintf("the path %q is to be kept twice", a)
	case strings.HasPrefix(a, b+"/"):
		return fmt.Sprintf("the path %q is inside of %q, which is kept as a whole", a, b)
	case strings.HasPrefix(b, a+"/"):
		return fmt.Sprintf("the path %q is inside of %q, which is kept as a whole", b, a)
	}
	return ""
}
