package memory

import "hash/fnv"

// node is a treap whose nodes never change: a write copies the path to the
// root, so every root is a snapshot. Priorities come from the key, so that a
// set of keys always makes the same tree.
type node struct {
	key         string
	value       []byte
	priority    uint64
	left, right *node
}

func (n *node) find(key string) *node {
	for n != nil && n.key != key {
		if key < n.key {
			n = n.left
		} else {
			n = n.right
		}
	}
	return n
}

func (n *node) put(key string, value []byte) *node {
	if n == nil {
		return &node{key: key, value: value, priority: priority(key)}
	}
	c := *n
	switch {
	case key == n.key:
		c.value = value
	case key < n.key:
		c.left = n.left.put(key, value)
		if l := c.left; l.priority > c.priority { // l is fresh: safe to change
			c.left, l.right = l.right, &c
			return l
		}
	default:
		c.right = n.right.put(key, value)
		if r := c.right; r.priority > c.priority {
			c.right, r.left = r.left, &c
			return r
		}
	}
	return &c
}

func (n *node) remove(key string) *node {
	if key == n.key {
		return merge(n.left, n.right)
	}
	c := *n
	if key < n.key {
		c.left = n.left.remove(key)
	} else {
		c.right = n.right.remove(key)
	}
	return &c
}

// merge joins two trees all of whose keys are a < b.
func merge(a, b *node) *node {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.priority > b.priority:
		c := *a
		c.right = merge(a.right, b)
		return &c
	default:
		c := *b
		c.left = merge(a, b.left)
		return &c
	}
}

// walk visits the keys from <= key < to (no upper bound if to is "") in order,
// or backwards, until visit returns false; it reports whether all were visited.
func (n *node) walk(from, to string, reverse bool, visit func(*node) bool) bool {
	if n == nil {
		return true
	}
	low := n.key >= from           // n and all on its right are not too low
	high := to == "" || n.key < to // n and all on its left are not too high
	first, second := n.left, n.right
	goFirst, goSecond := low, high
	if reverse {
		first, second, goFirst, goSecond = second, first, goSecond, goFirst
	}
	return (!goFirst || first.walk(from, to, reverse, visit)) &&
		(!low || !high || visit(n)) &&
		(!goSecond || second.walk(from, to, reverse, visit))
}

func priority(key string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	// FNV's high bits mix badly for short keys; finish as splitmix64 does.
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
