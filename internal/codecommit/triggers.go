package codecommit

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	"github.com/aws/aws-sdk-go-v2/service/codecommit/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/git"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// triggers of a repository. They are kept, not run: topics do not deliver and
// there are no functions yet, so TestRepositoryTriggers is not in the table of
// operations.
type triggers struct {
	ID   string // of the configuration
	List []types.RepositoryTrigger
}

const configurations store.Table[triggers] = "codecommit.triggers" // repository id

// Limits (user guide, "Quotas"); that of branches is not documented.
const (
	maxTriggers        = 10
	maxTriggerBranches = 10
	maxCustomData      = 1000
)

func checkTriggers(region string, list []types.RepositoryTrigger) error {
	if len(list) > maxTriggers {
		return fail("MaximumRepositoryTriggersExceeded", "A repository may have at most %d triggers, got %d.", maxTriggers, len(list))
	}
	names := map[string]bool{}
	for _, t := range list {
		if err := checkTrigger(region, t); err != nil {
			return err
		}
		if names[*t.Name] {
			return fail("InvalidRepositoryTriggerName", "The trigger name %s is used more than once.", *t.Name)
		}
		names[*t.Name] = true
	}
	return nil
}

func checkTrigger(region string, t types.RepositoryTrigger) error {
	name := aws.ToString(t.Name)
	switch {
	case name == "":
		return fail("RepositoryTriggerNameRequired", "A trigger needs a name.")
	case len(name) > 100 || strings.ContainsAny(name, " ,\t\r\n"):
		return fail("InvalidRepositoryTriggerName", "A trigger name has at most 100 characters, without spaces and commas: %q", name)
	case aws.ToString(t.DestinationArn) == "":
		return fail("RepositoryTriggerDestinationArnRequired", "The trigger %s needs a destination.", name)
	}
	a, ok := arn.Parse(*t.DestinationArn)
	switch {
	case !ok || a.Resource == "" || a.Service != "sns" && (a.Service != "lambda" || !strings.HasPrefix(a.Resource, "function:")):
		return fail("InvalidRepositoryTriggerDestinationArn", "The destination of the trigger %s must be the ARN of an SNS topic or of a Lambda function.", name)
	case a.Region != region:
		return fail("InvalidRepositoryTriggerRegion", "The destination of the trigger %s must be in the region %s, not %s.", name, region, a.Region)
	case len([]rune(aws.ToString(t.CustomData))) > maxCustomData:
		return fail("InvalidRepositoryTriggerCustomData", "The custom data of the trigger %s has more than %d characters.", name, maxCustomData)
	case t.Branches == nil:
		return fail("RepositoryTriggerBranchNameListRequired", "The trigger %s needs a list of branches; an empty one stands for all.", name)
	case len(t.Branches) > maxTriggerBranches:
		return fail("MaximumBranchesExceeded", "The trigger %s names more than %d branches.", name, maxTriggerBranches)
	case len(t.Events) == 0:
		return fail("RepositoryTriggerEventsListRequired", "The trigger %s needs events.", name)
	}
	for _, b := range t.Branches {
		if len(b) > 256 || !git.ValidBranch(b) {
			return fail("InvalidRepositoryTriggerBranchName", "The branch name %q of the trigger %s is not valid.", b, name)
		}
	}
	for i, e := range t.Events {
		if !slices.Contains(e.Values(), e) || slices.Contains(t.Events[:i], e) || e == types.RepositoryTriggerEventEnumAll && len(t.Events) > 1 {
			return fail("InvalidRepositoryTriggerEvents", "The events of the trigger %s must be %v, each at most once, and all by itself.", name, e.Values())
		}
	}
	return nil
}

// PutRepositoryTriggers replaces all triggers of a repository.
func (s *Service) PutRepositoryTriggers(ctx context.Context, in *codecommit.PutRepositoryTriggersInput, _ ...func(*codecommit.Options)) (*codecommit.PutRepositoryTriggersOutput, error) {
	if err := checkTriggers(identity.Region(ctx), in.Triggers); err != nil {
		return nil, err
	}
	c := &triggers{ID: id.UUID(s.IDs), List: in.Triggers}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		repo, err := named(tx, identity.Region(ctx), in.RepositoryName)
		if err != nil {
			return err
		}
		return configurations.Put(tx, c, repo.id())
	})
	if err != nil {
		return nil, err
	}
	return &codecommit.PutRepositoryTriggersOutput{ConfigurationId: aws.String(c.ID)}, nil
}

// GetRepositoryTriggers lists the triggers of a repository.
func (s *Service) GetRepositoryTriggers(ctx context.Context, in *codecommit.GetRepositoryTriggersInput, _ ...func(*codecommit.Options)) (*codecommit.GetRepositoryTriggersOutput, error) {
	out := &codecommit.GetRepositoryTriggersOutput{Triggers: []types.RepositoryTrigger{}}
	return out, s.Engine.View(ctx, func(r store.Reader) error {
		repo, err := named(r, identity.Region(ctx), in.RepositoryName)
		if err != nil {
			return err
		}
		c, err := configurations.Get(r, repo.id())
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		out.ConfigurationId, out.Triggers = aws.String(c.ID), c.List
		return nil
	})
}

// undelivered says in the log that a change of refs would have run triggers.
func (s *Service) undelivered(r store.Reader, repo *repository) error {
	c, err := configurations.Get(r, repo.id())
	if errors.Is(err, store.ErrNotFound) || err == nil && len(c.List) == 0 {
		return nil
	}
	if err == nil {
		s.Log.Warn("triggers are kept but not run: delivery is not implemented", "repository", repo.name(), "triggers", len(c.List))
	}
	return err
}
