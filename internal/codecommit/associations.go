package codecommit

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	"github.com/aws/aws-sdk-go-v2/service/codecommit/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// associations of templates with repositories, by ids, as both may be renamed.
const associations store.Table[bool] = "codecommit.association" // template id, repository id

// maxAssociations is AWS's limit of templates of one repository.
const maxAssociations = 25

func associated(r store.Reader, t *template, repo *repository) (bool, error) {
	_, err := associations.Get(r, t.id(), repo.id())
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// associate adds an association; one that is there is no error.
func (s *Service) associate(tx *engine.Tx, t *template, name string) error {
	repo, err := named(tx, t.Region, &name)
	if err != nil {
		return err
	}
	if there, err := associated(tx, t, repo); there || err != nil {
		return err
	}
	n := 1
	for other, err := range templates.All(tx, t.Region) {
		if err != nil {
			return err
		}
		there, err := associated(tx, other, repo)
		if err != nil {
			return err
		}
		if there {
			n++
		}
	}
	if n > maxAssociations {
		return fail("MaximumRuleTemplatesAssociatedWithRepository", "A repository may have at most %d approval rule templates.", maxAssociations)
	}
	yes := true
	return associations.Put(tx, &yes, t.id(), repo.id())
}

func (s *Service) disassociate(tx *engine.Tx, t *template, name string) error {
	repo, err := named(tx, t.Region, &name)
	if err != nil {
		return err
	}
	return associations.Delete(tx, t.id(), repo.id())
}

// forgetAssociations is for a repository that is deleted.
func forgetAssociations(tx *engine.Tx, repo *repository) error {
	for t, err := range templates.All(tx, repo.Region) {
		if err != nil {
			return err
		}
		if err := associations.Delete(tx, t.id(), repo.id()); err != nil {
			return err
		}
	}
	return nil
}

// onOne changes one association and announces it.
func (s *Service) onOne(ctx context.Context, template, repo *string, change func(*engine.Tx, *template, string) error, event string) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		t, err := templateNamed(tx, identity.Region(ctx), template)
		if err != nil {
			return err
		}
		if err := change(tx, t, aws.ToString(repo)); err != nil {
			return err
		}
		return s.announceTemplate(ctx, tx, t, event, []string{aws.ToString(repo)})
	})
}

// AssociateApprovalRuleTemplateWithRepository gives a repository a template.
func (s *Service) AssociateApprovalRuleTemplateWithRepository(ctx context.Context, in *codecommit.AssociateApprovalRuleTemplateWithRepositoryInput, _ ...func(*codecommit.Options)) (*codecommit.AssociateApprovalRuleTemplateWithRepositoryOutput, error) {
	return &codecommit.AssociateApprovalRuleTemplateWithRepositoryOutput{},
		s.onOne(ctx, in.ApprovalRuleTemplateName, in.RepositoryName, s.associate, "approvalRuleTemplateAssociatedWithRepository")
}

// DisassociateApprovalRuleTemplateFromRepository takes a template away again.
func (s *Service) DisassociateApprovalRuleTemplateFromRepository(ctx context.Context, in *codecommit.DisassociateApprovalRuleTemplateFromRepositoryInput, _ ...func(*codecommit.Options)) (*codecommit.DisassociateApprovalRuleTemplateFromRepositoryOutput, error) {
	return &codecommit.DisassociateApprovalRuleTemplateFromRepositoryOutput{},
		s.onOne(ctx, in.ApprovalRuleTemplateName, in.RepositoryName, s.disassociate, "approvalRuleTemplateDisassociatedFromRepository")
}

// onMany changes associations with up to 100 repositories, each by itself.
func (s *Service) onMany(ctx context.Context, template *string, names []string, change func(*engine.Tx, *template, string) error, event string, failed func(name, code, message string)) (done []string, err error) {
	if len(names) > 100 {
		return nil, fail("MaximumRepositoryNamesExceeded", "At most 100 repository names are allowed, got %d.", len(names))
	}
	var refused map[string]*wire.Error
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		done, refused = []string{}, map[string]*wire.Error{}
		t, err := templateNamed(tx, identity.Region(ctx), template)
		if err != nil {
			return err
		}
		for _, name := range names {
			err := change(tx, t, name)
			var e *wire.Error
			switch {
			case err == nil:
				done = append(done, name)
			case errors.As(err, &e):
				refused[name] = e
			default:
				return err
			}
		}
		return s.announceTemplate(ctx, tx, t, event, done)
	})
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if e := refused[name]; e != nil {
			failed(name, e.Code, e.Message)
		}
	}
	return done, nil
}

// BatchAssociateApprovalRuleTemplateWithRepositories gives many repositories a
// template; those it cannot be given to are listed as errors.
func (s *Service) BatchAssociateApprovalRuleTemplateWithRepositories(ctx context.Context, in *codecommit.BatchAssociateApprovalRuleTemplateWithRepositoriesInput, _ ...func(*codecommit.Options)) (*codecommit.BatchAssociateApprovalRuleTemplateWithRepositoriesOutput, error) {
	out := &codecommit.BatchAssociateApprovalRuleTemplateWithRepositoriesOutput{Errors: []types.BatchAssociateApprovalRuleTemplateWithRepositoriesError{}}
	var err error
	out.AssociatedRepositoryNames, err = s.onMany(ctx, in.ApprovalRuleTemplateName, in.RepositoryNames, s.associate, "batchAssociateApprovalRuleTemplateWithRepositories",
		func(name, code, message string) {
			out.Errors = append(out.Errors, types.BatchAssociateApprovalRuleTemplateWithRepositoriesError{RepositoryName: &name, ErrorCode: &code, ErrorMessage: &message})
		})
	return out, err
}

// BatchDisassociateApprovalRuleTemplateFromRepositories takes a template away
// from many repositories.
func (s *Service) BatchDisassociateApprovalRuleTemplateFromRepositories(ctx context.Context, in *codecommit.BatchDisassociateApprovalRuleTemplateFromRepositoriesInput, _ ...func(*codecommit.Options)) (*codecommit.BatchDisassociateApprovalRuleTemplateFromRepositoriesOutput, error) {
	out := &codecommit.BatchDisassociateApprovalRuleTemplateFromRepositoriesOutput{Errors: []types.BatchDisassociateApprovalRuleTemplateFromRepositoriesError{}}
	var err error
	out.DisassociatedRepositoryNames, err = s.onMany(ctx, in.ApprovalRuleTemplateName, in.RepositoryNames, s.disassociate, "batchDisassociateApprovalRuleTemplateFromRepositories",
		func(name, code, message string) {
			out.Errors = append(out.Errors, types.BatchDisassociateApprovalRuleTemplateFromRepositoriesError{RepositoryName: &name, ErrorCode: &code, ErrorMessage: &message})
		})
	return out, err
}

// ListRepositoriesForApprovalRuleTemplate lists the repositories of a template.
func (s *Service) ListRepositoriesForApprovalRuleTemplate(ctx context.Context, in *codecommit.ListRepositoriesForApprovalRuleTemplateInput, _ ...func(*codecommit.Options)) (*codecommit.ListRepositoriesForApprovalRuleTemplateOutput, error) {
	out := &codecommit.ListRepositoriesForApprovalRuleTemplateOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		t, err := templateNamed(r, identity.Region(ctx), in.ApprovalRuleTemplateName)
		if err != nil {
			return err
		}
		rq, err := listed("codecommit.ListRepositoriesForApprovalRuleTemplate/"+t.id(), in.MaxResults, in.NextToken)
		if err != nil {
			return err
		}
		out.RepositoryNames, out.NextToken, err = page.Of(r, repositories, rq, func(repo *repository) (string, bool, error) {
			there, err := associated(r, t, repo)
			return repo.name(), there, err
		}, t.Region)
		return err
	})
	return out, badToken(err)
}

// ListAssociatedApprovalRuleTemplatesForRepository lists a repository's templates.
func (s *Service) ListAssociatedApprovalRuleTemplatesForRepository(ctx context.Context, in *codecommit.ListAssociatedApprovalRuleTemplatesForRepositoryInput, _ ...func(*codecommit.Options)) (*codecommit.ListAssociatedApprovalRuleTemplatesForRepositoryOutput, error) {
	out := &codecommit.ListAssociatedApprovalRuleTemplatesForRepositoryOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		repo, err := named(r, identity.Region(ctx), in.RepositoryName)
		if err != nil {
			return err
		}
		rq, err := listed("codecommit.ListAssociatedApprovalRuleTemplatesForRepository/"+repo.id(), in.MaxResults, in.NextToken)
		if err != nil {
			return err
		}
		out.ApprovalRuleTemplateNames, out.NextToken, err = page.Of(r, templates, rq, func(t *template) (string, bool, error) {
			there, err := associated(r, t, repo)
			return t.name(), there, err
		}, repo.Region)
		return err
	})
	return out, badToken(err)
}

// announceTemplate emits a "CodeCommit Approval Rule Template Change".
func (s *Service) announceTemplate(ctx context.Context, tx *engine.Tx, t *template, event string, repos []string) error {
	const form = "Mon Jan 02 15:04:05 UTC 2006" // of dates in CodeCommit's events
	ids := map[string]string{}
	for _, name := range repos {
		repo, err := named(tx, t.Region, &name)
		if err != nil {
			return err
		}
		ids[name] = repo.id()
	}
	body, err := json.Marshal(map[string]any{
		"event": event, "callerUserArn": identity.From(ctx).ARN, "approvalRuleTemplateId": t.id(), "approvalRuleTemplateName": t.name(),
		"approvalRuleTemplateContentSha256": aws.ToString(t.RuleContentSha256), "repositories": ids,
		"creationDate": t.CreationDate.Format(form), "lastModifiedDate": t.LastModifiedDate.Format(form),
	})
	if err != nil {
		return err
	}
	return s.Bus.Emit(tx, bus.Event{
		DetailType: "CodeCommit Approval Rule Template Change", Source: "aws.codecommit",
		Account: s.Site.Account, Region: t.Region, Resources: []string{}, Detail: body,
	})
}
