package kms

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// event is what moves a key from state to state.
type event int

const (
	enable event = iota
	disable
	schedule
	cancel
)

// next is the state after an event; ok is false where the event may not be.
// The table is "Key states of AWS KMS keys" of the developer guide.
func next(state types.KeyState, e event) (_ types.KeyState, ok bool) {
	pending := state == types.KeyStatePendingDeletion
	switch e {
	case enable:
		return types.KeyStateEnabled, !pending
	case disable:
		return types.KeyStateDisabled, !pending
	case schedule:
		return types.KeyStatePendingDeletion, !pending
	}
	return types.KeyStateDisabled, pending
}

// move makes the transition, or says why it may not be.
func (k *key) move(e event) error {
	to, ok := next(k.KeyState, e)
	if !ok {
		if e == cancel {
			return fail("KMSInvalidState", "%s is not pending deletion.", *k.Arn)
		}
		return k.pending()
	}
	k.KeyState, k.Enabled = to, to == types.KeyStateEnabled
	return nil
}

// pending is the error for keys that wait for their deletion.
func (k *key) pending() error {
	return fail("KMSInvalidState", "%s is pending deletion.", *k.Arn)
}

// alive refuses a key that waits for its deletion.
func (k *key) alive() error {
	if k.KeyState == types.KeyStatePendingDeletion {
		return k.pending()
	}
	return nil
}

// usable refuses a key that cannot be used now, or not for this.
func (k *key) usable(usage types.KeyUsageType) error {
	if err := k.alive(); err != nil {
		return err
	}
	if k.KeyState == types.KeyStateDisabled {
		return fail("Disabled", "%s is disabled.", *k.Arn)
	}
	if k.KeyUsage != usage {
		return fail("InvalidKeyUsage", "%s key usage is %s which is not valid for this operation.", *k.Arn, k.KeyUsage)
	}
	return nil
}

// dry answers a request that only asks whether it would succeed.
func dry(asked *bool) error {
	if aws.ToBool(asked) {
		return fail("DryRunOperation", "The request would have succeeded, but the DryRun option is set.")
	}
	return nil
}

// unsupported refuses what a request may ask for and is not there.
func unsupported(tokens []string, recipient *types.RecipientInfo) error {
	switch {
	case recipient != nil:
		return fail("UnsupportedOperation", "Recipient (Nitro enclaves) is not implemented by Slipway.")
	case len(tokens) > 0:
		return fail("InvalidGrantToken", "Grants are not implemented by Slipway, so there can be no grant tokens.")
	}
	return nil
}
