package ecr

import (
	"slices"
	"time"
)

// expired is an image that a rule wants gone.
type expired struct {
	image    *image
	priority int
}

// evaluate decides which images expire now, in the order in which they may go,
// and when the next one will by its age alone; the zero time means never. An
// index that goes frees the images it names, which are then judged as well.
func (p *policy) evaluate(all []*image, now time.Time) (out []expired, next time.Time) {
	for {
		due, then := p.round(all, now)
		if len(due) == 0 {
			return out, then
		}
		slices.SortStableFunc(due, func(a, b expired) int { return a.image.Pushed.Compare(b.image.Pushed) })
		out = append(out, due...)
		gone := make(map[*image]bool, len(due))
		for _, e := range due {
			gone[e.image] = true
		}
		all = slices.DeleteFunc(slices.Clone(all), func(im *image) bool { return gone[im] })
	}
}

// round is one look at all images. Each rule selects on its own from all of
// them; then an image that an earlier rule selected, kept or not, is out of
// reach of later ones, and so is what an index still names. What refers to
// another image (a signature, a bill of materials) goes with that one.
func (p *policy) round(all []*image, now time.Time) (due []expired, next time.Time) {
	present, out := map[string]bool{}, map[string]bool{}
	for _, im := range all {
		present[im.Digest] = true
		for _, c := range im.Children {
			out[c] = true
		}
	}
	var newest []*image
	for _, im := range all {
		if !present[im.Subject] {
			newest = append(newest, im)
		}
	}
	slices.SortStableFunc(newest, func(a, b *image) int { return b.Pushed.Compare(a.Pushed) })
	for _, r := range p.Rules {
		kept := 0
		var selected []*image
		for _, im := range newest {
			if !r.Selection.matches(im) {
				continue
			}
			selected = append(selected, im)
			kept++
			goes, at := r.Selection.due(im, kept, now)
			switch {
			case out[im.Digest]:
			case goes:
				due = append(due, expired{im, *r.Priority})
			case !at.IsZero() && (next.IsZero() || at.Before(next)):
				next = at
			}
		}
		for _, im := range selected {
			out[im.Digest] = true
		}
	}
	return append(due, referrers(all, due)...), next
}

// due tells whether the nth image of a rule's selection, newest first, is to
// go, or when it will be.
func (s *selection) due(im *image, n int, now time.Time) (goes bool, at time.Time) {
	since := im.Pushed
	switch s.CountType {
	case "imageCountMoreThan":
		return n > *s.CountNumber, time.Time{}
	case "sinceImagePulled":
		if !im.Pulled.IsZero() {
			since = im.Pulled
		}
	}
	at = since.Add(time.Duration(*s.CountNumber) * 24 * time.Hour)
	return !now.Before(at), at
}

// referrers are the images that refer to ones that go, directly or not.
func referrers(all []*image, due []expired) (more []expired) {
	gone := map[string]int{}
	for _, e := range due {
		gone[e.image.Digest] = e.priority
	}
	for found := true; found; {
		found = false
		for _, im := range all {
			priority, goes := gone[im.Subject]
			if _, already := gone[im.Digest]; goes && !already {
				gone[im.Digest], found = priority, true
				more = append(more, expired{im, priority})
			}
		}
	}
	return more
}
