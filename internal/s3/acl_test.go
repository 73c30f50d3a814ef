package s3_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// listsAllowed switches lists of access on, and public ones too.
func (w *world) listsAllowed(bucket string) {
	w.t.Helper()
	_, err := w.PutBucketOwnershipControls(w.ctx, &sdk.PutBucketOwnershipControlsInput{Bucket: &bucket,
		OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipBucketOwnerPreferred}}}})
	wantCode(w.t, err, "")
	_, err = w.DeletePublicAccessBlock(w.ctx, &sdk.DeletePublicAccessBlockInput{Bucket: &bucket})
	wantCode(w.t, err, "")
}

// shown is a list of access in short.
func shown(grants []types.Grant) string {
	var out []string
	for _, g := range grants {
		who := string(g.Grantee.Type)
		if g.Grantee.URI != nil {
			who = (*g.Grantee.URI)[strings.LastIndex(*g.Grantee.URI, "/")+1:]
		}
		out = append(out, who+":"+string(g.Permission))
	}
	return strings.Join(out, " ")
}

func TestACL(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	read := func() string {
		out, err := w.GetBucketAcl(w.ctx, &sdk.GetBucketAclInput{Bucket: aws.String("bkt")})
		if err != nil {
			t.Fatal(err)
		}
		return shown(out.Grants)
	}
	put := func(in sdk.PutBucketAclInput) string {
		in.Bucket = aws.String("bkt")
		_, err := w.PutBucketAcl(w.ctx, &in)
		return code(err)
	}
	const mine = "CanonicalUser:FULL_CONTROL"
	equal(t, "new", read(), mine)
	equal(t, "switched off", put(sdk.PutBucketAclInput{ACL: types.BucketCannedACLPrivate}), "AccessControlListNotSupported")
	_, err := w.PutBucketOwnershipControls(w.ctx, &sdk.PutBucketOwnershipControlsInput{Bucket: aws.String("bkt"),
		OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipObjectWriter}}}})
	wantCode(t, err, "")
	equal(t, "blocked", put(sdk.PutBucketAclInput{ACL: types.BucketCannedACLPublicRead}), "AccessDenied")
	w.listsAllowed("bkt")

	for canned, want := range map[string]string{
		"public-read":        mine + " AllUsers:READ",
		"public-read-write":  mine + " AllUsers:READ AllUsers:WRITE",
		"authenticated-read": mine + " AuthenticatedUsers:READ",
		"log-delivery-write": mine + " LogDelivery:WRITE LogDelivery:READ_ACP",
		"private":            mine,
	} {
		equal(t, canned, put(sdk.PutBucketAclInput{ACL: types.BucketCannedACL(canned)}), "")
		equal(t, canned, read(), want)
	}
	equal(t, "headers", put(sdk.PutBucketAclInput{
		GrantRead: aws.String(`uri="http://acs.amazonaws.com/groups/global/AllUsers", uri=http://acs.amazonaws.com/groups/s3/LogDelivery`),
	}), "")
	equal(t, "headers", read(), "AllUsers:READ LogDelivery:READ")

	out, err := w.GetBucketAcl(w.ctx, &sdk.GetBucketAclInput{Bucket: aws.String("bkt")})
	if err != nil {
		t.Fatal(err)
	}
	policy := func(change func(*types.AccessControlPolicy)) sdk.PutBucketAclInput {
		p := &types.AccessControlPolicy{Owner: out.Owner, Grants: []types.Grant{{Grantee: &types.Grantee{Type: types.TypeCanonicalUser, ID: out.Owner.ID}, Permission: types.PermissionRead}}}
		change(p)
		return sdk.PutBucketAclInput{AccessControlPolicy: p}
	}
	equal(t, "policy", put(policy(func(*types.AccessControlPolicy) {})), "")
	equal(t, "policy", read(), "CanonicalUser:READ")
	for _, c := range []struct {
		name string
		in   sdk.PutBucketAclInput
		want string
	}{
		{"nothing", sdk.PutBucketAclInput{}, "MissingSecurityHeader"},
		{"two forms", sdk.PutBucketAclInput{ACL: "private", GrantRead: aws.String("id=" + *out.Owner.ID)}, "InvalidRequest"},
		{"no owner", policy(func(p *types.AccessControlPolicy) { p.Owner = nil }), "MalformedACLError"},
		{"other owner", policy(func(p *types.AccessControlPolicy) { p.Owner = &types.Owner{ID: aws.String("x")} }), "AccessDenied"},
		{"no grantee", policy(func(p *types.AccessControlPolicy) { p.Grants[0].Grantee = nil }), "MalformedACLError"},
		{"stranger", sdk.PutBucketAclInput{GrantRead: aws.String("id=x")}, "InvalidArgument"},
		{"no group", sdk.PutBucketAclInput{GrantRead: aws.String("uri=x")}, "InvalidArgument"},
		{"mail", sdk.PutBucketAclInput{GrantRead: aws.String("emailAddress=a@example.com")}, "UnresolvableGrantByEmailAddress"},
		{"no form", sdk.PutBucketAclInput{GrantRead: aws.String("x")}, "InvalidArgument"},
	} {
		equal(t, c.name, put(c.in), c.want)
	}
	equal(t, "kept", read(), "CanonicalUser:READ")
	_, err = w.PutBucketOwnershipControls(w.ctx, &sdk.PutBucketOwnershipControlsInput{Bucket: aws.String("bkt"),
		OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced}}}})
	wantCode(t, err, "InvalidBucketAclWithObjectOwnership")
}

func TestObjectACL(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	bkt, k := aws.String("bkt"), aws.String("k")
	put := func(acl types.ObjectCannedACL) string {
		_, err := w.PutObject(w.ctx, &sdk.PutObjectInput{Bucket: bkt, Key: k, ACL: acl, Body: strings.NewReader("x")})
		return code(err)
	}
	read := func(key string) string {
		out, err := w.GetObjectAcl(w.ctx, &sdk.GetObjectAclInput{Bucket: bkt, Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		return shown(out.Grants)
	}
	const mine = "CanonicalUser:FULL_CONTROL"
	equal(t, "to the owner", put(types.ObjectCannedACLBucketOwnerFullControl), "")
	equal(t, "switched off", put(types.ObjectCannedACLPublicRead), "AccessControlListNotSupported")
	w.listsAllowed("bkt")
	equal(t, "public", put(types.ObjectCannedACLPublicRead), "")
	equal(t, "public", read("k"), mine+" AllUsers:READ")
	_, err := w.CopyObject(w.ctx, &sdk.CopyObjectInput{Bucket: bkt, Key: aws.String("copy"), CopySource: aws.String("bkt/k")})
	wantCode(t, err, "")
	equal(t, "a copy", read("copy"), mine)
	_, err = w.PutObjectAcl(w.ctx, &sdk.PutObjectAclInput{Bucket: bkt, Key: k, ACL: types.ObjectCannedACLPrivate})
	wantCode(t, err, "")
	equal(t, "private", read("k"), mine)
	id, err := w.CreateMultipartUpload(w.ctx, &sdk.CreateMultipartUploadInput{Bucket: bkt, Key: k, ACL: types.ObjectCannedACLAuthenticatedRead})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.complete("bkt", "k", id.UploadId, w.part("bkt", "k", id.UploadId, 1, "x"))
	wantCode(t, err, "")
	equal(t, "in parts", read("k"), mine+" AuthenticatedUsers:READ")
	_, err = w.PutObjectAcl(w.ctx, &sdk.PutObjectAclInput{Bucket: bkt, Key: aws.String("none"), ACL: types.ObjectCannedACLPrivate})
	wantCode(t, err, "NoSuchKey")
}
