package codebuild

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// reportGroups hold no reports yet: a buildspec's section reports fails the
// build by name.
const reportGroups store.Table[types.ReportGroup] = "codebuild.reportgroup" // region, name

func (s *Service) reportGroupARN(region, name string) string {
	return arn.New("codebuild", region, s.Site.Account, "report-group/"+name)
}

// reportGroupName is the name in a report group's ARN, "" if it is not one.
func reportGroupName(groupARN string) string {
	name, _ := strings.CutPrefix(resourceOf(groupARN), "report-group/")
	if name == groupARN {
		return ""
	}
	return name
}

// reportGroup returns a group or ResourceNotFoundException.
func (s *Service) reportGroup(r store.Reader, region, name string) (*types.ReportGroup, error) {
	g, err := get(reportGroups, r, region, name)
	if err == nil && g == nil {
		err = notFound("Report group does not exist: %s", s.reportGroupARN(region, name))
	}
	return g, err
}

// CreateReportGroup makes a group. Errors: InvalidInputException,
// ResourceAlreadyExistsException.
func (s *Service) CreateReportGroup(ctx context.Context, in *codebuild.CreateReportGroupInput, _ ...func(*codebuild.Options)) (*codebuild.CreateReportGroupOutput, error) {
	region, name, now := identity.Region(ctx), aws.ToString(in.Name), s.Engine.Now()
	if strings.ContainsAny(name, "/:") {
		return nil, invalid("Invalid report group name: %s", name)
	}
	g := &types.ReportGroup{Arn: aws.String(s.reportGroupARN(region, name)), Name: in.Name, Type: in.Type, Tags: in.Tags,
		Created: &now, LastModified: &now, ExportConfig: in.ExportConfig, Status: types.ReportGroupStatusTypeActive}
	if err := s.checkReportGroup(region, g); err != nil {
		return nil, err
	}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if old, err := get(reportGroups, tx, region, name); err != nil {
			return err
		} else if old != nil {
			return &types.ResourceAlreadyExistsException{Message: aws.String("Report group already exists: " + *g.Arn)}
		}
		return reportGroups.Put(tx, g, region, name)
	})
	if err != nil {
		return nil, err
	}
	return &codebuild.CreateReportGroupOutput{ReportGroup: g}, nil
}

// checkReportGroup fills in defaults and refuses what AWS refuses.
func (s *Service) checkReportGroup(region string, g *types.ReportGroup) error {
	if g.Tags == nil {
		g.Tags = []types.Tag{}
	}
	e := g.ExportConfig
	switch d := e.S3Destination; {
	case e.ExportConfigType == types.ReportExportConfigTypeS3:
		if d == nil || aws.ToString(d.Bucket) == "" {
			return invalid("Invalid export config: s3Destination with a bucket is required for export type S3")
		}
		def(&d.EncryptionDisabled, false)
		def(&d.EncryptionKey, s.defaultKey(region))
		if d.Packaging == "" {
			d.Packaging = types.ReportPackagingTypeNone
		}
	case e.ExportConfigType == "":
		return invalid("Invalid export config: exportConfigType is required")
	case d != nil:
		return invalid("Invalid export config: s3Destination is allowed for export type S3 only")
	}
	return checkTags(g.Tags)
}

// UpdateReportGroup changes what is given, each member as a whole.
func (s *Service) UpdateReportGroup(ctx context.Context, in *codebuild.UpdateReportGroupInput, _ ...func(*codebuild.Options)) (*codebuild.UpdateReportGroupOutput, error) {
	region, name := identity.Region(ctx), reportGroupName(aws.ToString(in.Arn))
	var g *types.ReportGroup
	err := s.Engine.Update(ctx, func(tx *engine.Tx) (err error) {
		if g, err = s.reportGroup(tx, region, name); err != nil {
			return err
		}
		set(&g.ExportConfig, in.ExportConfig)
		if in.Tags != nil {
			g.Tags = in.Tags
		}
		if err := s.checkReportGroup(region, g); err != nil {
			return err
		}
		g.LastModified = aws.Time(tx.Now())
		return reportGroups.Put(tx, g, region, name)
	})
	if err != nil {
		return nil, err
	}
	return &codebuild.UpdateReportGroupOutput{ReportGroup: g}, nil
}

// DeleteReportGroup forgets a group, which need not exist.
func (s *Service) DeleteReportGroup(ctx context.Context, in *codebuild.DeleteReportGroupInput, _ ...func(*codebuild.Options)) (*codebuild.DeleteReportGroupOutput, error) {
	region, name := identity.Region(ctx), reportGroupName(aws.ToString(in.Arn))
	if name == "" {
		return nil, invalid("Invalid report group ARN: %s", aws.ToString(in.Arn))
	}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if err := policies.Delete(tx, region, "report-group/"+name); err != nil {
			return err
		}
		return reportGroups.Delete(tx, region, name)
	})
	if err != nil {
		return nil, err
	}
	return &codebuild.DeleteReportGroupOutput{}, nil
}

// BatchGetReportGroups returns the groups that exist and the ARNs of the others.
func (s *Service) BatchGetReportGroups(ctx context.Context, in *codebuild.BatchGetReportGroupsInput, _ ...func(*codebuild.Options)) (*codebuild.BatchGetReportGroupsOutput, error) {
	out := &codebuild.BatchGetReportGroupsOutput{ReportGroups: []types.ReportGroup{}, ReportGroupsNotFound: []string{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		for _, a := range in.ReportGroupArns {
			g, err := get(reportGroups, r, identity.Region(ctx), reportGroupName(a))
			if err != nil {
				return err
			}
			if g == nil {
				out.ReportGroupsNotFound = append(out.ReportGroupsNotFound, a)
				continue
			}
			out.ReportGroups = append(out.ReportGroups, *g)
		}
		return nil
	})
	return out, err
}

// ListReportGroups lists ARNs, by name unless it is told otherwise.
func (s *Service) ListReportGroups(ctx context.Context, in *codebuild.ListReportGroupsInput, _ ...func(*codebuild.Options)) (*codebuild.ListReportGroupsOutput, error) {
	region := identity.Region(ctx)
	l := listing{scope: "ListReportGroups " + region, by: string(in.SortBy), order: in.SortOrder, token: in.NextToken, size: pageSize}
	if n := aws.ToInt32(in.MaxResults); n > 0 && n < pageSize {
		l.size = int(n)
	}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		for g, err := range reportGroups.All(r, region) {
			if err != nil {
				return err
			}
			l.add(*g.Name, *g.Arn, g.Created, g.LastModified)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	items, next, err := l.page()
	return &codebuild.ListReportGroupsOutput{ReportGroups: items, NextToken: next}, err
}
