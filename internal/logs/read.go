package logs

import (
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/store"
)

// reading is one walk over events in their order, or backwards.
type reading struct {
	s       *Service
	r       store.Reader
	group   *group
	from    int64 // the first bucket to visit (the last one, backwards); -1: no bound
	reverse bool
}

// bucket is the events of one second, in order.
type bucket struct {
	second int64
	events []event
}

// buckets is what a walk yields: seconds that have events, one after another.
type buckets = iter.Seq2[bucket, error]

// start is where a scan of keys under prefix, which go on with the bucket,
// begins.
func (w reading) start(prefix string) string {
	switch {
	case w.from < 0:
		return ""
	case w.reverse:
		return prefix + bucketPart(w.from) + "\xff"
	}
	return prefix + bucketPart(w.from)
}

// ofStream walks over one stream.
func (w reading) ofStream(st *stream) buckets {
	return func(yield func(bucket, error) bool) {
		prefix := store.Prefix("logs.event", w.group.ID, st.ID)
		b := bucket{second: -1}
		flush := func() bool {
			if b.second < 0 {
				return true
			}
			slices.SortFunc(b.events, func(x, y event) int { return x.compare(y.position) })
			return yield(b, nil)
		}
		for e, err := range w.r.Scan(store.Range{Prefix: prefix, Start: w.start(prefix), Reverse: w.reverse}) {
			var second int64
			if err == nil {
				second, err = parseBucket(strings.SplitN(e.Key[len(prefix):], store.Separator, 2)[0])
			}
			if err != nil {
				yield(bucket{}, err)
				return
			}
			if second != b.second {
				if !flush() {
					return
				}
				b = bucket{second: second}
			}
			if b.events, err = w.decode(b.events, e, second, st.name()); err != nil {
				yield(bucket{}, err)
				return
			}
		}
		flush()
	}
}

// decode appends the events of a chunk that was read under its key.
func (w reading) decode(to []event, e store.Entry, second int64, stream string) ([]event, error) {
	parts := strings.Split(e.Key, store.Separator)
	if len(parts) != 5 {
		return nil, errChunk
	}
	streamID, err := strconv.ParseUint(parts[2], 16, 64)
	if err != nil {
		return nil, errChunk
	}
	seq, err := strconv.ParseUint(parts[4], 16, 64)
	if err != nil {
		return nil, errChunk
	}
	chunk, err := w.s.openChunk(w.group, e.Value)
	if err != nil {
		return nil, err
	}
	return decodeChunk(to, chunk, second, stream, streamID, seq)
}

// ofGroup walks over all streams of the group whose names keep accepts.
func (w reading) ofGroup(keep func(name string) bool) buckets {
	return func(yield func(bucket, error) bool) {
		prefix := store.Prefix("logs.time", w.group.ID)
		alive := map[string]bool{} // stream ids: deleted streams leave rows for a while
		b := bucket{second: -1}
		flush := func() bool {
			if len(b.events) == 0 {
				return true
			}
			slices.SortFunc(b.events, func(x, y event) int { return x.compare(y.position) })
			return yield(b, nil)
		}
		for e, err := range w.r.Scan(store.Range{Prefix: prefix, Start: w.start(prefix), Reverse: w.reverse}) {
			if err != nil {
				yield(bucket{}, err)
				return
			}
			part, streamID, _ := strings.Cut(e.Key[len(prefix):], store.Separator)
			name := string(e.Value)
			lives, known := alive[streamID]
			if !known {
				st, err := streams.Get(w.r, w.group.ID, name)
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					yield(bucket{}, err)
					return
				}
				lives = keep(name) && err == nil && st.ID == streamID
				alive[streamID] = lives
			}
			second, err := parseBucket(part)
			if err != nil {
				yield(bucket{}, err)
				return
			}
			if second != b.second {
				if !flush() {
					return
				}
				b = bucket{second: second}
			}
			if !lives {
				continue
			}
			for c, err := range w.r.Scan(store.Range{Prefix: store.Prefix("logs.event", w.group.ID, streamID, part)}) {
				if err == nil {
					b.events, err = w.decode(b.events, c, second, name)
				}
				if err != nil {
					yield(bucket{}, err)
					return
				}
			}
		}
		flush()
	}
}

// ofStreams walks over a few streams at once.
func (w reading) ofStreams(list []*stream) buckets {
	if len(list) == 1 {
		return w.ofStream(list[0])
	}
	return func(yield func(bucket, error) bool) {
		type source struct {
			next func() (bucket, error, bool)
			head bucket
		}
		var open []*source
		for _, st := range list {
			next, stop := iter.Pull2(w.ofStream(st))
			defer stop()
			b, err, ok := next()
			if err != nil {
				yield(bucket{}, err)
				return
			}
			if ok {
				open = append(open, &source{next, b})
			}
		}
		for len(open) > 0 {
			b := bucket{second: open[0].head.second}
			for _, s := range open {
				if (s.head.second < b.second) != w.reverse && s.head.second != b.second {
					b.second = s.head.second
				}
			}
			for _, s := range open {
				if s.head.second != b.second {
					continue
				}
				b.events = append(b.events, s.head.events...)
				head, err, ok := s.next()
				if err != nil {
					yield(bucket{}, err)
					return
				}
				if !ok {
					head.second = -1
				}
				s.head = head
			}
			open = slices.DeleteFunc(open, func(s *source) bool { return s.head.second < 0 })
			slices.SortFunc(b.events, func(x, y event) int { return x.compare(y.position) })
			if !yield(b, nil) {
				return
			}
		}
	}
}

// events flattens buckets into single events in the direction of the walk.
func (w reading) events(all buckets) iter.Seq2[event, error] {
	return func(yield func(event, error) bool) {
		for b, err := range all {
			if err != nil {
				yield(event{}, err)
				return
			}
			if w.reverse {
				slices.Reverse(b.events)
			}
			for _, e := range b.events {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}
