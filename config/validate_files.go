package config

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// ownFiles are what the files stage writes for itself; files/ledger and files have the
// same names. Nothing else may be there, but the contents of the second are replaced.
const (
	ownLedger = "/etc/.provisioning-ledger.json"
	ownResult = "/etc/.ignition-result.json"
)

// ownFile reports an entry at a path that this program needs.
func (v *validator) ownFile(name string, isFile bool, o Object) {
	for _, own := range []string{ownLedger, ownResult} {
		switch rest, under := strings.CutPrefix(name, own); {
		case !under || rest != "" && rest[0] != '/':
		case own == ownResult && rest == "" && isFile:
			v.warn(RulePathOwnFile, o.Origin("path"), "the result of provisioning is written to %s in the end, instead of these contents", own)
		default:
			v.error(RulePathOwnFile, o.Origin("path"), "%s is a file of Firstlight's own, in which it records what it does; choose another path", own)
		}
	}
}

func (v *validator) directory(d *Directory) {
	v.ownFile(d.Path, false, d.Object)
	v.owner(&d.Group, "group")
	v.absolute(d.Path, d.Object, "path")
	v.owner(&d.User, "user")
	if v.mode(d.Mode, d.Object) {
		v.enterable(d)
	}
}

// enterable warns of a directory that only root can use: its mode was copied from a
// file's. Mode 0 is meant so, and a decimal one has a warning of its own in Butane.
func (v *validator) enterable(d *Directory) {
	const permissions, enter, read = 0o777, 0o111, 0o444
	mode, at := ValueOr(d.Mode, 0), d.Origin("mode")
	if mode == 0 || mode&enter != 0 || mode > permissions && at.Butane {
		return
	}
	hint, decimal := "", ""
	if better := mode | mode&read>>2; mode > permissions {
		decimal = decimalHint(at, mode)
	} else if better != mode {
		hint = fmt.Sprintf("; octal %#o is %d", better, better)
	}
	v.warn(modeRule(RuleDirectoryMode, decimal), at, "the mode %d is octal %#o: nobody but root can enter the directory%s%s", mode, mode, hint, decimal)
}

func (v *validator) file(f *File) {
	v.ownFile(f.Path, true, f.Object)
	v.owner(&f.Group, "group")
	if ValueOr(f.Overwrite, false) && f.Contents.Source == nil {
		v.error(RuleOverwriteWithoutContents, f.Origin("overwrite"), "overwrite is true, but there are no contents to overwrite with; set contents.source, which is \"\" for an empty file")
	}
	v.absolute(f.Path, f.Object, "path")
	v.owner(&f.User, "user")
	for i := range f.Append {
		v.resource(&f.Append[i])
	}
	v.resource(&f.Contents)
	v.mode(f.Mode, f.Object)
	v.script(f)
}

func (v *validator) link(l *Link) {
	v.ownFile(l.Path, false, l.Object)
	v.owner(&l.Group, "group")
	v.absolute(l.Path, l.Object, "path")
	v.owner(&l.User, "user")
	if target := ValueOr(l.Target, ""); target != "" {
		v.target(l, target)
		return
	}
	// In old versions the reference accepts that here and refuses it at boot.
	v.error(RuleLinkTargetMissing, l.Origin("target"), "the link's target is missing: the path that it should lead to")
}

func (v *validator) target(l *Link, target string) {
	switch {
	case len(target) > maxPath:
		v.error(RulePathLength, l.Origin("target"), "the link's target is %d bytes long, at most %d are possible", len(target), maxPath)
	case strings.Contains(target, `\`) && !strings.Contains(target, "/"):
		v.warn(RulePathBackslash, l.Origin("target"), "the link's target %s has backslashes and no slash, as on Windows: it names one file in the link's directory; write it with slashes", quote(target))
	}
}

func (v *validator) owner(o *Owner, kind string) {
	v.accountID(kind, o.ID, o.Object, "id")
	if strings.ContainsAny(ValueOr(o.Name, ""), ":\n") {
		v.error(RuleOwnerName, o.Origin("name"), "there can be no %s named %s: a name has no colon and no line end", kind, quote(*o.Name))
	}
	if o.ID != nil && ValueOr(o.Name, "") != "" {
		v.error(RuleOwnerTwice, o.Origin(), "the %s is given by id (%d) and by name (%s); set one of the two", kind, *o.ID, quote(*o.Name))
	}
}

// mode reports whether there is nothing wrong with a mode.
func (v *validator) mode(mode *int, o Object) bool {
	if mode == nil {
		return true
	}
	const all, special, plain = 0o7777, 0o7000, 0o777
	if 0 <= *mode && *mode <= plain {
		return true // nearly all are, and the hint takes its time
	}
	decimal := decimalHint(o.Origin("mode"), *mode)
	switch m := *mode; {
	case m < 0:
		v.error(RuleModeRange, o.Origin("mode"), "the mode %d is negative; it should be between 0 and %d, which is octal 07777", m, all)
	case m > all:
		v.error(modeRule(RuleModeRange, decimal), o.Origin("mode"), "the mode %d is octal %#o; it should be between 0 and %d, which is octal 07777%s", m, m, all, decimal)
	case m&special != 0 && v.version < V3_6:
		v.warn(modeRule(RuleModeSpecialBits, decimal), o.Origin("mode"), "the mode %d is octal %#o; its special bits (setuid, setgid, sticky) are ignored before version %s of the spec%s", m, m, V3_6, decimal)
	default:
		return true
	}
	return false
}

// decimalHint is for those who write 644 for 0644: JSON has no octal numbers.
func decimalHint(at Origin, mode int) string {
	const ownerReads = 0o400
	meant, err := strconv.ParseInt(strconv.Itoa(mode), 8, 32)
	// In Butane it is likely to have been written in octal.
	if err != nil || meant > 0o7777 || meant&ownerReads == 0 || at.Butane {
		return ""
	}
	return fmt.Sprintf("; if you mean octal %#o, write %d", meant, meant)
}

// modeRule is the rule that a mode breaks: one with a decimalHint was meant to be octal.
func modeRule(r Rule, decimalHint string) Rule {
	if decimalHint != "" {
		return RuleModeDecimal
	}
	return r
}

// belowLinks checks that nothing lies below a link: it would land elsewhere,
// and the link may not be there yet.
func (v *validator) belowLinks(s *Storage) {
	links := linkTrie{make(map[trieEdge]int, len(s.Links)), make(map[int]*Link, len(s.Links))}
	for i := range s.Links {
		if l := &s.Links[i]; l.Path != "" {
			links.add(l)
		}
	}
	s.eachPath(func(name string, o Object) {
		for _, l := range links.above(name) {
			v.error(RulePathBelowLink, o.Origin(), "%s is below the link %s of %s; write the path that the link leads to", quote(name), quote(l.Path), shortOrigin(l.Origin()))
		}
	})
}

// eachPath visits the paths of all that is written into the new system, but for units and
// what belongs to accounts.
func (s *Storage) eachPath(visit func(name string, o Object)) {
	for i := range s.Directories {
		visit(s.Directories[i].Path, s.Directories[i].Object)
	}
	for i := range s.Files {
		visit(s.Files[i].Path, s.Files[i].Object)
	}
	for i := range s.Links {
		visit(s.Links[i].Path, s.Links[i].Object)
	}
	for i := range s.Archives {
		visit(s.Archives[i].Path, s.Archives[i].Object)
	}
}

// A linkTrie has the links' paths name by name, so that finding the links above
// a path takes one lookup for each name in it, however long it is.
type linkTrie struct {
	edges map[trieEdge]int // the number of the node that an edge leads to
	links map[int]*Link    // by the number of the node
}

// A trieEdge leads from a node to one below it. The root is 0.
type trieEdge struct {
	from int
	name string
}

func (t *linkTrie) add(l *Link) {
	at := 0
	for name := range strings.SplitSeq(l.Path, "/") {
		edge := trieEdge{at, name}
		if t.edges[edge] == 0 {
			t.edges[edge] = len(t.edges) + 1
		}
		at = t.edges[edge]
	}
	t.links[at] = l
}

// above returns the links that a path leads through, not to.
func (t *linkTrie) above(name string) (links []*Link) {
	at := 0
	for {
		first, rest, more := strings.Cut(name, "/")
		if !more {
			return links
		}
		at = t.edges[trieEdge{at, first}]
		if at == 0 {
			return links
		}
		if l := t.links[at]; l != nil {
			links = append(links, l)
		}
		name = rest
	}
}

// hardLinks checks what is possible for symbolic links only.
func (v *validator) hardLinks(s *Storage) {
	directories := make(map[string]*Directory, len(s.Directories))
	for i := range s.Directories {
		directories[s.Directories[i].Path] = &s.Directories[i]
	}
	for i := range s.Links {
		l := &s.Links[i]
		target := ValueOr(l.Target, "")
		if !ValueOr(l.Hard, false) || target == "" {
			continue
		}
		if !path.IsAbs(target) {
			// Like the reference: from the link itself, not its directory.
			target = path.Join(l.Path, target)
		}
		if d := directories[path.Clean(target)]; d != nil {
			v.error(RuleHardLinkDirectory, l.Origin(), "a hard link to %s is not possible, %s makes it a directory; use a symbolic one", quote(d.Path), shortOrigin(d.Origin()))
		}
		v.hardLinkOwner(l)
	}
}

func (v *validator) hardLinkOwner(l *Link) {
	for _, owner := range []*Owner{&l.User, &l.Group} {
		const message = "this has no effect: a hard link has the owner of its target"
		if owner.ID != nil {
			v.warn(RuleHardLinkOwner, owner.Origin("id"), message)
		}
		if owner.Name != nil {
			v.warn(RuleHardLinkOwner, owner.Origin("name"), message)
		}
	}
}

// shortOrigin is a short form of an origin within the same config.
func shortOrigin(o Origin) string {
	if o.Line == 0 {
		return o.Path
	}
	return fmt.Sprintf("%s (line %d, column %d)", o.Path, o.Line, o.Column)
}
