package codedeploy

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// mostDescription is the length limit of descriptions, in characters.
const mostDescription = 256

func checkDescription(d *string) error {
	if len([]rune(aws.ToString(d))) > mostDescription {
		return &types.DescriptionTooLongException{Message: text("The description has more than %d characters.", mostDescription)}
	}
	return nil
}

// RegisterApplicationRevision makes a revision known; a second time changes its
// description only.
//
// Errors: those of findApplication and checkRevision,
// DescriptionTooLongException.
func (s *Service) RegisterApplicationRevision(ctx context.Context, in *codedeploy.RegisterApplicationRevisionInput, _ ...func(*codedeploy.Options)) (*codedeploy.RegisterApplicationRevisionOutput, error) {
	region := identity.Region(ctx)
	if err := checkDescription(in.Description); err != nil {
		return nil, err
	}
	return &codedeploy.RegisterApplicationRevisionOutput{}, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		a, err := findApplication(tx, region, in.ApplicationName)
		if err != nil {
			return err
		}
		if err := checkRevision(in.Revision, a.Platform, true); err != nil {
			return err
		}
		_, err = register(tx, region, a.ID, in.Revision, in.Description, false)
		return err
	})
}

// GetApplicationRevision shows a revision, with its content if that is what it
// is; the hash is enough to find it.
//
// Errors: those of findApplication and checkRevision,
// RevisionDoesNotExistException.
func (s *Service) GetApplicationRevision(ctx context.Context, in *codedeploy.GetApplicationRevisionInput, _ ...func(*codedeploy.Options)) (*codedeploy.GetApplicationRevisionOutput, error) {
	out := &codedeploy.GetApplicationRevisionOutput{ApplicationName: in.ApplicationName}
	return out, s.Engine.View(ctx, func(r store.Reader) error {
		a, err := findApplication(r, identity.Region(ctx), in.ApplicationName)
		if err != nil {
			return err
		}
		v, err := getRevision(r, identity.Region(ctx), a, in.Revision)
		if err != nil {
			return err
		}
		used, err := deployedTo(r, identity.Region(ctx), a)
		if err != nil {
			return err
		}
		v.Info.DeploymentGroups = used[identityOf(&v.Location)]
		out.Revision, out.RevisionInfo = v.whole(), &v.Info
		return nil
	})
}

func getRevision(r store.Reader, region string, a *application, l *types.RevisionLocation) (*revision, error) {
	if err := checkRevision(l, a.Platform, false); err != nil {
		return nil, err
	}
	v, err := revisions.Get(r, region, a.ID, identityOf(l))
	if errors.Is(err, store.ErrNotFound) {
		return nil, &types.RevisionDoesNotExistException{Message: text("The revision could not be found in the application %s.", a.Name)}
	}
	return v, err
}

// BatchGetApplicationRevisions shows up to 25 revisions; those that are not
// known are left out, and the error message says so.
//
// Errors: those of findApplication and checkRevision,
// BatchLimitExceededException.
func (s *Service) BatchGetApplicationRevisions(ctx context.Context, in *codedeploy.BatchGetApplicationRevisionsInput, _ ...func(*codedeploy.Options)) (*codedeploy.BatchGetApplicationRevisionsOutput, error) {
	if err := checkSmallBatch(len(in.Revisions)); err != nil {
		return nil, err
	}
	if len(in.Revisions) == 0 {
		return nil, checkRevision(nil, "", false)
	}
	out := &codedeploy.BatchGetApplicationRevisionsOutput{ApplicationName: in.ApplicationName, Revisions: []types.RevisionInfo{}}
	return out, s.Engine.View(ctx, func(r store.Reader) error {
		a, err := findApplication(r, identity.Region(ctx), in.ApplicationName)
		if err != nil {
			return err
		}
		used, err := deployedTo(r, identity.Region(ctx), a)
		if err != nil {
			return err
		}
		for i := range in.Revisions {
			v, err := getRevision(r, identity.Region(ctx), a, &in.Revisions[i])
			var missing *types.RevisionDoesNotExistException
			if errors.As(err, &missing) {
				out.ErrorMessage = missing.Message
				continue
			}
			if err != nil {
				return err
			}
			v.Info.DeploymentGroups = used[identityOf(&v.Location)]
			out.Revisions = append(out.Revisions, types.RevisionInfo{RevisionLocation: v.whole(), GenericRevisionInfo: &v.Info})
		}
		return nil
	})
}

// checkSmallBatch is checkBatch for lists of up to 25.
func checkSmallBatch(n int) error {
	if n > 25 {
		return &types.BatchLimitExceededException{Message: text("The maximum number of names or IDs allowed for this request (25) was exceeded.")}
	}
	return nil
}

// ListApplicationRevisions lists where revisions are, in the order of their
// registration unless told otherwise.
//
// Errors: those of findApplication, InvalidSortByException,
// InvalidSortOrderException, BucketNameFilterRequiredException,
// InvalidDeployedStateFilterException, InvalidNextTokenException.
func (s *Service) ListApplicationRevisions(ctx context.Context, in *codedeploy.ListApplicationRevisionsInput, _ ...func(*codedeploy.Options)) (*codedeploy.ListApplicationRevisionsOutput, error) {
	region := identity.Region(ctx)
	if aws.ToString(in.S3KeyPrefix) != "" && aws.ToString(in.S3Bucket) == "" {
		return nil, &types.BucketNameFilterRequiredException{Message: text("A bucket name is required, but was not provided.")}
	}
	scope := strings.Join([]string{"ListApplicationRevisions", region, aws.ToString(in.ApplicationName), string(in.SortBy), string(in.SortOrder),
		aws.ToString(in.S3Bucket), aws.ToString(in.S3KeyPrefix), string(in.Deployed)}, "/")
	from, err := position(scope, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &codedeploy.ListApplicationRevisionsOutput{Revisions: []types.RevisionLocation{}}
	var all []*revision
	err = s.Engine.View(ctx, func(r store.Reader) error {
		a, err := findApplication(r, region, in.ApplicationName)
		if err != nil {
			return err
		}
		used, err := deployedTo(r, region, a)
		if err != nil {
			return err
		}
		for v, err := range revisions.All(r, region, a.ID) {
			if err != nil {
				return err
			}
			target := len(used[identityOf(&v.Location)]) > 0
			if v.in(in.S3Bucket, in.S3KeyPrefix) && !(in.Deployed == types.ListStateFilterActionInclude && !target) && !(in.Deployed == types.ListStateFilterActionExclude && target) {
				all = append(all, v)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b *revision) int {
		if in.SortOrder == types.SortOrderDescending {
			a, b = b, a
		}
		return cmp.Or(a.sortTime(in.SortBy).Compare(b.sortTime(in.SortBy)), cmp.Compare(identityOf(&a.Location), identityOf(&b.Location)))
	})
	for i := from; i < len(all); i++ {
		if i == from+pageSize {
			out.NextToken = aws.String(wire.EncodeToken(scope, strconv.Itoa(i)))
			break
		}
		out.Revisions = append(out.Revisions, all[i].Location)
	}
	return out, nil
}

func (v *revision) in(bucket, prefix *string) bool {
	if aws.ToString(bucket) == "" {
		return true
	}
	o := v.Location.S3Location
	return o != nil && aws.ToString(o.Bucket) == *bucket && strings.HasPrefix(aws.ToString(o.Key), aws.ToString(prefix))
}

func (v *revision) sortTime(by types.ApplicationRevisionSortBy) time.Time {
	switch by {
	case types.ApplicationRevisionSortByFirstUsedTime:
		return aws.ToTime(v.Info.FirstUsedTime)
	case types.ApplicationRevisionSortByLastUsedTime:
		return aws.ToTime(v.Info.LastUsedTime)
	}
	return aws.ToTime(v.Info.RegisterTime)
}
