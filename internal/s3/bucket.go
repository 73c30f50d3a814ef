package s3

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// bucket is the stored document. Names are unique in the installation.
type bucket struct {
	Name    string
	Account string
	Region  string
	Created time.Time

	Versioning        types.BucketVersioningStatus
	Tags              []types.Tag
	Policy            string
	PublicAccessBlock *types.PublicAccessBlockConfiguration
	Ownership         *types.OwnershipControls
	Encryption        *types.ServerSideEncryptionConfiguration // nil: S3's default
	Lifecycle         []types.LifecycleRule
	MinimumTransition types.TransitionDefaultMinimumObjectSize
	CORS              []types.CORSRule
	Logging           *types.LoggingEnabled
	Grants            []types.Grant // nil: all for the owner
	EventBridge       bool
	Topics            []types.TopicConfiguration
	Queues            []types.QueueConfiguration
	Functions         []types.LambdaFunctionConfiguration
}

// buckets: NAME.
const buckets = store.Table[bucket]("s3.bucket")

func bucketARN(name string) string { return "arn:aws:s3:::" + name }

// bucket reads a bucket for an operation that names it.
func (s *Service) bucket(ctx context.Context, r store.Reader, name, expectedOwner *string) (*bucket, error) {
	b, err := get(buckets, r, aws.ToString(name))
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, fail("NoSuchBucket", "BucketName", aws.ToString(name))
	}
	if (expectedOwner != nil && *expectedOwner != b.Account) || b.Account != account(ctx) {
		return nil, fail("AccessDenied")
	}
	return b, nil
}

// viewBucket reads a bucket in a snapshot of its own.
func (s *Service) viewBucket(ctx context.Context, name, expectedOwner *string) (b *bucket, err error) {
	err = s.engine.View(ctx, func(r store.Reader) error {
		b, err = s.bucket(ctx, r, name, expectedOwner)
		return err
	})
	return b, err
}

// changeBucket is the transition of a bucket's configuration.
func (s *Service) changeBucket(ctx context.Context, name, expectedOwner *string, change func(*engine.Tx, *bucket) error) error {
	return s.engine.Update(ctx, func(tx *engine.Tx) error {
		b, err := s.bucket(ctx, tx, name, expectedOwner)
		if err != nil {
			return err
		}
		if err := change(tx, b); err != nil {
			return err
		}
		return buckets.Put(tx, b, b.Name)
	})
}

// CreateBucket makes a bucket in the request's region: private, owned by the
// caller's account, with S3's defaults of today (no ACLs, public access blocked).
func (s *Service) CreateBucket(ctx context.Context, in *s3.CreateBucketInput, _ ...func(*s3.Options)) (*s3.CreateBucketOutput, error) {
	name := aws.ToString(in.Bucket)
	if err := checkBucketName(name); err != nil {
		return nil, err
	}
	if err := checkCreate(in); err != nil {
		return nil, err
	}
	region, err := location(identity.Region(ctx), in.CreateBucketConfiguration)
	if err != nil {
		return nil, err
	}
	b := &bucket{
		Name: name, Account: account(ctx), Region: region, Created: s.engine.Now(),
		PublicAccessBlock: &types.PublicAccessBlockConfiguration{
			BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(true),
			IgnorePublicAcls: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true),
		},
		Ownership: ownership(in.ObjectOwnership),
	}
	if b.Grants, _, err = b.grants(string(in.ACL), in); err != nil {
		if b.enforced() {
			err = fail("InvalidBucketAclWithObjectOwnership")
		}
		return nil, err
	}
	if c := in.CreateBucketConfiguration; c != nil && len(c.Tags) > 0 {
		if err := checkTags(c.Tags, maxBucketTags); err != nil {
			return nil, err
		}
		b.Tags = c.Tags
	}
	uerr := s.engine.Update(ctx, func(tx *engine.Tx) error {
		old, err := get(buckets, tx, name)
		switch {
		case err != nil:
			return err
		case old == nil:
			return buckets.Put(tx, b, name)
		case old.Account != b.Account:
			return fail("BucketAlreadyExists", "BucketName", name)
		case old.Region == "us-east-1" && region == "us-east-1":
			return nil // the oldest region says 200 to its owner
		default:
			return fail("BucketAlreadyOwnedByYou", "BucketName", name)
		}
	})
	if uerr != nil {
		return nil, uerr
	}
	return &s3.CreateBucketOutput{Location: aws.String("/" + name), BucketArn: aws.String(bucketARN(name))}, nil
}

func checkCreate(in *s3.CreateBucketInput) error {
	if aws.ToBool(in.ObjectLockEnabledForBucket) {
		return notImplemented("Object Lock")
	}
	if in.BucketNamespace != "" && in.BucketNamespace != types.BucketNamespaceGlobal {
		return notImplemented("Bucket namespace " + string(in.BucketNamespace))
	}
	if c := in.CreateBucketConfiguration; c != nil && (c.Bucket != nil || c.Location != nil) {
		return notImplemented("Directory buckets")
	}
	return nil
}

// location decides the region of a new bucket as regional endpoints do.
func location(endpoint string, c *types.CreateBucketConfiguration) (string, error) {
	want := ""
	if c != nil {
		want = string(c.LocationConstraint)
	}
	if want == string(types.BucketLocationConstraintEu) {
		want = "eu-west-1"
	}
	switch {
	case want == "us-east-1": // is named by leaving it out
		return "", fail("InvalidLocationConstraint", "LocationConstraint", want)
	case want == "" && endpoint == "us-east-1":
		return endpoint, nil
	case want == "":
		return "", say("IllegalLocationConstraintException", "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case want != endpoint && endpoint != "us-east-1":
		return "", say("IllegalLocationConstraintException", "The "+want+" location constraint is incompatible for the region specific endpoint this request was sent to.")
	}
	return want, nil
}

// DeleteBucket removes an empty bucket; uploads in progress are abandoned.
func (s *Service) DeleteBucket(ctx context.Context, in *s3.DeleteBucketInput, _ ...func(*s3.Options)) (*s3.DeleteBucketOutput, error) {
	err := s.engine.Update(ctx, func(tx *engine.Tx) error {
		b, err := s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		for _, table := range []store.Table[object]{objects, versions} {
			for _, err := range tx.Scan(store.Range{Prefix: store.Prefix(string(table), b.Name), Limit: 1}) {
				if err != nil {
					return err
				}
				message := failures["BucketNotEmpty"].message
				if b.Versioning != "" {
					message += ". You must delete all versions in the bucket."
				}
				return say("BucketNotEmpty", message, "BucketName", b.Name)
			}
		}
		if err := s.abandonUploads(tx, b.Name); err != nil {
			return err
		}
		if err := tx.Cancel(jobLifecycle, b.Name); err != nil {
			return err
		}
		return buckets.Delete(tx, b.Name)
	})
	if err != nil {
		return nil, err
	}
	return &s3.DeleteBucketOutput{}, nil
}

// HeadBucket tells whether the bucket exists, and where.
func (s *Service) HeadBucket(ctx context.Context, in *s3.HeadBucketInput, _ ...func(*s3.Options)) (*s3.HeadBucketOutput, error) {
	b, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3.HeadBucketOutput{BucketRegion: &b.Region, BucketArn: aws.String(bucketARN(b.Name)), AccessPointAlias: aws.Bool(false)}, nil
}

// GetBucketLocation answers the constraint, which us-east-1 does not have.
func (s *Service) GetBucketLocation(ctx context.Context, in *s3.GetBucketLocationInput, _ ...func(*s3.Options)) (*s3.GetBucketLocationOutput, error) {
	b, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	out := &s3.GetBucketLocationOutput{}
	if b.Region != "us-east-1" {
		out.LocationConstraint = types.BucketLocationConstraint(b.Region)
	}
	return out, nil
}

// ListBuckets lists the caller's buckets of all regions by name.
func (s *Service) ListBuckets(ctx context.Context, in *s3.ListBucketsInput, _ ...func(*s3.Options)) (*s3.ListBucketsOutput, error) {
	prefix, region := aws.ToString(in.Prefix), aws.ToString(in.BucketRegion)
	limit := int(aws.ToInt32(in.MaxBuckets))
	if in.MaxBuckets != nil && (limit < 1 || limit > 10000) {
		return nil, invalid("max-buckets", itoa(limit), "Argument max-buckets must be an integer between 1 and 10000")
	}
	scope := strings.Join([]string{"s3.ListBuckets", prefix, region}, "\x00")
	rg := store.Range{Prefix: store.Prefix(string(buckets)) + prefix}
	if in.ContinuationToken != nil {
		start, ok := wire.DecodeToken(scope, *in.ContinuationToken)
		if !ok {
			return nil, invalid("continuation-token", *in.ContinuationToken, "The continuation token provided is incorrect")
		}
		rg.Start = buckets.Key(start)
	}
	out := &s3.ListBucketsOutput{Owner: owner(account(ctx)), Prefix: in.Prefix, Buckets: []types.Bucket{}}
	err := s.engine.View(ctx, func(r store.Reader) error {
		for b, err := range buckets.Scan(r, rg) {
			if err != nil {
				return err
			}
			if b.Account != account(ctx) || (region != "" && b.Region != region) {
				continue
			}
			if limit > 0 && len(out.Buckets) == limit {
				out.ContinuationToken = aws.String(wire.EncodeToken(scope, b.Name))
				return nil
			}
			item := types.Bucket{Name: &b.Name, CreationDate: aws.Time(b.Created.Truncate(time.Second)), BucketArn: aws.String(bucketARN(b.Name))}
			if in.MaxBuckets != nil || in.Prefix != nil || in.BucketRegion != nil || in.ContinuationToken != nil {
				item.BucketRegion = &b.Region // only answered to paginated requests
			}
			out.Buckets = append(out.Buckets, item)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
