package codebuild

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// CreateProject makes a project. The service role must be one that CodeBuild
// may assume.
func (s *Service) CreateProject(ctx context.Context, in *codebuild.CreateProjectInput, _ ...func(*codebuild.Options)) (*codebuild.CreateProjectOutput, error) {
	region, now := identity.Region(ctx), s.Engine.Now()
	name := aws.ToString(in.Name)
	if !projectName.MatchString(name) {
		return nil, invalid("Project name %q is invalid. Only alphanumeric characters, dash, and underscore are supported", name)
	}
	p := &project{Project: types.Project{
		Arn: aws.String(s.projectARN(region, name)), Name: in.Name, Created: aws.Time(now), LastModified: aws.Time(now),
		Description: in.Description, Source: in.Source, SecondarySources: in.SecondarySources, SourceVersion: in.SourceVersion,
		SecondarySourceVersions: in.SecondarySourceVersions, Artifacts: in.Artifacts, SecondaryArtifacts: in.SecondaryArtifacts,
		Cache: in.Cache, Environment: in.Environment, ServiceRole: aws.String(s.roleARN(aws.ToString(in.ServiceRole))),
		TimeoutInMinutes: in.TimeoutInMinutes, QueuedTimeoutInMinutes: in.QueuedTimeoutInMinutes, EncryptionKey: in.EncryptionKey,
		Tags: in.Tags, VpcConfig: in.VpcConfig, LogsConfig: in.LogsConfig, FileSystemLocations: in.FileSystemLocations,
		BuildBatchConfig: in.BuildBatchConfig, ConcurrentBuildLimit: in.ConcurrentBuildLimit, AutoRetryLimit: in.AutoRetryLimit,
		Badge: &types.ProjectBadge{BadgeEnabled: aws.ToBool(in.BadgeEnabled)}, ProjectVisibility: types.ProjectVisibilityTypePrivate,
	}}
	s.complete(region, p)
	s.badge(region, p)
	if err := s.check(p); err != nil {
		return nil, err
	}
	if err := s.checkRole(ctx, region, *p.ServiceRole); err != nil {
		return nil, err
	}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if old, err := get(projects, tx, region, name); err != nil {
			return err
		} else if old != nil {
			return &types.ResourceAlreadyExistsException{Message: aws.String("Project already exists: " + *p.Arn)}
		}
		if err := checkAuth(tx, region, p); err != nil {
			return err
		}
		return projects.Put(tx, p, region, name)
	})
	if err != nil {
		return nil, err
	}
	s.warm(p)
	return &codebuild.CreateProjectOutput{Project: &p.Project}, nil
}

// UpdateProject changes the members that are given, each as a whole.
func (s *Service) UpdateProject(ctx context.Context, in *codebuild.UpdateProjectInput, _ ...func(*codebuild.Options)) (*codebuild.UpdateProjectOutput, error) {
	region, name := identity.Region(ctx), nameOf(in.Name)
	if in.ServiceRole != nil {
		if err := s.checkRole(ctx, region, s.roleARN(*in.ServiceRole)); err != nil {
			return nil, err
		}
	}
	var p *project
	err := s.Engine.Update(ctx, func(tx *engine.Tx) (err error) {
		if p, err = s.project(tx, region, name); err != nil {
			return err
		}
		s.patch(p, in)
		p.LastModified = aws.Time(tx.Now())
		s.complete(region, p)
		s.badge(region, p)
		if err := s.check(p); err != nil {
			return err
		}
		if err := checkAuth(tx, region, p); err != nil {
			return err
		}
		return projects.Put(tx, p, region, name)
	})
	if err != nil {
		return nil, err
	}
	s.warm(p)
	return &codebuild.UpdateProjectOutput{Project: &p.Project}, nil
}

func (s *Service) patch(p *project, in *codebuild.UpdateProjectInput) {
	set(&p.Description, in.Description)
	set(&p.Source, in.Source)
	set(&p.SourceVersion, in.SourceVersion)
	set(&p.Artifacts, in.Artifacts)
	set(&p.Cache, in.Cache)
	set(&p.Environment, in.Environment)
	set(&p.TimeoutInMinutes, in.TimeoutInMinutes)
	set(&p.QueuedTimeoutInMinutes, in.QueuedTimeoutInMinutes)
	set(&p.EncryptionKey, in.EncryptionKey)
	set(&p.VpcConfig, in.VpcConfig)
	set(&p.LogsConfig, in.LogsConfig)
	set(&p.BuildBatchConfig, in.BuildBatchConfig)
	set(&p.ConcurrentBuildLimit, in.ConcurrentBuildLimit)
	set(&p.AutoRetryLimit, in.AutoRetryLimit)
	if in.ServiceRole != nil {
		p.ServiceRole = aws.String(s.roleARN(*in.ServiceRole))
	}
	if in.BadgeEnabled != nil {
		p.Badge = &types.ProjectBadge{BadgeEnabled: *in.BadgeEnabled}
	}
	if in.Tags != nil {
		p.Tags = in.Tags
	}
	if in.SecondarySources != nil {
		p.SecondarySources = in.SecondarySources
	}
	if in.SecondarySourceVersions != nil {
		p.SecondarySourceVersions = in.SecondarySourceVersions
	}
	if in.SecondaryArtifacts != nil {
		p.SecondaryArtifacts = in.SecondaryArtifacts
	}
	if in.FileSystemLocations != nil {
		p.FileSystemLocations = in.FileSystemLocations
	}
	// -1 takes the limit away.
	if aws.ToInt32(p.ConcurrentBuildLimit) == -1 {
		p.ConcurrentBuildLimit = nil
	}
}

func set[T any](to **T, given *T) {
	if given != nil {
		*to = given
	}
}

// DeleteProject forgets a project, which need not exist, with its webhook and
// its policy; its builds stay.
func (s *Service) DeleteProject(ctx context.Context, in *codebuild.DeleteProjectInput, _ ...func(*codebuild.Options)) (*codebuild.DeleteProjectOutput, error) {
	region, name := identity.Region(ctx), nameOf(in.Name)
	if !projectName.MatchString(name) {
		return &codebuild.DeleteProjectOutput{}, nil // there is none
	}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if err := policies.Delete(tx, region, "project/"+name); err != nil {
			return err
		}
		return projects.Delete(tx, region, name)
	})
	if err != nil {
		return nil, err
	}
	s.dropCaches(region, name, "")
	return &codebuild.DeleteProjectOutput{}, nil
}

// warm has containers wait for a project's builds.
func (s *Service) warm(p *project) {
	if warmable(p.Environment) {
		s.pool.want(s.classOf(p.Environment))
	}
}

// BatchGetProjects returns the projects that exist and the names of the others.
func (s *Service) BatchGetProjects(ctx context.Context, in *codebuild.BatchGetProjectsInput, _ ...func(*codebuild.Options)) (*codebuild.BatchGetProjectsOutput, error) {
	out := &codebuild.BatchGetProjectsOutput{Projects: []types.Project{}, ProjectsNotFound: []string{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		for _, name := range in.Names {
			p, err := get(projects, r, identity.Region(ctx), nameOf(&name))
			if err != nil {
				return err
			}
			if p == nil {
				out.ProjectsNotFound = append(out.ProjectsNotFound, name)
				continue
			}
			out.Projects = append(out.Projects, p.Project)
		}
		return nil
	})
	return out, err
}

// ListProjects lists names, 100 a page.
func (s *Service) ListProjects(ctx context.Context, in *codebuild.ListProjectsInput, _ ...func(*codebuild.Options)) (*codebuild.ListProjectsOutput, error) {
	region := identity.Region(ctx)
	l := listing{scope: "ListProjects " + region, by: string(in.SortBy), order: in.SortOrder, token: in.NextToken, size: pageSize}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		for p, err := range projects.All(r, region) {
			if err != nil {
				return err
			}
			l.add(*p.Name, *p.Name, p.Created, p.LastModified)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	names, next, err := l.page()
	return &codebuild.ListProjectsOutput{Projects: names, NextToken: next}, err
}

// InvalidateProjectCache makes the next build start without a cache.
func (s *Service) InvalidateProjectCache(ctx context.Context, in *codebuild.InvalidateProjectCacheInput, _ ...func(*codebuild.Options)) (*codebuild.InvalidateProjectCacheOutput, error) {
	region, name := identity.Region(ctx), nameOf(in.ProjectName)
	version := id.UUID(s.IDs)
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := s.project(tx, region, name)
		if err != nil {
			return err
		}
		p.CacheVersion = version
		return projects.Put(tx, p, region, name)
	})
	if err != nil {
		return nil, err
	}
	s.dropCaches(region, name, version)
	return &codebuild.InvalidateProjectCacheOutput{}, nil
}

// project returns a project or ResourceNotFoundException.
func (s *Service) project(r store.Reader, region, name string) (*project, error) {
	p, err := get(projects, r, region, name)
	if err == nil && p == nil {
		err = notFound("Project cannot be found: %s", s.projectARN(region, name))
	}
	return p, err
}

// minutes is a duration of the API.
func minutes(n *int32) time.Duration { return time.Duration(aws.ToInt32(n)) * time.Minute }
