package codebuild

import (
	"context"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

func (s *Service) projectARN(region, name string) string {
	return arn.New("codebuild", region, s.Site.Account, "project/"+name)
}

func (s *Service) buildARN(region, id string) string {
	return arn.New("codebuild", region, s.Site.Account, "build/"+id)
}

// roleARN also takes a role's name, as old clients give it.
func (s *Service) roleARN(role string) string {
	if strings.HasPrefix(role, "arn:") {
		return role
	}
	return arn.New("iam", "", s.Site.Account, "role/"+strings.TrimPrefix(role, "/"))
}

var (
	projectName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{1,149}$`)
	buildIDPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{1,149}:[0-9a-f-]{36}$`)
)

// resourceOf is what an ARN of CodeBuild's names, or the text itself.
func resourceOf(text string) string {
	if a, ok := arn.Parse(text); ok && a.Service == "codebuild" {
		return a.Resource
	}
	return text
}

// nameOf takes a project's name or ARN.
func nameOf(name *string) string {
	return strings.TrimPrefix(resourceOf(aws.ToString(name)), "project/")
}

// idOf takes a build's id or ARN.
func idOf(id string) string {
	return strings.TrimPrefix(resourceOf(id), "build/")
}

// CodeBuild authorizes everything by project, also what is done to builds.
func (s *Service) onProject(ctx context.Context, name *string) wire.Access {
	return wire.Access{Resource: s.projectARN(identity.Region(ctx), nameOf(name))}
}

func (s *Service) onProjects(ctx context.Context, names []string) []wire.Access {
	var out []wire.Access
	for _, n := range names {
		out = append(out, s.onProject(ctx, &n))
	}
	return out
}

func (s *Service) onBuild(ctx context.Context, id string) wire.Access {
	name, _, _ := strings.Cut(idOf(id), ":")
	return s.onProject(ctx, &name)
}

func (s *Service) onBuilds(ctx context.Context, ids []string) []wire.Access {
	seen := map[string]bool{}
	var out []wire.Access
	for _, id := range ids {
		a := s.onBuild(ctx, id)
		if !seen[a.Resource] {
			seen[a.Resource] = true
			out = append(out, a)
		}
	}
	return out
}
