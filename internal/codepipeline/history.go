package codepipeline

import (
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// AWS keeps executions for 12 months from their start. Old ones go when new
// ones come, a few at a time, so that no transition has much to do.
const (
	keptMonths  = 12
	expiryChunk = 3
)

// expire removes the oldest executions that are past their time.
func (s *Service) expire(tx *engine.Tx, p *Pipeline, f *flow) error {
	limit := f.now.AddDate(0, -keptMonths, 0)
	oldest := store.Range{Prefix: store.Prefix(append([]string{executionNumbers}, p.key()...)...), Limit: expiryChunk}
	var old []store.Entry
	for e, err := range tx.Scan(oldest) {
		if err != nil {
			return err
		}
		old = append(old, e)
	}
	for _, e := range old {
		ex, err := s.executionOf(tx, p, string(e.Value))
		if err != nil {
			return err
		}
		if ex.active() || !ex.StartTime.Before(limit) {
			return nil
		}
		if err := s.remove(tx, p, ex, e.Key); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes an execution with its actions. The board may still name them
// as the latest; whoever reads it there passes over what is gone.
func (s *Service) remove(tx *engine.Tx, p *Pipeline, ex *Execution, numberKey string) error {
	keys := []string{numberKey, executions.Key(p.key(ex.ID())...)}
	if ex.StartToken != "" {
		keys = append(keys, tokenKey(p, ex.StartToken))
	}
	prefix := store.Prefix(append([]string{executionActions}, p.key(ex.ID())...)...)
	for e, err := range tx.Scan(store.Range{Prefix: prefix}) {
		if err != nil {
			return err
		}
		keys = append(keys, e.Key, actions.Key(p.key(string(e.Value))...),
			store.Key(append([]string{actionNumbers}, p.key(e.Key[len(prefix):])...)...))
	}
	prefix = store.Prefix(append([]string{executionRules}, p.key(ex.ID())...)...)
	for e, err := range tx.Scan(store.Range{Prefix: prefix}) {
		if err != nil {
			return err
		}
		keys = append(keys, e.Key, ruleRuns.Key(p.key(string(e.Value))...))
	}
	for _, k := range keys {
		if err := tx.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
