package ecr

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/slipway-dev/slipway/internal/engine"
)

// validPolicy tells whether a text is a policy that a repository may have:
// every statement tells effect, principal and actions of ECR.
func validPolicy(text string) bool {
	var document struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(text), &document) != nil {
		return false
	}
	list := document.Statement
	if bytes.HasPrefix(list, []byte("{")) { // one may stand without brackets
		list = slices.Concat([]byte("["), list, []byte("]"))
	}
	var statements []struct {
		Effect                  string
		Principal, NotPrincipal json.RawMessage
		Action, NotAction       json.RawMessage
	}
	if json.Unmarshal(list, &statements) != nil || len(statements) == 0 {
		return false
	}
	for _, st := range statements {
		actions := st.Action
		if actions == nil {
			actions = st.NotAction
		}
		var several []string
		if json.Unmarshal(actions, &several) != nil {
			several = make([]string, 1)
			if json.Unmarshal(actions, &several[0]) != nil {
				return false
			}
		}
		foreign := func(a string) bool { return a != "*" && !strings.HasPrefix(strings.ToLower(a), "ecr:") }
		if st.Effect != "Allow" && st.Effect != "Deny" || st.Principal == nil && st.NotPrincipal == nil ||
			len(several) == 0 || slices.ContainsFunc(several, foreign) {
			return false
		}
	}
	return true
}

// SetRepositoryPolicy stores a repository's policy as it was given.
func (s *Service) SetRepositoryPolicy(ctx context.Context, in *ecr.SetRepositoryPolicyInput, _ ...func(*ecr.Options)) (*ecr.SetRepositoryPolicyOutput, error) {
	if !validPolicy(aws.ToString(in.PolicyText)) {
		return nil, fail("InvalidParameter", "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'")
	}
	err := s.change(ctx, in.RegistryId, in.RepositoryName, func(_ *engine.Tx, repo *repository) error {
		repo.Policy = *in.PolicyText
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecr.SetRepositoryPolicyOutput{RegistryId: aws.String(s.Site.Account), RepositoryName: in.RepositoryName, PolicyText: in.PolicyText}, nil
}

func (s *Service) noPolicy(repo *repository) error {
	return fail("RepositoryPolicyNotFound", "Repository policy does not exist for the repository with name '%s' in the registry with id '%s'", repo.name(), s.Site.Account)
}

// GetRepositoryPolicy returns a repository's policy.
func (s *Service) GetRepositoryPolicy(ctx context.Context, in *ecr.GetRepositoryPolicyInput, _ ...func(*ecr.Options)) (*ecr.GetRepositoryPolicyOutput, error) {
	repo, err := s.find(ctx, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if repo.Policy == "" {
		return nil, s.noPolicy(repo)
	}
	return &ecr.GetRepositoryPolicyOutput{RegistryId: aws.String(s.Site.Account), RepositoryName: in.RepositoryName, PolicyText: aws.String(repo.Policy)}, nil
}

// DeleteRepositoryPolicy removes a repository's policy.
func (s *Service) DeleteRepositoryPolicy(ctx context.Context, in *ecr.DeleteRepositoryPolicyInput, _ ...func(*ecr.Options)) (*ecr.DeleteRepositoryPolicyOutput, error) {
	out := &ecr.DeleteRepositoryPolicyOutput{RegistryId: aws.String(s.Site.Account), RepositoryName: in.RepositoryName}
	err := s.change(ctx, in.RegistryId, in.RepositoryName, func(_ *engine.Tx, repo *repository) error {
		if repo.Policy == "" {
			return s.noPolicy(repo)
		}
		out.PolicyText, repo.Policy = aws.String(repo.Policy), ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
