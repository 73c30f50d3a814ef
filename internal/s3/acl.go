package s3

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// Lists of access (ACLs) are kept and shown. Nobody gets in by them: requests
// without a signature are refused, and the account's own callers are judged by
// their policies.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html

const (
	groupAll           = "http://acs.amazonaws.com/groups/global/AllUsers"
	groupAuthenticated = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
	groupLogDelivery   = "http://acs.amazonaws.com/groups/s3/LogDelivery"

	maxGrants = 100
)

// cannedGrants are what the predefined lists give beside the owner's control.
var cannedGrants = map[string][]types.Grant{
	"private":                   nil,
	"public-read":               {toGroup(groupAll, types.PermissionRead)},
	"public-read-write":         {toGroup(groupAll, types.PermissionRead), toGroup(groupAll, types.PermissionWrite)},
	"authenticated-read":        {toGroup(groupAuthenticated, types.PermissionRead)},
	"log-delivery-write":        {toGroup(groupLogDelivery, types.PermissionWrite), toGroup(groupLogDelivery, types.PermissionReadAcp)},
	"bucket-owner-read":         nil, // the owner of objects is the bucket's: there
	"bucket-owner-full-control": nil, // is one account
}

func toGroup(uri string, p types.Permission) types.Grant {
	return types.Grant{Grantee: &types.Grantee{Type: types.TypeGroup, URI: &uri}, Permission: p}
}

// ownersControl is the list of a bucket or an object that nobody gave one.
func ownersControl(b *bucket) []types.Grant {
	return []types.Grant{{
		Grantee:    &types.Grantee{Type: types.TypeCanonicalUser, ID: owner(b.Account).ID},
		Permission: types.PermissionFullControl,
	}}
}

// orOwners is the list to show for a stored one, which is nil for the usual.
func orOwners(b *bucket, stored []types.Grant) []types.Grant {
	if stored == nil {
		return ownersControl(b)
	}
	return stored
}

// grants reads the list of access that a request gives in one of three forms:
// a predefined list, headers, a document. in is an input of the SDK's. The list
// is nil if it is the usual one, which may be asked for even where lists are
// switched off; given tells whether the request has one.
func (b *bucket) grants(canned string, in any) (list []types.Grant, given bool, err error) {
	var r struct {
		AccessControlPolicy                                                  *types.AccessControlPolicy
		GrantFullControl, GrantRead, GrantReadACP, GrantWrite, GrantWriteACP *string
	}
	copyFields(&r, in)
	var fromHeaders []types.Grant
	for _, h := range []struct {
		text       *string
		permission types.Permission
	}{
		{r.GrantFullControl, types.PermissionFullControl}, {r.GrantRead, types.PermissionRead}, {r.GrantReadACP, types.PermissionReadAcp},
		{r.GrantWrite, types.PermissionWrite}, {r.GrantWriteACP, types.PermissionWriteAcp},
	} {
		if fromHeaders, err = readGrants(fromHeaders, h.text, h.permission); err != nil {
			return nil, true, err
		}
	}
	forms := 0
	for _, is := range []bool{canned != "", fromHeaders != nil, r.AccessControlPolicy != nil} {
		if is {
			forms++
		}
	}
	switch {
	case forms == 0:
		return nil, false, nil
	case forms > 1 && r.AccessControlPolicy != nil:
		return nil, true, say("UnexpectedContent", "This request does not support content")
	case forms > 1:
		return nil, true, say("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed")
	case canned != "":
		more, known := cannedGrants[canned]
		if !known {
			return nil, true, notImplemented("The canned ACL " + canned)
		}
		if len(more) > 0 {
			list = append(ownersControl(b), more...)
		}
	case fromHeaders != nil:
		list = fromHeaders
	default:
		p := r.AccessControlPolicy
		if p.Owner == nil {
			return nil, true, fail("MalformedACLError")
		}
		if aws.ToString(p.Owner.ID) != *owner(b.Account).ID {
			return nil, true, fail("AccessDenied")
		}
		list = append([]types.Grant{}, p.Grants...)
	}
	switch {
	case list == nil:
		return nil, true, nil
	case len(list) == 1 && list[0].Permission == types.PermissionFullControl && list[0].Grantee != nil && aws.ToString(list[0].Grantee.ID) == *owner(b.Account).ID:
		return nil, true, nil
	case b.enforced():
		return nil, true, fail("AccessControlListNotSupported")
	}
	return list, true, b.checkGrants(list)
}

// readGrants reads a header like `id="…", uri="…"`.
func readGrants(list []types.Grant, header *string, p types.Permission) ([]types.Grant, error) {
	if header == nil {
		return list, nil
	}
	for one := range strings.SplitSeq(*header, ",") {
		kind, value, _ := strings.Cut(strings.TrimSpace(one), "=")
		value = strings.Trim(value, `"`)
		g := types.Grantee{}
		switch strings.ToLower(kind) {
		case "id":
			g.Type, g.ID = types.TypeCanonicalUser, &value
		case "uri":
			g.Type, g.URI = types.TypeGroup, &value
		case "emailaddress":
			g.Type, g.EmailAddress = types.TypeAmazonCustomerByEmail, &value
		default:
			return nil, invalid("x-amz-grant-"+strings.ToLower(strings.ReplaceAll(string(p), "_", "-")), *header, "Argument format not recognized")
		}
		list = append(list, types.Grant{Grantee: &g, Permission: p})
	}
	return list, nil
}

// checkGrants refuses those whom S3 would not know, and what the bucket's
// settings do not allow.
func (b *bucket) checkGrants(list []types.Grant) error {
	if len(list) > maxGrants {
		return fail("MalformedACLError")
	}
	public := false
	for _, g := range list {
		if g.Grantee == nil || g.Permission == "" {
			return fail("MalformedACLError")
		}
		switch g.Grantee.Type {
		case types.TypeCanonicalUser:
			if id := aws.ToString(g.Grantee.ID); id != *owner(b.Account).ID {
				return invalid("CanonicalUser/ID", id, "Invalid id")
			}
		case types.TypeGroup:
			uri := aws.ToString(g.Grantee.URI)
			if !slices.Contains([]string{groupAll, groupAuthenticated, groupLogDelivery}, uri) {
				return invalid("Group/URI", uri, "Invalid group uri")
			}
			public = public || uri != groupLogDelivery
		case types.TypeAmazonCustomerByEmail:
			return fail("UnresolvableGrantByEmailAddress")
		default:
			return fail("MalformedACLError")
		}
	}
	if public && b.PublicAccessBlock != nil && aws.ToBool(b.PublicAccessBlock.BlockPublicAcls) {
		return say("AccessDenied", "The list of access is public, which the BlockPublicAcls setting in S3 Block Public Access prevents.")
	}
	return nil
}

// enforced tells that lists of access are switched off.
func (b *bucket) enforced() bool {
	return b.Ownership != nil && b.Ownership.Rules[0].ObjectOwnership == types.ObjectOwnershipBucketOwnerEnforced
}

// objectGrants are the grants of a request that writes an object.
func (b *bucket) objectGrants(canned types.ObjectCannedACL, in any) ([]types.Grant, error) {
	list, _, err := b.grants(string(canned), in)
	return list, err
}

// GetBucketAcl answers full control for the owner if nobody said otherwise.
func (s *Service) GetBucketAcl(ctx context.Context, in *s3.GetBucketAclInput, _ ...func(*s3.Options)) (*s3.GetBucketAclOutput, error) {
	b, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3.GetBucketAclOutput{Owner: owner(b.Account), Grants: orOwners(b, b.Grants)}, nil
}

// PutBucketAcl replaces the bucket's list of access, where lists are not
// switched off.
func (s *Service) PutBucketAcl(ctx context.Context, in *s3.PutBucketAclInput, _ ...func(*s3.Options)) (*s3.PutBucketAclOutput, error) {
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(_ *engine.Tx, b *bucket) error {
		if b.enforced() {
			return fail("AccessControlListNotSupported")
		}
		list, given, err := b.grants(string(in.ACL), in)
		if err == nil && !given {
			err = fail("MissingSecurityHeader", "MissingHeaderName", "x-amz-acl")
		}
		b.Grants = list
		return err
	})
	if err != nil {
		return nil, err
	}
	return &s3.PutBucketAclOutput{}, nil
}

// GetObjectAcl answers full control for the owner if nobody said otherwise.
func (s *Service) GetObjectAcl(ctx context.Context, in *s3.GetObjectAclInput, _ ...func(*s3.Options)) (*s3.GetObjectAclOutput, error) {
	out := &s3.GetObjectAclOutput{}
	err := s.engine.View(ctx, func(r store.Reader) error {
		b, o, _, err := s.lookup(ctx, r, in.Bucket, in.ExpectedBucketOwner, aws.ToString(in.Key), in.VersionId)
		if err != nil {
			return err
		}
		out.Owner, out.Grants = owner(b.Account), orOwners(b, o.Grants)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// PutObjectAcl replaces the list of access of a version.
func (s *Service) PutObjectAcl(ctx context.Context, in *s3.PutObjectAclInput, _ ...func(*s3.Options)) (*s3.PutObjectAclOutput, error) {
	err := s.engine.Update(ctx, func(tx *engine.Tx) error {
		b, o, current, err := s.lookup(ctx, tx, in.Bucket, in.ExpectedBucketOwner, aws.ToString(in.Key), in.VersionId)
		if err != nil {
			return err
		}
		list, given, err := b.grants(string(in.ACL), in)
		switch {
		case err != nil:
			return err
		case !given:
			return fail("MissingSecurityHeader", "MissingHeaderName", "x-amz-acl")
		}
		o.Grants = list
		return update(tx, b, o, current)
	})
	if err != nil {
		return nil, err
	}
	return &s3.PutObjectAclOutput{}, nil
}
