package lambda

import "sync"

// splitter chooses between the two versions of aliases. The choices are not
// drawn but spread evenly (by the golden ratio), so that every run of events is
// split by the weights as well as it can be.
type splitter struct {
	mu sync.Mutex
	at map[string]float64 // by the alias' ARN, in [0, 1)
}

const golden = 0.6180339887498949

// second tells whether the next event goes to the second version.
func (p *splitter) second(arn string, weight float64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		p.at = map[string]float64{}
	}
	x := p.at[arn] + golden
	if x >= 1 {
		x--
	}
	p.at[arn] = x
	return x < weight
}

func (p *splitter) forget(arn string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.at, arn)
}
