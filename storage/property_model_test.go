package storage

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A model of the spec's rules for partitions, written for simplicity: a disk is
// a row of sectors that are free or not.

// A testSpec is a partition of the config; its members are the spec's.
type testSpec struct {
	Number      *int    `json:"number,omitempty"`
	Label       *string `json:"label,omitempty"`
	GUID        *string `json:"guid,omitempty"`
	TypeGUID    *string `json:"typeGuid,omitempty"`
	StartMiB    *int    `json:"startMiB,omitempty"`
	SizeMiB     *int    `json:"sizeMiB,omitempty"`
	ShouldExist *bool   `json:"shouldExist,omitempty"`
	WipeEntry   *bool   `json:"wipePartitionEntry,omitempty"`
	Resize      *bool   `json:"resize,omitempty"`
}

func (w testSpec) String() string {
	text, err := json.Marshal(w)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// An expectation is what the rules say about a config and a disk.
type expectation struct {
	refused string // why, if it is
	idle    bool   // nothing is to be done
	wiped   bool   // nothing of what was there is kept
	disk    testDisk
	// made are numbers whose GUID is random.
	made map[int]bool
}

func refusedFor(format string, args ...any) expectation {
	return expectation{refused: fmt.Sprintf(format, args...)}
}

// expect applies the rules.
func expect(before testDisk, wipeTable bool, specs []testSpec) expectation {
	if wipeTable && len(specs) == 0 {
		return expectation{idle: before.Blank, wiped: true, disk: testDisk{Sector: before.Sector, Sectors: before.Sectors, Blank: true}}
	}
	if len(specs) == 0 {
		return expectation{idle: true, disk: before}
	}
	if before.Damage == "primary" && before.GrownFrom > 0 && !wipeTable {
		return refusedFor("only the primary header tells where the backup is")
	}
	m := &model{before: before}
	if wipeTable || before.Blank {
		m.before = testDisk{Sector: before.Sector, Sectors: before.Sectors, Slots: 128, First: 2 + 128*128/before.Sector}
	}
	e := m.apply(specs)
	if e.refused != "" {
		return e
	}
	e.wiped = wipeTable
	switch {
	case wipeTable:
		e.idle = before.Damage == "" && before.GrownFrom == 0 && e.describes(before)
	case before.Blank:
		e.idle = len(e.disk.Entries) == 0
		e.disk.Blank = e.idle
	default:
		e.idle = before.Damage == "" && e.describes(before)
	}
	return e
}

// describes reports whether a disk is already as is expected.
func (e expectation) describes(d testDisk) bool {
	if d.Blank != e.disk.Blank || d.Slots != e.disk.Slots || d.First != e.disk.First || len(d.Entries) != len(e.disk.Entries) {
		return false
	}
	for _, want := range e.disk.Entries {
		got, ok := d.find(want.Number)
		if e.made[want.Number] {
			want.GUID = got.GUID
		}
		if !ok || got != want {
			return false
		}
	}
	return true
}

type model struct {
	before testDisk
	free   []bool
	result expectation
}

// A numbered spec is one for which a number was found.
type numbered struct {
	testSpec
	number  int
	old     testEntry
	exists  bool
	adopted bool // found by its label
	wipe    bool
}

func (m *model) apply(specs []testSpec) expectation {
	list := m.number(specs)
	m.free = make([]bool, m.before.Sectors)
	for i, last := m.before.First, m.before.last(); i <= last; i++ {
		m.free[i] = true
	}
	m.result = expectation{disk: m.before, made: map[int]bool{}}
	m.result.disk.Entries, m.result.disk.Damage, m.result.disk.GrownFrom = nil, "", 0
	for _, e := range m.before.Entries {
		if !slices.ContainsFunc(list, func(w numbered) bool { return w.number == e.Number }) {
			m.put(e)
		}
	}
	for _, w := range list {
		if why := m.grant(w); why != "" {
			return refusedFor("partition %d: %s", w.number, why)
		}
	}
	slices.SortFunc(m.result.disk.Entries, func(a, b testEntry) int { return a.Number - b.Number })
	for _, w := range list {
		if !w.gone() && value(w.GUID) != "" && m.holders(*w.GUID) > 1 {
			return refusedFor("several partitions would have the GUID %s", *w.GUID)
		}
	}
	return m.result
}

func (m *model) holders(guid string) (n int) {
	for _, e := range m.result.disk.Entries {
		if strings.EqualFold(e.GUID, guid) {
			n++
		}
	}
	return n
}

func (m *model) put(e testEntry) {
	m.result.disk.Entries = append(m.result.disk.Entries, e)
	for i := e.Start; i < e.Start+e.Size; i++ {
		m.free[i] = false
	}
}

// number gives each spec a number. Numbers that are given come first. A spec
// without one is for the partition of its label if that is as it says; else it
// gets the lowest number that is free, or of a partition that is to go.
func (m *model) number(specs []testSpec) []numbered {
	var list, open []numbered
	claimed, deleted := map[int]bool{}, map[int]bool{}
	for _, w := range specs {
		n := numbered{testSpec: w, number: value(w.Number), wipe: value(w.WipeEntry)}
		switch {
		case n.number == 0:
			open = append(open, n)
			continue
		case w.gone():
			deleted[n.number] = n.wipe
		default:
			claimed[n.number] = true
		}
		list = append(list, n)
	}
	for i := range open {
		m.adopt(&open[i], claimed)
	}
	for i := range open {
		w := &open[i]
		for n := 1; w.number == 0; n++ {
			if _, exists := m.before.find(n); !claimed[n] && (!exists || deleted[n]) {
				w.number, w.wipe, claimed[n] = n, true, true
			}
		}
	}
	list = append(list, open...)
	list = slices.DeleteFunc(list, func(w numbered) bool { return w.gone() && claimed[w.number] })
	for i := range list {
		list[i].old, list[i].exists = m.before.find(list[i].number)
	}
	return list
}

func (m *model) adopt(w *numbered, claimed map[int]bool) {
	for _, e := range m.before.Entries {
		if !claimed[e.Number] && m.describes(w.testSpec, e) {
			w.number, w.adopted, claimed[e.Number] = e.Number, true, true
			return
		}
	}
}

func (w testSpec) gone() bool { return w.ShouldExist != nil && !*w.ShouldExist }

// describes reports whether a partition is what a spec without a number means.
func (m *model) describes(w testSpec, e testEntry) bool {
	mib := 1 << 20 / m.before.Sector
	return e.Name == *w.Label &&
		(value(w.StartMiB) == 0 || uint64(*w.StartMiB)*mib == e.Start) && (value(w.SizeMiB) == 0 || uint64(*w.SizeMiB)*mib == e.Size) &&
		(value(w.GUID) == "" || strings.EqualFold(*w.GUID, e.GUID)) && (value(w.TypeGUID) == "" || strings.EqualFold(*w.TypeGUID, e.Type))
}

// grant is the spec's table: what exists, what should, and what may be lost.
func (m *model) grant(w numbered) (refused string) {
	switch {
	case w.gone() && w.exists && !w.wipe:
		return "exists and should not"
	case w.gone():
		return ""
	case w.number < 1 || w.number > m.before.Slots:
		return "no such slot"
	}
	want := testEntry{Number: w.number, Type: strings.ToUpper(value(w.TypeGUID)), GUID: strings.ToUpper(value(w.GUID)), Name: value(w.Label)}
	if want.Type == "" {
		want.Type = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
	}
	var ok bool
	if want.Start, want.Size, ok = m.allocate(w); !ok {
		return "no room"
	}
	old := w.old
	others := w.Label != nil && old.Name != want.Name || value(w.TypeGUID) != "" && old.Type != want.Type || value(w.GUID) != "" && old.GUID != want.GUID || old.Start != want.Start
	switch {
	case w.exists && !others && old.Size == want.Size:
		m.put(old)
	case w.exists && !w.wipe && !others && value(w.Resize):
		old.Size = want.Size
		m.put(old)
	case w.exists && !w.wipe:
		return "is something else"
	default:
		m.put(want)
		m.result.made[w.number] = want.GUID == ""
	}
	return ""
}

// allocate finds start and size. What is given is taken; what is not is that of
// the partition that exists, unless its entry is wiped; 0, or nothing, is the
// largest free block and the rest of a block.
func (m *model) allocate(w numbered) (start, size uint64, ok bool) {
	mib := 1 << 20 / m.before.Sector
	keeps := func(given *int) bool { return w.adopted || given == nil && w.exists && !w.wipe }
	switch {
	case value(w.StartMiB) < 0 || value(w.SizeMiB) < 0:
		return 0, 0, false
	case value(w.StartMiB) > 0:
		start = uint64(*w.StartMiB) * mib
	case keeps(w.StartMiB):
		start = w.old.Start
	default:
		start = m.largest(mib)
	}
	room := start
	for room < m.before.Sectors && m.free[room] {
		room++
	}
	room -= start
	// Programs that did not align ends have filled the block, too.
	filled := (start + room) / mib * mib
	switch {
	case value(w.SizeMiB) > 0:
		size = uint64(*w.SizeMiB) * mib
	case keeps(w.SizeMiB):
		size = w.old.Size
	case w.exists && w.old.Start == start && w.old.Size <= room && start+w.old.Size >= filled:
		size = w.old.Size
	case filled > start:
		size = filled - start
	case value(w.StartMiB) > 0 || keeps(w.StartMiB) || w.exists && w.old.Start == start:
		size = room // less than 1 MiB is not searched for, but can be asked for
	}
	return start, size, 0 < size && size <= room
}

// largest is the start of the largest free block, counted from where it is
// aligned; the first one of several. Sector 0, which is never free, is none.
func (m *model) largest(mib uint64) (best uint64) {
	var most uint64
	for i := uint64(0); i < m.before.Sectors; i += mib {
		if !m.free[i] || i > 0 && i >= mib && m.allFree(i-mib, i) {
			continue // not where a block begins
		}
		end := i
		for end < m.before.Sectors && m.free[end] {
			end++
		}
		if end-i > most {
			best, most = i, end-i
		}
	}
	return best
}

func (m *model) allFree(from, to uint64) bool {
	return !slices.Contains(m.free[from:to], false)
}
