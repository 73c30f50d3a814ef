package iam

import (
	"regexp"
	"testing"

	"github.com/slipway-dev/slipway/internal/iam/policy"
)

// Every policy of the catalog can be read, and no two have the same id.
func TestCatalog(t *testing.T) {
	id := regexp.MustCompile(`^ANPA[A-Z2-7]{17}$`)
	seen := map[string]string{}
	for arn, m := range catalog() {
		if _, err := policy.Parse(*m.document(), policy.Identity); err != nil {
			t.Errorf("%s: %v", arn, err)
		}
		if size(*m.document()) > maxManaged {
			t.Errorf("%s is longer than policies may be", arn)
		}
		if other := seen[*m.PolicyId]; other != "" || !id.MatchString(*m.PolicyId) {
			t.Errorf("%s: id %s, also of %q", arn, *m.PolicyId, other)
		}
		seen[*m.PolicyId] = arn
	}
}
