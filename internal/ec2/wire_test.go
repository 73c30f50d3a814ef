package ec2

import (
	"testing"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Every field of our types is a member of the model, and of its kind.
func TestTypesFitTheModel(t *testing.T) {
	b, err := wire.Bind((&Service{}).Wire())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Check(); err != nil {
		t.Error(err)
	}
	for _, op := range b.Operations() {
		if !op.Implemented {
			t.Errorf("%s is not there", op.Name)
		}
	}
}
