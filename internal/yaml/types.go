package yaml

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
)

// ShortTag returns the tag that a node has, or else the one of what its text stands for.
func (n *Node) ShortTag() string {
	switch {
	case n.Kind == AliasNode:
		return n.Alias.ShortTag()
	case n.Tag != "":
		return n.Tag
	case n.Kind == MappingNode:
		return "!!map"
	case n.Kind == SequenceNode:
		return "!!seq"
	case !n.Plain:
		return "!!str"
	}
	return plainTag(n.Value)
}

// plainTag returns the type of text without quotes. Words of YAML 1.1, such as yes and on,
// are strings.
func plainTag(s string) string {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return "!!null"
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return "!!bool"
	case "<<":
		return "!!merge"
	}
	if c := s[0]; !isDigit(c) && strings.IndexByte("+-.", c) < 0 {
		return "!!str"
	}
	if _, isInt, _ := parseInt(s); isInt {
		return "!!int"
	}
	if _, isFloat := parseFloat(s); isFloat {
		return "!!float"
	}
	return "!!str"
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// parseInt reads a whole number, and reports whether it is one and fits. There may be a
// prefix (0x, 0o, 0b, or 0 for octal), and _ anywhere.
func parseInt(s string) (number int64, isInt, fits bool) {
	if s == "" || s[0] == '_' || s[0] == '.' {
		return 0, false, false
	}
	digits := strings.ReplaceAll(s, "_", "")
	number, err := strconv.ParseInt(digits, 0, 64)
	if err == nil {
		return number, true, true
	}
	_, err = strconv.ParseUint(digits, 0, 64) // larger ones are floats
	return 0, err == nil, false
}

// parseFloat reads a number with a fraction or an exponent. There may be _ anywhere, but
// only between digits if it starts with a point.
func parseFloat(s string) (number float64, ok bool) {
	switch s {
	case ".nan", ".NaN", ".NAN":
		return math.NaN(), true
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return math.Inf(1), true
	case "-.inf", "-.Inf", "-.INF":
		return math.Inf(-1), true
	}
	if s == "" || s[0] == '_' {
		return 0, false
	}
	if s[0] != '.' {
		s = strings.ReplaceAll(s, "_", "")
	}
	if strings.Trim(s, "0123456789.eE+-_") != "" {
		return 0, false // Go has more forms
	}
	number, err := strconv.ParseFloat(s, 64)
	return number, err == nil
}

// Int returns a whole number, if the node is one and it fits.
func (n *Node) Int() (int64, bool) {
	number, _, ok := parseInt(n.Value)
	return number, ok && n.ShortTag() == "!!int"
}

// Float returns a number with a fraction or an exponent, or a whole one with the tag
// !!float.
func (n *Node) Float() (float64, bool) {
	if n.ShortTag() != "!!float" {
		return 0, false
	}
	if whole, isInt, fits := parseInt(n.Value); isInt {
		return float64(whole), fits
	}
	return parseFloat(n.Value)
}

// Binary returns the bytes that a node with the tag !!binary has in base64.
func (n *Node) Binary() (string, bool) {
	decoded, err := base64.StdEncoding.DecodeString(n.Value)
	if err != nil {
		return "", false
	}
	return string(decoded), true
}
