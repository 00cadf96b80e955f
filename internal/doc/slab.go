package doc

// A slab hands out values that it has made many at a time, which costs less
// memory management than making each on its own.
type slab[T any] struct {
	free []T
	size int // of the last chunk
}

// take is n new values.
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

// one is a pointer to a new value.
func (s *slab[T]) one() *T { return &s.take(1)[0] }

// Of type lists are makers of many lists, one inside the other, whose lengths are
// not known before: what is pushed after open belongs to the list that close makes.
type lists[T any] struct {
	pushed []T
	slab   slab[T]
}

func (l *lists[T]) open() (mark int) { return len(l.pushed) }

func (l *lists[T]) push(v T) { l.pushed = append(l.pushed, v) }

// close is the list of what was pushed since open gave mark; nil if nothing was.
func (l *lists[T]) close(mark int) []T {
	if mark == len(l.pushed) {
		return nil
	}
	list := l.slab.take(len(l.pushed) - mark)
	copy(list, l.pushed[mark:])
	l.pushed = l.pushed[:mark]
	return list
}
