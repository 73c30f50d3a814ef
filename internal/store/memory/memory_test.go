package memory_test

import (
	"testing"

	"github.com/slipway-dev/slipway/internal/store"
	"github.com/slipway-dev/slipway/internal/store/memory"
	"github.com/slipway-dev/slipway/internal/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Opener{
		Open: func(testing.TB, string) store.Store { return memory.New() },
	})
}
