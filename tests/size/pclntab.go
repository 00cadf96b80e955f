package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

// The head of runtime.pcHeader and of each runtime._func: offsets of what is read here,
// in bytes, for this magic number and addresses of 8 bytes.
const (
	magic           = 0xfffffff1
	headerAddresses = 7

	headerFuncs, headerNames, headerPCs, headerTable = 8, 32, 56, 64

	funcName, funcPCs, funcCount, funcUnit, funcDatas, funcEnd = 4, 16, 28, 32, 43, 44
	noData                                                     = 1<<32 - 1
)

// functionTables returns for each package how much of the table of functions it has. A
// part that several functions share is the first one's, and an instance of a generic
// function is of the package that needs it first.
func functionTables(file string) (map[string]int, error) {
	f, err := elf.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	section := f.Section(".gopclntab")
	if section == nil {
		return nil, errors.New("there is no .gopclntab in the agent")
	}
	table, err := section.Data()
	if err != nil {
		return nil, err
	}
	symbols, err := f.Symbols()
	if err != nil {
		return nil, err
	}
	var maps uint64 // where funcdata begins
	for _, s := range symbols {
		if s.Name == "go:func.*" {
			maps = s.Value - section.Addr
		}
	}
	if maps == 0 || maps > uint64(len(table)) {
		return nil, errors.New("there is no go:func.* in the table of functions")
	}
	if f.ByteOrder.Uint32(table) != magic || table[headerAddresses] != 8 {
		return nil, errors.New("the table of functions has a form that is not known here")
	}
	return readFunctions(f.ByteOrder, table, table[maps:]), nil
}

// A function is an entry of the table.
type function struct {
	name     string
	unit     uint32 // of compilation, which is one package
	own      int    // bytes that no other one shares
	pcs, fds []uint32
}

func readFunctions(order binary.ByteOrder, table, maps []byte) map[string]int {
	word := func(at int) uint32 { return order.Uint32(table[at:]) }
	names, pcs, funcs := word(headerNames), word(headerPCs), word(headerTable)
	var all []function
	for i := range int(word(headerFuncs)) {
		at := int(funcs + word(int(funcs)+8*i+4))
		name := table[names+word(at+funcName):]
		f := function{name: string(name[:bytes.IndexByte(name, 0)]), unit: word(at + funcUnit)}
		count := int(word(at + funcCount))
		for j := range 3 {
			f.pcs = append(f.pcs, word(at+funcPCs+4*j))
		}
		for j := range count {
			f.pcs = append(f.pcs, word(at+funcEnd+4*j))
		}
		for j := range int(table[at+funcDatas]) {
			f.fds = append(f.fds, word(at+funcEnd+4*(count+j)))
		}
		f.own = 8 + funcEnd + 4*(count+len(f.fds)) + len(f.name) + 1
		all = append(all, f)
	}
	pcSizes := pieces(all, func(f function) []uint32 { return f.pcs }, funcs-pcs)
	mapSizes := pieces(all, func(f function) []uint32 { return f.fds }, uint32(len(maps)))
	packages, out := unitPackages(all), map[string]int{}
	for _, f := range all {
		size := f.own
		for _, at := range f.pcs {
			size += take(pcSizes, at)
		}
		for _, at := range f.fds {
			size += take(mapSizes, at)
		}
		out[packages[f.unit]] += size
	}
	return out
}

// pieces returns the lengths of what functions refer to, by its offset: each piece ends
// where the next one begins.
func pieces(all []function, offsets func(function) []uint32, end uint32) map[uint32]int {
	starts := []uint32{end}
	for _, f := range all {
		for _, at := range offsets(f) {
			if at != noData {
				starts = append(starts, at)
			}
		}
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	out := map[uint32]int{}
	for i, at := range starts[:len(starts)-1] {
		out[at] = int(starts[i+1] - at)
	}
	return out
}

func take(pieces map[uint32]int, at uint32) int {
	n := pieces[at]
	delete(pieces, at)
	return n
}

// unitPackages names the packages by most of the functions of each; others are generic,
// or methods of embedded fields.
func unitPackages(all []function) map[uint32]string {
	votes, out := map[uint32]map[string]int{}, map[uint32]string{}
	for _, f := range all {
		if votes[f.unit] == nil {
			votes[f.unit] = map[string]int{}
		}
		name := packageOf(f.name)
		votes[f.unit][name]++
		if votes[f.unit][name] > votes[f.unit][out[f.unit]] {
			out[f.unit] = name
		}
	}
	return out
}

// packageOf returns the path in front of the name of a function.
func packageOf(name string) string {
	slash := strings.LastIndexByte(name, '/') + 1
	rest, _, _ := strings.Cut(name[slash:], ".")
	return strings.ReplaceAll(name[:slash]+rest, "%2e", ".")
}
