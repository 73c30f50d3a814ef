package filter

// The logic of { } and of each field in [ ]: comparisons, then (), then &&,
// then ||, over whatever a comparison looks at.
type predicate[T any] func(T) bool

// maxDepth of parentheses; a pattern of 1,024 characters could nest 500.
const maxDepth = 100

type logic[T any] struct {
	*parser
	compare func() (predicate[T], error)
	depth   int
}

func (l *logic[T]) or() (predicate[T], error) {
	a, err := l.and()
	for err == nil && l.take("||") {
		var b predicate[T]
		if b, err = l.and(); err == nil {
			left := a
			a = func(v T) bool { return left(v) || b(v) }
		}
	}
	return a, err
}

func (l *logic[T]) and() (predicate[T], error) {
	a, err := l.one()
	for err == nil && l.take("&&") {
		var b predicate[T]
		if b, err = l.one(); err == nil {
			left := a
			a = func(v T) bool { return left(v) && b(v) }
		}
	}
	return a, err
}

func (l *logic[T]) one() (predicate[T], error) {
	if !l.take("(") {
		return l.compare()
	}
	if l.depth++; l.depth > maxDepth {
		return nil, invalid("too many parentheses")
	}
	p, err := l.or()
	if err != nil {
		return nil, err
	}
	if !l.take(")") {
		return nil, invalid("a ) is missing before %q", first(l.rest))
	}
	l.depth--
	return p, nil
}
