package slab

import (
	"slices"
	"testing"
)

func TestSlabsHandOutEachValueOnce(t *testing.T) {
	var s Slab[int]
	seen := map[*int]bool{}
	for n := range 600 {
		values := s.Take(n)
		if len(values) != n || cap(values) != n {
			t.Fatalf("%d values were asked for, there are %d with room for %d", n, len(values), cap(values))
		}
		for i := range values {
			if p := &values[i]; seen[p] || *p != 0 {
				t.Fatalf("value %d of %d was handed out before", i, n)
			} else {
				seen[p], *p = true, 1
			}
		}
	}
	if p := s.One(); seen[p] {
		t.Error("one value was handed out before")
	}
}

func TestSlabsMakeManyValuesAtATime(t *testing.T) {
	var s Slab[int]
	if allocations := testing.AllocsPerRun(1, func() {
		for range 10_000 {
			s.One()
		}
	}); allocations > 20 {
		t.Errorf("%v allocations for 10000 values", allocations)
	}
}

func TestListsInsideEachOther(t *testing.T) {
	var l Lists[int]
	outer := l.Open()
	l.Push(1)
	inner := l.Open()
	l.Push(2)
	l.Push(3)
	first := l.Close(inner)
	l.Push(4)
	empty := l.Close(l.Open())
	second := l.Close(outer)
	if !slices.Equal(first, []int{2, 3}) || !slices.Equal(second, []int{1, 4}) || empty != nil {
		t.Errorf("%v in %v, and %v", first, second, empty)
	}
	_ = append(first, 5)
	if second[0] != 1 {
		t.Error("a list grew into the next")
	}
}
