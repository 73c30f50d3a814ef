package s3

import (
	"github.com/slipway-dev/slipway/internal/store"
)

// pager walks the entries of a prefix in order, in batches that grow, and can
// jump ahead: so that a listing with a delimiter looks at a few entries of each
// common prefix, however many are below it.
type pager struct {
	r      store.Reader
	prefix string
	start  string // raw key of the first entry not yet in buf
	buf    []store.Entry
	batch  int
	done   bool // nothing after buf
}

const (
	firstBatch = 16
	lastBatch  = 1024
)

func newPager(r store.Reader, prefix, start string) *pager {
	return &pager{r: r, prefix: prefix, start: start, batch: firstBatch}
}

// peek returns the entry at hand; nil after the last.
func (p *pager) peek() (*store.Entry, error) {
	if len(p.buf) == 0 && !p.done {
		for e, err := range p.r.Scan(store.Range{Prefix: p.prefix, Start: p.start, Limit: p.batch}) {
			if err != nil {
				return nil, err
			}
			p.buf = append(p.buf, e)
		}
		if p.done = len(p.buf) < p.batch; !p.done {
			p.start = p.buf[len(p.buf)-1].Key + "\x00" // the least key after it
			p.batch = min(2*p.batch, lastBatch)
		}
	}
	if len(p.buf) == 0 {
		return nil, nil
	}
	return &p.buf[0], nil
}

// pop goes to the next entry.
func (p *pager) pop() { p.buf = p.buf[1:] }

// seek goes to the first entry at or after a raw key that lies ahead.
func (p *pager) seek(key string) {
	for len(p.buf) > 0 && p.buf[0].Key < key {
		p.buf = p.buf[1:]
	}
	if len(p.buf) == 0 && !p.done && p.start < key {
		p.start, p.batch = key, firstBatch
	}
}
