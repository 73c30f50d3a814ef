package codecommit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	"github.com/aws/aws-sdk-go-v2/service/codecommit/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// template is an approval rule template. Rules come from it when pull requests
// are made, and there are none yet.
type template struct {
	types.ApprovalRuleTemplate
	Region string
}

func (t *template) id() string   { return aws.ToString(t.ApprovalRuleTemplateId) }
func (t *template) name() string { return aws.ToString(t.ApprovalRuleTemplateName) }

const templates store.Table[template] = "codecommit.template" // region, name

// maxTemplates is AWS's limit for an account and region.
const maxTemplates = 1000

// checkRule judges the content of an approval rule of a template (user guide,
// "Create an approval rule template").
func checkRule(content string) error {
	bad := func(why string) error {
		return fail("InvalidApprovalRuleTemplateContent", "The content of the approval rule template is not valid: %s", why)
	}
	var rule struct {
		Version               string
		DestinationReferences []string
		Statements            []struct {
			Type                    string
			NumberOfApprovalsNeeded *int
			ApprovalPoolMembers     []string
		}
	}
	d := json.NewDecoder(bytes.NewReader([]byte(content)))
	d.DisallowUnknownFields()
	if err := d.Decode(&rule); err != nil {
		return bad(strings.TrimPrefix(err.Error(), "json: "))
	}
	if rule.Version != "2018-11-08" {
		return bad("the Version must be 2018-11-08")
	}
	for _, ref := range rule.DestinationReferences {
		if !strings.HasPrefix(ref, heads) {
			return bad("DestinationReferences are full names such as refs/heads/main")
		}
	}
	if len(rule.Statements) != 1 {
		return bad("there must be one statement")
	}
	for _, st := range rule.Statements {
		switch {
		case st.Type != "Approvers":
			return bad("the Type of a statement must be Approvers")
		case st.NumberOfApprovalsNeeded == nil || *st.NumberOfApprovalsNeeded < 1:
			return bad("NumberOfApprovalsNeeded must be at least 1")
		case len(st.ApprovalPoolMembers) > 50:
			return bad("an approval pool has at most 50 members")
		}
	}
	return nil
}

// templateNamed reads a template or answers that there is none.
func templateNamed(r store.Reader, region string, name *string) (*template, error) {
	t, err := templates.Get(r, region, aws.ToString(name))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fail("ApprovalRuleTemplateDoesNotExist", "The approval rule template %s does not exist", aws.ToString(name))
	}
	return t, err
}

func newTemplate(r store.Reader, region string, name *string) error {
	switch _, err := templates.Get(r, region, aws.ToString(name)); {
	case err == nil:
		return fail("ApprovalRuleTemplateNameAlreadyExists", "An approval rule template named %s exists already", aws.ToString(name))
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	return nil
}

// write fills in what follows from a change and keeps the template.
func (s *Service) write(ctx context.Context, tx *engine.Tx, t *template) error {
	now := s.Engine.Now()
	sum := sha256.Sum256([]byte(aws.ToString(t.ApprovalRuleTemplateContent)))
	t.RuleContentSha256 = aws.String(hex.EncodeToString(sum[:]))
	t.LastModifiedDate, t.LastModifiedUser = &now, aws.String(identity.From(ctx).ARN)
	return templates.Put(tx, t, t.Region, t.name())
}

// CreateApprovalRuleTemplate makes a template that no repository has yet.
func (s *Service) CreateApprovalRuleTemplate(ctx context.Context, in *codecommit.CreateApprovalRuleTemplateInput, _ ...func(*codecommit.Options)) (*codecommit.CreateApprovalRuleTemplateOutput, error) {
	if err := checkRule(aws.ToString(in.ApprovalRuleTemplateContent)); err != nil {
		return nil, err
	}
	now := s.Engine.Now()
	t := &template{Region: identity.Region(ctx), ApprovalRuleTemplate: types.ApprovalRuleTemplate{
		ApprovalRuleTemplateId: aws.String(id.UUID(s.IDs)), ApprovalRuleTemplateName: in.ApprovalRuleTemplateName,
		ApprovalRuleTemplateContent: in.ApprovalRuleTemplateContent, ApprovalRuleTemplateDescription: in.ApprovalRuleTemplateDescription,
		CreationDate: &now,
	}}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if err := newTemplate(tx, t.Region, in.ApprovalRuleTemplateName); err != nil {
			return err
		}
		n := 1
		for _, err := range templates.All(tx, t.Region) {
			if err != nil {
				return err
			}
			n++
		}
		if n > maxTemplates {
			return fail("NumberOfRuleTemplatesExceeded", "There may be at most %d approval rule templates in a region.", maxTemplates)
		}
		if err := s.write(ctx, tx, t); err != nil {
			return err
		}
		return s.announceTemplate(ctx, tx, t, "approvalRuleTemplateCreated", nil)
	})
	if err != nil {
		return nil, err
	}
	return &codecommit.CreateApprovalRuleTemplateOutput{ApprovalRuleTemplate: &t.ApprovalRuleTemplate}, nil
}

// GetApprovalRuleTemplate describes a template.
func (s *Service) GetApprovalRuleTemplate(ctx context.Context, in *codecommit.GetApprovalRuleTemplateInput, _ ...func(*codecommit.Options)) (*codecommit.GetApprovalRuleTemplateOutput, error) {
	out := &codecommit.GetApprovalRuleTemplateOutput{}
	return out, s.Engine.View(ctx, func(r store.Reader) error {
		t, err := templateNamed(r, identity.Region(ctx), in.ApprovalRuleTemplateName)
		if err != nil {
			return err
		}
		out.ApprovalRuleTemplate = &t.ApprovalRuleTemplate
		return nil
	})
}

// ListApprovalRuleTemplates lists names in order.
func (s *Service) ListApprovalRuleTemplates(ctx context.Context, in *codecommit.ListApprovalRuleTemplatesInput, _ ...func(*codecommit.Options)) (*codecommit.ListApprovalRuleTemplatesOutput, error) {
	region := identity.Region(ctx)
	out := &codecommit.ListApprovalRuleTemplatesOutput{}
	rq, err := listed("codecommit.ListApprovalRuleTemplates/"+region, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	err = s.Engine.View(ctx, func(r store.Reader) (err error) {
		out.ApprovalRuleTemplateNames, out.NextToken, err = page.Of(r, templates, rq,
			func(t *template) (string, bool, error) { return t.name(), true, nil }, region)
		return err
	})
	return out, badToken(err)
}

// listed is the request for a page of at most 1,000 names.
func listed(scope string, most *int32, token *string) (page.Request, error) {
	if most != nil && *most < 1 {
		return page.Request{}, fail("InvalidMaxResults", "maxResults must be at least 1.")
	}
	return page.Request{Scope: scope, Token: token, Max: page.Limit(most, 1000)}, nil
}

func badToken(err error) error {
	if errors.Is(err, page.ErrToken) {
		return fail("InvalidContinuationToken", "The specified continuation token is not valid.")
	}
	return err
}

// changeTemplate reads, changes and writes a template in one transaction.
func (s *Service) changeTemplate(ctx context.Context, name *string, f func(*engine.Tx, *template) error) (*types.ApprovalRuleTemplate, error) {
	var t *template
	err := s.Engine.Update(ctx, func(tx *engine.Tx) (err error) {
		if t, err = templateNamed(tx, identity.Region(ctx), name); err != nil {
			return err
		}
		if err := f(tx, t); err != nil {
			return err
		}
		if err := s.write(ctx, tx, t); err != nil {
			return err
		}
		return s.announceTemplate(ctx, tx, t, "approvalRuleTemplateUpdated", nil)
	})
	if err != nil {
		return nil, err
	}
	return &t.ApprovalRuleTemplate, nil
}

// UpdateApprovalRuleTemplateContent replaces the rule, if it still is the one
// the caller saw.
func (s *Service) UpdateApprovalRuleTemplateContent(ctx context.Context, in *codecommit.UpdateApprovalRuleTemplateContentInput, _ ...func(*codecommit.Options)) (*codecommit.UpdateApprovalRuleTemplateContentOutput, error) {
	if err := checkRule(aws.ToString(in.NewRuleContent)); err != nil {
		return nil, err
	}
	t, err := s.changeTemplate(ctx, in.ApprovalRuleTemplateName, func(_ *engine.Tx, t *template) error {
		if in.ExistingRuleContentSha256 != nil && *in.ExistingRuleContentSha256 != aws.ToString(t.RuleContentSha256) {
			return fail("InvalidRuleContentSha256", "The content of the approval rule template has another hash: %s", aws.ToString(t.RuleContentSha256))
		}
		t.ApprovalRuleTemplateContent = in.NewRuleContent
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &codecommit.UpdateApprovalRuleTemplateContentOutput{ApprovalRuleTemplate: t}, nil
}

// UpdateApprovalRuleTemplateDescription replaces the description.
func (s *Service) UpdateApprovalRuleTemplateDescription(ctx context.Context, in *codecommit.UpdateApprovalRuleTemplateDescriptionInput, _ ...func(*codecommit.Options)) (*codecommit.UpdateApprovalRuleTemplateDescriptionOutput, error) {
	t, err := s.changeTemplate(ctx, in.ApprovalRuleTemplateName, func(_ *engine.Tx, t *template) error {
		t.ApprovalRuleTemplateDescription = in.ApprovalRuleTemplateDescription
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &codecommit.UpdateApprovalRuleTemplateDescriptionOutput{ApprovalRuleTemplate: t}, nil
}

// UpdateApprovalRuleTemplateName renames; repositories stay associated.
func (s *Service) UpdateApprovalRuleTemplateName(ctx context.Context, in *codecommit.UpdateApprovalRuleTemplateNameInput, _ ...func(*codecommit.Options)) (*codecommit.UpdateApprovalRuleTemplateNameOutput, error) {
	t, err := s.changeTemplate(ctx, in.OldApprovalRuleTemplateName, func(tx *engine.Tx, t *template) error {
		if aws.ToString(in.NewApprovalRuleTemplateName) == t.name() {
			return nil
		}
		if err := newTemplate(tx, t.Region, in.NewApprovalRuleTemplateName); err != nil {
			return err
		}
		if err := templates.Delete(tx, t.Region, t.name()); err != nil {
			return err
		}
		t.ApprovalRuleTemplateName = in.NewApprovalRuleTemplateName
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &codecommit.UpdateApprovalRuleTemplateNameOutput{ApprovalRuleTemplate: t}, nil
}

// DeleteApprovalRuleTemplate removes a template that no repository has.
func (s *Service) DeleteApprovalRuleTemplate(ctx context.Context, in *codecommit.DeleteApprovalRuleTemplateInput, _ ...func(*codecommit.Options)) (*codecommit.DeleteApprovalRuleTemplateOutput, error) {
	out := &codecommit.DeleteApprovalRuleTemplateOutput{}
	return out, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		t, err := templateNamed(tx, identity.Region(ctx), in.ApprovalRuleTemplateName)
		if err != nil {
			return err
		}
		for _, err := range associations.All(tx, t.id()) {
			if err != nil {
				return err
			}
			return fail("ApprovalRuleTemplateInUse", "The approval rule template %s is associated with repositories; disassociate it first.", t.name())
		}
		out.ApprovalRuleTemplateId = t.ApprovalRuleTemplateId
		if err := templates.Delete(tx, t.Region, t.name()); err != nil {
			return err
		}
		return s.announceTemplate(ctx, tx, t, "approvalRuleTemplateDeleted", nil)
	})
}
