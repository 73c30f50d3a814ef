package kms

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func TestDeletionByTheClock(t *testing.T) {
	f := newFixture(t)
	ctx := here(t)
	kept, gone := f.create(t, "", ""), f.create(t, "", "")
	for n, k := range map[string]*string{"alias/kept": kept, "alias/gone": gone} {
		if _, err := f.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &n, TargetKeyId: k}); err != nil {
			t.Fatal(err)
		}
	}
	blob := f.encrypt1(t, gone, "x", nil)
	for _, k := range []*string{kept, gone} {
		if _, err := f.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: k, PendingWindowInDays: aws.Int32(7)}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := f.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob})
	want(t, err, "KMSInvalidStateException")
	f.pass(t, 7*day-time.Second)
	if _, err := f.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: kept}); err != nil {
		t.Fatal(err)
	}
	f.pass(t, time.Second)
	_, err = f.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: gone})
	want(t, err, "NotFoundException")
	_, err = f.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/gone")})
	want(t, err, "NotFoundException")
	_, err = f.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob})
	want(t, err, "InvalidCiphertextException")
	out, err := f.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/kept")})
	if err != nil || out.KeyMetadata.KeyState != types.KeyStateDisabled || out.KeyMetadata.DeletionDate != nil {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestRotationByTheClock(t *testing.T) {
	f := newFixture(t)
	ctx := here(t)
	k := f.create(t, "", "")
	first := f.encrypt1(t, k, "first", nil)
	if _, err := f.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: k, RotationPeriodInDays: aws.Int32(90)}); err != nil {
		t.Fatal(err)
	}
	status := func() *kms.GetKeyRotationStatusOutput {
		t.Helper()
		out, err := f.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: k})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	count := func(want int) {
		t.Helper()
		out, err := f.ListKeyRotations(ctx, &kms.ListKeyRotationsInput{KeyId: k})
		if err != nil || len(out.Rotations) != want {
			t.Fatalf("%d rotations, %v; want %d", len(out.Rotations), err, want)
		}
	}
	begin := *status().NextRotationDate
	f.pass(t, 90*day)
	count(1)
	if d := status().NextRotationDate.Sub(begin); d != 90*day {
		t.Errorf("next after %s", d)
	}
	second := f.encrypt1(t, k, "second", nil)
	if _, err := f.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: k}); err != nil {
		t.Fatal(err)
	}
	count(2)
	f.decrypts(t, first, nil, "first")
	f.decrypts(t, second, nil, "second")

	// A disabled key waits, and catches up once when it is enabled.
	if _, err := f.DisableKey(ctx, &kms.DisableKeyInput{KeyId: k}); err != nil {
		t.Fatal(err)
	}
	f.pass(t, 300*day)
	count(2)
	if _, err := f.EnableKey(ctx, &kms.EnableKeyInput{KeyId: k}); err != nil {
		t.Fatal(err)
	}
	f.pass(t, 0)
	count(3)
	if n := status().NextRotationDate; !n.After(f.engine.Now()) {
		t.Errorf("next is %s", n)
	}
	if _, err := f.DisableKeyRotation(ctx, &kms.DisableKeyRotationInput{KeyId: k}); err != nil {
		t.Fatal(err)
	}
	f.pass(t, 1000*day)
	count(3)
	if out := status(); out.KeyRotationEnabled || out.NextRotationDate != nil {
		t.Errorf("%+v", out)
	}
	all, err := f.ListKeyRotations(ctx, &kms.ListKeyRotationsInput{KeyId: k, IncludeKeyMaterial: types.IncludeKeyMaterialAllKeyMaterial, Limit: aws.Int32(3)})
	if err != nil || len(all.Rotations) != 3 || !all.Truncated || all.Rotations[0].RotationDate != nil || all.Rotations[2].RotationType != types.RotationTypeOnDemand {
		t.Fatalf("%+v, %v", all, err)
	}
	rest, err := f.ListKeyRotations(ctx, &kms.ListKeyRotationsInput{KeyId: k, IncludeKeyMaterial: types.IncludeKeyMaterialAllKeyMaterial, Marker: all.NextMarker})
	if err != nil || len(rest.Rotations) != 1 || rest.Rotations[0].KeyMaterialState != types.KeyMaterialStateCurrent {
		t.Fatalf("%+v, %v", rest, err)
	}
	_, err = f.ListKeyRotations(ctx, &kms.ListKeyRotationsInput{KeyId: k, Marker: all.NextMarker})
	want(t, err, "InvalidMarkerException")
	for range onDemand - 1 {
		if _, err := f.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: k}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = f.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: k})
	want(t, err, "LimitExceededException")
	f.decrypts(t, first, nil, "first")
}
