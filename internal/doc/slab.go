package doc

// A slab allocates values many at a time. Reading 50,000 files takes 900
// allocations and 47 ms with it, and 650,000 allocations and 63 ms without.
type slab[T any] struct {
	free []T
	size int // of the last chunk
}

// take returns n new values.
func (s *slab[T]) take(n int) []T {
	const smallest, largest = 16, 1024 // values in a chunk
	if n > len(s.free) {
		if n > largest/4 {
			return make([]T, n)
		}
		s.size = min(max(2*s.size, smallest, n), largest)
		s.free = make([]T, s.size)
	}
	out := s.free[:n:n]
	s.free = s.free[n:]
	return out
}

// one returns a pointer to a new value.
func (s *slab[T]) one() *T { return &s.take(1)[0] }

// Type lists allocates many lists, one inside the other, whose lengths are not known
// before: what is pushed after open is in the list that close returns.
type lists[T any] struct {
	pushed []T
	slab   slab[T]
}

func (l *lists[T]) open() (mark int) { return len(l.pushed) }

func (l *lists[T]) push(v T) { l.pushed = append(l.pushed, v) }

// close returns the list of what was pushed since open returned mark; nil if
// nothing was.
func (l *lists[T]) close(mark int) []T {
	if mark == len(l.pushed) {
		return nil
	}
	list := l.slab.take(len(l.pushed) - mark)
	copy(list, l.pushed[mark:])
	l.pushed = l.pushed[:mark]
	return list
}
