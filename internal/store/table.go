package store

import (
	"encoding/json"
	"fmt"
	"iter"
)

// Table keeps documents of one type as JSON under a name of its own. The key
// of a document is one or more parts, usually region and name.
type Table[T any] string

// Get returns the document or ErrNotFound.
func (t Table[T]) Get(r Reader, key ...string) (*T, error) {
	b, err := r.Get(t.Key(key...))
	if err != nil {
		return nil, err
	}
	return t.Decode(b)
}

// Put writes the document.
func (t Table[T]) Put(tx Tx, doc *T, key ...string) error {
	b, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("store: encode %s: %w", string(t), err)
	}
	return tx.Put(t.Key(key...), b)
}

// Delete removes the document if it is there.
func (t Table[T]) Delete(tx Tx, key ...string) error { return tx.Delete(t.Key(key...)) }

// All yields the documents whose key begins with these whole parts, in order.
func (t Table[T]) All(r Reader, parts ...string) iter.Seq2[*T, error] {
	return t.Scan(r, Range{Prefix: Prefix(append([]string{string(t)}, parts...)...)})
}

// Reversed is All from the last to the first.
func (t Table[T]) Reversed(r Reader, parts ...string) iter.Seq2[*T, error] {
	return t.Scan(r, Range{Prefix: Prefix(append([]string{string(t)}, parts...)...), Reverse: true})
}

// Scan yields the documents of a range of raw keys (see Key).
func (t Table[T]) Scan(r Reader, rg Range) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for e, err := range r.Scan(rg) {
			if err != nil {
				yield(nil, err)
				return
			}
			doc, err := t.Decode(e.Value)
			if !yield(doc, err) || err != nil {
				return
			}
		}
	}
}

// Key is the raw key of a document.
func (t Table[T]) Key(key ...string) string {
	return Key(append([]string{string(t)}, key...)...)
}

// Decode reads a value of the table, for those who scan its raw entries.
func (t Table[T]) Decode(b []byte) (*T, error) {
	doc := new(T)
	if err := json.Unmarshal(b, doc); err != nil {
		return nil, fmt.Errorf("store: decode %s: %w", string(t), err)
	}
	return doc, nil
}
