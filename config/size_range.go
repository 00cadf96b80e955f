package config

import (
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
)

// A SizeRange is what DiskMatch.Size says: sizes of disks, in bytes.
type SizeRange struct {
	// Least and Most are in the range, too.
	Least, Most uint64
}

// Contains reports whether a size is in the range.
func (r SizeRange) Contains(bytes uint64) bool { return r.Least <= bytes && bytes <= r.Most }

// sizeUnits are those of sizes of disks. Makers count in powers of 1000.
var sizeUnits = []struct {
	name  string
	bytes uint64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"PiB", 1 << 50},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"PB", 1e15}, {"B", 1},
}

// sizeComparisons make a range of a size. Those of two characters are first.
var sizeComparisons = []struct {
	operator string
	rangeOf  func(size uint64) SizeRange
}{
	{">=", func(size uint64) SizeRange { return SizeRange{size, math.MaxUint64} }},
	{"<=", func(size uint64) SizeRange { return SizeRange{0, size} }},
	{">", func(size uint64) SizeRange { return SizeRange{size + 1, math.MaxUint64} }},
	{"<", func(size uint64) SizeRange { return SizeRange{0, size - 1} }},
}

// ParseSizeRange reads DiskMatch.Size: a comparison (">= 400GiB") or a range
// ("100GB-2TB").
func ParseSizeRange(text string) (SizeRange, error) {
	for _, c := range sizeComparisons {
		rest, found := strings.CutPrefix(strings.TrimSpace(text), c.operator)
		if !found {
			continue
		}
		size, err := parseSize(rest)
		if err != nil {
			return SizeRange{}, err
		}
		r := c.rangeOf(size)
		if size == 0 && c.operator == "<" || size == math.MaxUint64 && c.operator == ">" {
			return r, fmt.Errorf("no disk has a size %s", text)
		}
		return r, nil
	}
	from, to, found := strings.Cut(text, "-")
	if !found {
		if _, err := parseSize(text); err != nil {
			return SizeRange{}, err
		}
		return SizeRange{}, fmt.Errorf("no disk has exactly the size that is on its box; write \">= %s\", or a range such as \"400GB-600GB\"", strings.TrimSpace(text))
	}
	least, err := parseSize(from)
	if err != nil {
		return SizeRange{}, err
	}
	most, err := parseSize(to)
	if err == nil && most < least {
		err = fmt.Errorf("the range %q ends before it begins; write the smaller size first", text)
	}
	return SizeRange{least, most}, err
}

// parseSize reads a number with a unit.
func parseSize(text string) (uint64, error) {
	text = strings.TrimSpace(text)
	for _, u := range sizeUnits {
		digits, found := strings.CutSuffix(text, u.name)
		if !found {
			continue
		}
		number, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 64)
		if err != nil || number > math.MaxUint64/u.bytes {
			break
		}
		return number * u.bytes, nil
	}
	var units []string
	for _, u := range sizeUnits {
		units = append(units, u.name)
	}
	return 0, fmt.Errorf("%q is no size; it should be a whole number and one of the units %s, as in \"400GiB\"", text, strings.Join(units, ", "))
}

// MatchPattern reports whether a text matches a pattern of DiskMatch, as a shell would
// compare names, but that a slash is a character as any other: * is any number of
// characters, ? is one, [a-z] is one of several, [!a-z] one of all others. The error is about the pattern only.
func MatchPattern(pattern, text string) (bool, error) {
	const other = "\x01" // in place of what package path does not let * match
	return path.Match(negations.Replace(strings.ReplaceAll(pattern, "/", other)), strings.ReplaceAll(text, "/", other))
}

// negations writes [!a] of shells as package path has it, [^a].
var negations = strings.NewReplacer(`\\`, `\\`, `\[`, `\[`, "[!", "[^")
