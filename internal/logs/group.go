package logs

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// group is a log group as it is kept.
type group struct {
	types.LogGroup
	ID     string
	Region string
	Tags   map[string]string
	// DataKeys encrypt the events since a KMS key was associated; the last is
	// used where the group has one now.
	DataKeys []dataKey `json:",omitempty"`
}

const groups store.Table[group] = "logs.group"

func getGroup(r store.Reader, region, name string) (*group, error) {
	g, err := groups.Get(r, region, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, noGroup()
	}
	return g, err
}

func (g *group) name() string { return aws.ToString(g.LogGroupName) }

func (g *group) put(tx store.Tx) error { return groups.Put(tx, g, g.Region, g.name()) }

// CreateLogGroup makes a group.
func (s *Service) CreateLogGroup(ctx context.Context, in *cloudwatchlogs.CreateLogGroupInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogGroupOutput, error) {
	name := aws.ToString(in.LogGroupName)
	switch {
	case strings.HasPrefix(name, "aws/"):
		return nil, invalidParameter("Log groups starting with AWS/ are reserved for AWS.")
	case in.LogGroupClass == types.LogGroupClassDelivery:
		return nil, invalidParameter("logGroupClass DELIVERY is not supported by Slipway.")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	region := identity.Region(ctx)
	k, err := s.newDataKey(ctx, in.KmsKeyId, s.groupARN(region, name))
	if err != nil {
		return nil, err
	}
	err = s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		switch _, err := groups.Get(tx, region, name); {
		case err == nil:
			return &types.ResourceAlreadyExistsException{Message: aws.String("The specified log group already exists")}
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		g := s.newGroup(region, name)
		g.DeletionProtectionEnabled = in.DeletionProtectionEnabled
		if in.LogGroupClass != "" {
			g.LogGroupClass = in.LogGroupClass
		}
		g.Tags = in.Tags
		if k != nil {
			g.KmsKeyId, g.DataKeys = in.KmsKeyId, []dataKey{*k}
		}
		return g.put(tx)
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.CreateLogGroupOutput{}, nil
}

func (s *Service) newGroup(region, name string) *group {
	plain := s.groupARN(region, name)
	return &group{
		ID:     id.Hex(s.cfg.IDs, 16),
		Region: region,
		LogGroup: types.LogGroup{
			LogGroupName:      aws.String(name),
			Arn:               aws.String(plain + ":*"),
			LogGroupArn:       aws.String(plain),
			CreationTime:      aws.Int64(s.cfg.Engine.Now().UnixMilli()),
			LogGroupClass:     types.LogGroupClassStandard,
			MetricFilterCount: aws.Int32(0),
		},
	}
}

// DeleteLogGroup takes the group out of sight; a job erases its streams.
func (s *Service) DeleteLogGroup(ctx context.Context, in *cloudwatchlogs.DeleteLogGroupInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DeleteLogGroupOutput, error) {
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		g, err := getGroup(tx, identity.Region(ctx), aws.ToString(in.LogGroupName))
		if err != nil {
			return err
		}
		if aws.ToBool(g.DeletionProtectionEnabled) {
			return &types.ValidationException{Message: aws.String("The log group has deletion protection enabled. Disable it to delete the log group.")}
		}
		return errors.Join(
			groups.Delete(tx, g.Region, g.name()),
			deleteMetricFilters(tx, g),
			tx.Cancel(retentionJob, g.ID),
			tx.Enqueue(engine.NewJob{Kind: eraseJob, ID: g.ID, Payload: erase{Group: g.ID}}))
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.DeleteLogGroupOutput{}, nil
}

// PutLogGroupDeletionProtection turns the protection on or off.
func (s *Service) PutLogGroupDeletionProtection(ctx context.Context, in *cloudwatchlogs.PutLogGroupDeletionProtectionInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutLogGroupDeletionProtectionOutput, error) {
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		g, err := s.identified(ctx, tx, aws.ToString(in.LogGroupIdentifier))
		if err != nil {
			return err
		}
		g.DeletionProtectionEnabled = in.DeletionProtectionEnabled
		return g.put(tx)
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.PutLogGroupDeletionProtectionOutput{}, nil
}

const describeLimit = 50

// DescribeLogGroups lists groups by name.
func (s *Service) DescribeLogGroups(ctx context.Context, in *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	prefix, pattern := aws.ToString(in.LogGroupNamePrefix), aws.ToString(in.LogGroupNamePattern)
	switch {
	case prefix != "" && pattern != "":
		return nil, invalidParameter("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	case aws.ToBool(in.IncludeLinkedAccounts) || len(in.AccountIdentifiers) > 0:
		return nil, invalidParameter("Cross-account observability (includeLinkedAccounts, accountIdentifiers) is not supported by Slipway.")
	case len(in.LogGroupIdentifiers) > 0 && (prefix != "" || pattern != "" || in.LogGroupClass != ""):
		return nil, invalidParameter("logGroupIdentifiers cannot be combined with other filters.")
	}
	out := &cloudwatchlogs.DescribeLogGroupsOutput{LogGroups: []types.LogGroup{}}
	show := func(r store.Reader, g *group) error {
		n, err := storedBytes(r, g.ID)
		g.StoredBytes = aws.Int64(n)
		if pattern != "" {
			g.LogGroup = types.LogGroup{Arn: g.Arn, CreationTime: g.CreationTime, LogGroupName: g.LogGroupName}
		}
		out.LogGroups = append(out.LogGroups, g.LogGroup)
		return err
	}
	if len(in.LogGroupIdentifiers) > 0 {
		return out, s.cfg.Engine.View(ctx, func(r store.Reader) error {
			for _, identifier := range in.LogGroupIdentifiers {
				g, err := s.identified(ctx, r, identifier)
				if err == nil {
					err = show(r, g)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	keep := func(g *group) bool {
		return strings.Contains(g.name(), pattern) && ofClass(g, in.LogGroupClass)
	}
	scope := store.Key("DescribeLogGroups", identity.Region(ctx), prefix, pattern, string(in.LogGroupClass))
	next, err := s.listGroups(ctx, scope, in.NextToken, prefix, intOr(in.Limit, describeLimit), keep, show)
	out.NextToken = next
	return out, err
}

// ListLogGroups is the short form, with a regular expression for the names.
func (s *Service) ListLogGroups(ctx context.Context, in *cloudwatchlogs.ListLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.ListLogGroupsOutput, error) {
	switch {
	case aws.ToBool(in.IncludeLinkedAccounts) || len(in.AccountIdentifiers) > 0:
		return nil, invalidParameter("Cross-account observability (includeLinkedAccounts, accountIdentifiers) is not supported by Slipway.")
	case len(in.DataSources) > 0 || len(in.FieldIndexNames) > 0 || len(in.LogGroupTags) > 0:
		return nil, invalidParameter("dataSources, fieldIndexNames and logGroupTags are not supported by Slipway.")
	}
	// The model allows names, ^ and | only. A dot stands for itself.
	pattern, err := regexp.Compile(strings.ReplaceAll(aws.ToString(in.LogGroupNamePattern), ".", `\.`))
	if err != nil {
		return nil, invalidParameter("The specified logGroupNamePattern is invalid.")
	}
	out := &cloudwatchlogs.ListLogGroupsOutput{LogGroups: []types.LogGroupSummary{}}
	keep := func(g *group) bool {
		return pattern.MatchString(g.name()) && ofClass(g, in.LogGroupClass)
	}
	scope := store.Key("ListLogGroups", identity.Region(ctx), pattern.String(), string(in.LogGroupClass))
	out.NextToken, err = s.listGroups(ctx, scope, in.NextToken, "", intOr(in.Limit, describeLimit), keep, func(_ store.Reader, g *group) error {
		out.LogGroups = append(out.LogGroups, types.LogGroupSummary{
			LogGroupArn: g.LogGroupArn, LogGroupClass: g.LogGroupClass, LogGroupName: g.LogGroupName})
		return nil
	})
	return out, err
}

// ofClass: asking for one of the cheaper classes gives both.
func ofClass(g *group, class types.LogGroupClass) bool {
	cheap := func(c types.LogGroupClass) bool {
		return c == types.LogGroupClassInfrequentAccess || c == types.LogGroupClassEssentials
	}
	return class == "" || g.LogGroupClass == class || cheap(class) && cheap(g.LogGroupClass)
}

// listGroups shows a page of the groups to keep and returns the next token.
func (s *Service) listGroups(ctx context.Context, scope string, token *string, prefix string, limit int, keep func(*group) bool, show func(store.Reader, *group) error) (next *string, err error) {
	rg := store.Range{Prefix: groups.Key(identity.Region(ctx), prefix)}
	if rg.Start, err = start(scope, token); err != nil {
		return nil, err
	}
	err = s.cfg.Engine.View(ctx, func(r store.Reader) error {
		n := 0
		for g, err := range groups.Scan(r, rg) {
			switch {
			case err != nil:
				return err
			case !keep(g):
			case n == limit:
				next = aws.String(wire.EncodeToken(scope, groups.Key(g.Region, g.name())))
				return nil
			default:
				n++
				if err := show(r, g); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return next, err
}

// start is the key at which a page begins.
func start(scope string, token *string) (string, error) {
	if token == nil {
		return "", nil
	}
	key, ok := wire.DecodeToken(scope, *token)
	if !ok {
		return "", badToken()
	}
	return key, nil
}

func badToken() error { return invalidParameter("The specified nextToken is invalid.") }

func intOr(p *int32, or int) int {
	if p == nil {
		return or
	}
	return int(*p)
}

func bytesKey(groupID string) string { return store.Key("logs.bytes", groupID) }

func storedBytes(r store.Reader, groupID string) (int64, error) {
	b, err := r.Get(bytesKey(groupID))
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(b), 10, 64)
}

func addBytes(tx store.Tx, groupID string, n int64) error {
	have, err := storedBytes(tx, groupID)
	if err != nil {
		return err
	}
	return tx.Put(bytesKey(groupID), strconv.AppendInt(nil, max(0, have+n), 10))
}
