package providers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/internal/doc"
	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/network"
	"github.com/firstlight-os/firstlight/internal/report"
)

// An Instance is what a platform knows of a machine beside its config. What a platform
// does not have is nil or empty here.
//
// Most of it are places, each a string:
//
//	hostname                  a path below the service's URL, or a file of the drive:
//	                          its text
//	instance#region           the member region of the document at a path
//	#interfaces/public/*/mac  of the document at the URL itself; * is each item of a
//	                          list, and each member of an object
//	?#private_ip              nothing there is no error, where others are required
//	http://192.0.2.1/x        another URL
type Instance struct {
	// service is the one with the user data, whose requests these are like. Paths are
	// appended to the URL, and the header is a further one.
	service *service
	url     string
	header  []string
	// otherHost is a further one of the service, which is asked for configs only.
	otherHost string
	// find finds the URL of the service, if that differs from machine to machine.
	find func(a *Asker) (string, error)
	// drive is where paths lead if there is one, and without the drive otherwise, if
	// it is not nil, is asked in the place of this.
	drive     *instanceDrive
	otherwise *Instance
	// required is set if the service has an answer at each place: until it has one
	// it is not ready.
	required bool
	// emptyIsNone is set where an empty text stands for nothing.
	emptyIsNone bool
	// yaml is set if documents are in YAML instead of JSON.
	yaml bool

	attributes []row
	// moreAttributes are those that rows cannot describe.
	moreAttributes func(a *Asker) ([]Attribute, error)
	// moreFacts are the facts that moreAttributes have.
	moreFacts []string
	// facts are those that no attribute has: the names of attributes are Afterburn's.
	facts []factRow
	// hostname is a place, or hostnameBy finds it.
	hostname   string
	hostnameBy func(a *Asker) (string, error)
	// keys is the place of SSH keys: of a text with one on each line, or of values
	// that are one each. Or keysBy finds them.
	keys   string
	keysBy func(a *Asker) ([]string, error)
	// skipBadKeys is set where a text may have other lines than keys.
	skipBadKeys bool
	checkIn     func(a *Asker) error
	// admin is the user that whoever made the machine has named, and a password.
	admin func(a *Asker) (name, password string, err error)
	// network reads what the platform wants of the network; nil, also as a result, is
	// nothing. The other two render it in another way than usual.
	network func(a *Asker) (*network.Config, error)
	netplan func(a *Asker) ([]network.File, error)
	// kargs are kernel arguments for dracut: known only where the platform has them
	// before there is a network.
	kargs func(a *Asker) (string, error)
}

// A row is an attribute at a place. With * in the place there is one for each value,
// numbered by the first *.
type row struct{ name, at string }

// A factRow is a fact at a place. Part takes it out of the text there; nil is all of it.
type factRow struct {
	fact, at string
	part     func(text string) string
}

// An Attribute is a fact of an instance, by a name without the prefix AFTERBURN_.
type Attribute struct{ Name, Value string }

// Keys are SSH keys as they were given.
type Keys struct {
	Lines []string
	// SkipBad is set where lines may be something else.
	SkipBad bool
}

// An Asker asks a platform about the machine: each path once in a boot, see answers.
type Asker struct {
	ctx context.Context
	env *Env
	// instance is the one that is asked.
	instance *Instance
	answers  *Answers
	// missing is why the drive was not found that was looked for last; nil if it was.
	missing error
	// base is what instance.find has found.
	base string
}

// NewAsker asks the platform of env, and keeps what it says in answers, which may be nil.
func NewAsker(ctx context.Context, env *Env, answers *Answers) *Asker {
	if answers == nil {
		answers = new(Answers)
	}
	return &Asker{ctx: ctx, env: env, instance: env.Platform.Instance, answers: answers}
}

// choose finds out which instance is asked: with a drive, or without it. All drives are
// looked for before one is waited for.
func (a *Asker) choose() error {
	first := a.instance
	limits := []time.Duration{offlineLimit, instanceDriveLimit}
	// A drive that a service can stand in for is looked for again when there is a network.
	again := a.env.Fetch.Offline && first.endsInService()
	if again {
		limits = limits[:1]
	}
	for _, limit := range limits {
		for i := first; i != nil && i.drive != nil; i = i.otherwise {
			found, err := a.readDrive(i.drive, limit)
			if found {
				a.instance = i
			}
			if found || err != nil {
				return err
			}
		}
	}
	for a.instance.drive != nil {
		i := a.instance
		if i.otherwise == nil && !i.drive.mayBeMissing {
			return &report.Error{Err: cmp.Or(a.missing, fmt.Errorf("the drive labelled %q has no file %s", i.drive.label, i.drive.file)), Hint: "check that the kernel argument ignition.platform.id names the platform that this machine runs on"}
		}
		if !again {
			a.answers.add(i.drive.key(i.drive.file), reply{None: true})
		}
		if a.instance = i.otherwise; a.instance == nil {
			a.env.Log.Warn(fmt.Sprintf("no drive labelled %q has appeared, so that nothing is known of this machine", i.drive.label))
			a.instance = new(Instance)
		}
	}
	return nil
}

// endsInService reports whether there is a service for machines without a drive.
func (i *Instance) endsInService() bool {
	return i != nil && (i.drive == nil || i.otherwise.endsInService())
}

// Attributes returns them in the order of the table.
func (a *Asker) Attributes() ([]Attribute, error) {
	if err := a.choose(); err != nil {
		return nil, err
	}
	var all []Attribute
	for _, r := range a.instance.attributes {
		values, err := a.values(r.at)
		if err != nil {
			return nil, fmt.Errorf("reading the attribute %s: %w", r.name, err)
		}
		for _, v := range values {
			name := r.name
			if strings.Contains(r.at, "*") {
				name += "_" + strconv.Itoa(v.index)
			}
			all = append(all, Attribute{name, v.text})
		}
	}
	if a.instance.moreAttributes == nil {
		return all, nil
	}
	more, err := a.instance.moreAttributes(a)
	return append(all, more...), err
}

// Hostname returns "" if the platform has none for this machine.
func (a *Asker) Hostname() (string, error) {
	if err := a.choose(); err != nil {
		return "", err
	}
	switch {
	case a.instance.hostnameBy != nil:
		return a.instance.hostnameBy(a)
	case a.instance.hostname != "":
		return a.value(a.instance.hostname)
	}
	return "", nil
}

// Keys returns the SSH keys of this machine. Known is false if the platform, or a machine
// without a drive, cannot say which there are.
func (a *Asker) Keys() (keys Keys, known bool, err error) {
	if err := a.choose(); err != nil {
		return Keys{}, false, err
	}
	i := a.instance
	keys.SkipBad = i.skipBadKeys
	switch {
	case i.keysBy != nil:
		keys.Lines, err = i.keysBy(a)
	case strings.Contains(i.keys, "*"):
		values, failure := a.values(i.keys)
		for _, v := range values {
			keys.Lines = append(keys.Lines, v.text)
		}
		err = failure
	case i.keys != "":
		text, failure := a.value(i.keys)
		keys.Lines, err = keyLines(text), failure
	default:
		return keys, false, nil
	}
	return keys, true, err
}

// keyLines are the lines of a text in the syntax of authorized_keys.
func keyLines(text string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool {
		line = strings.TrimSpace(line)
		return line == "" || line[0] == '#'
	})
}

// CheckIn tells the platform that the machine has booted. Known is false if it does not
// want to know.
func (a *Asker) CheckIn() (known bool, err error) {
	if err := a.choose(); err != nil || a.instance.checkIn == nil {
		return false, err
	}
	return true, a.instance.checkIn(a)
}

// HasAdmin reports whether the platform names a user that machines have.
func (p Platform) HasAdmin() bool { return p.Instance != nil && p.Instance.admin != nil }

// Admin returns that user, "" if there is none, and a password, "" if she has none.
func (a *Asker) Admin() (name, password string, err error) {
	if err := a.choose(); err != nil || a.instance.admin == nil {
		return "", "", err
	}
	return a.instance.admin(a)
}

// A found is a value, with the index of the item of a list that it is of.
type found struct {
	index int
	text  string
}

// value returns that of a place; "" if there is none.
func (a *Asker) value(at string) (string, error) {
	values, err := a.values(at)
	if err != nil || len(values) == 0 {
		return "", err
	}
	return values[0].text, nil
}

// values returns those of a place.
func (a *Asker) values(at string) ([]found, error) {
	place, optional := strings.CutPrefix(at, "?")
	path, fragment, isDocument := strings.Cut(place, "#")
	var all []found
	if isDocument {
		n, err := a.document(path)
		if err != nil || n == nil {
			return nil, err
		}
		all = selected(n, strings.Split(fragment, "/"), -1)
		if len(all) == 0 && a.instance.required && !optional && !strings.Contains(fragment, "*") {
			return nil, fmt.Errorf("%s has no %s", a.name(path), strings.ReplaceAll(fragment, "/", "."))
		}
	} else {
		text, there, err := a.text(path)
		if err != nil || !there {
			return nil, err
		}
		all = []found{{-1, strings.TrimRight(string(text), "\r\n")}}
	}
	if a.instance.emptyIsNone {
		all = slices.DeleteFunc(all, func(f found) bool { return f.text == "" })
	}
	return all, nil
}

// selected are the scalars that a path leads to. A list of scalars is one, with colons
// between. The index is that of the first *, or -1 before it.
func selected(n *doc.Node, path []string, index int) []found {
	if len(path) > 0 && path[0] != "" {
		if path[0] != "*" {
			return selected(n.Member(path[0]), path[1:], index)
		}
		var all []found
		for i, item := range children(n) {
			if index >= 0 {
				i = index
			}
			all = append(all, selected(item, path[1:], i)...)
		}
		return all
	}
	switch {
	case n == nil || n.Kind == doc.Null || n.Kind == doc.Map:
		return nil
	case n.Kind == doc.List:
		var texts []string
		for _, item := range n.Items {
			texts = append(texts, item.Text)
		}
		return []found{{index, strings.Join(texts, ":")}}
	}
	return []found{{index, n.Text}}
}

// children are the items of a list, or the values of an object.
func children(n *doc.Node) []*doc.Node {
	if n == nil {
		return nil
	}
	all := slices.Clone(n.Items)
	for _, m := range n.Members {
		all = append(all, m.Value)
	}
	return all
}

// document reads the one at a path; nil if there is none.
func (a *Asker) document(path string) (*doc.Node, error) {
	text, there, err := a.ask(path, a.isDocument)
	if err != nil || !there {
		return nil, err
	}
	n, err := a.parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", a.name(path), err)
	}
	return n, nil
}

// parse reads a document of the platform.
func (a *Asker) parse(text []byte) (*doc.Node, error) {
	if a.instance.yaml {
		return readYAML(text)
	}
	return doc.ReadJSON(text, nil)
}

func (a *Asker) isDocument(text []byte) error {
	_, err := a.parse(text)
	return err
}

// text is that at a path.
func (a *Asker) text(path string) (text []byte, there bool, err error) { return a.ask(path, isText) }

func isText(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("the answer is no text in UTF-8")
	}
	return nil
}

// name is what messages call the document at a path.
func (a *Asker) name(path string) string {
	switch {
	case a.instance.drive != nil:
		return fmt.Sprintf("the file %s of the drive", path)
	case path == "":
		return "the metadata of " + a.env.Platform.Name
	}
	return path + " of the metadata of " + a.env.Platform.Name
}

// ask asks for what is at a path, or has asked before.
func (a *Asker) ask(path string, check func([]byte) error) (text []byte, there bool, err error) {
	if a.instance.drive != nil {
		return a.file(path, check)
	}
	switch {
	case strings.Contains(path, "://"):
		return a.request(a.like(path), check)
	case a.base == "" && a.instance.find != nil:
		if a.base, err = a.instance.find(a); err != nil {
			return nil, false, err
		}
	case a.base == "":
		a.base = a.instance.url
	}
	return a.request(a.like(a.base+path), check)
}

// scalar is the text of one, "" for anything else.
func scalar(n *doc.Node) string {
	if n == nil || n.Kind == doc.Null {
		return ""
	}
	return n.Text
}

// oneKey appends the key at a path, which the service has listed.
func (a *Asker) oneKey(keys []string, path string) ([]string, error) {
	key, there, err := a.text(path)
	if err == nil && !there {
		err = fmt.Errorf("%s is listed, and not there", a.name(path))
	}
	return append(keys, strings.TrimRight(string(key), "\r\n")), err
}

// send makes a request that tells the platform something.
func (a *Asker) send(r imds.Request) error {
	ctx, cancel := a.env.withTimeout(a.ctx)
	defer cancel()
	_, err := a.env.IMDS.Do(ctx, r)
	return err
}

// like is a request for a URL that is like those of the service.
func (a *Asker) like(url string) imds.Request {
	var r imds.Request
	if a.instance.service != nil {
		r = a.instance.service.request
	}
	r.URL, r.AnyAnswer = url, true
	if r.Token != nil && len(r.Token.AbsentOn) > 0 {
		// Where a proxy or a firewall keeps tokens away, the service may do without.
		token := *r.Token
		token.AbsentOn = append(slices.Clone(token.AbsentOn), http.StatusForbidden)
		r.Token = &token
	}
	r.Header = append(slices.Clone(r.Header), a.instance.header...)
	return r
}
