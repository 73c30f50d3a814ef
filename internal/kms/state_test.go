package kms

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func TestNext(t *testing.T) {
	const on, off, gone = types.KeyStateEnabled, types.KeyStateDisabled, types.KeyStatePendingDeletion
	for _, tt := range []struct {
		from types.KeyState
		e    event
		to   types.KeyState
		ok   bool
	}{
		{on, enable, on, true}, {on, disable, off, true}, {on, schedule, gone, true}, {on, cancel, "", false},
		{off, enable, on, true}, {off, disable, off, true}, {off, schedule, gone, true}, {off, cancel, "", false},
		{gone, enable, "", false}, {gone, disable, "", false}, {gone, schedule, "", false}, {gone, cancel, off, true},
	} {
		to, ok := next(tt.from, tt.e)
		if ok != tt.ok || ok && to != tt.to {
			t.Errorf("%s, event %d: %s %v", tt.from, tt.e, to, ok)
		}
	}
}
