package codedeploy

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

func (a *application) info() *types.ApplicationInfo {
	return &types.ApplicationInfo{
		ApplicationId: &a.ID, ApplicationName: &a.Name, ComputePlatform: a.Platform, CreateTime: &a.Created,
	}
}

// unusedName makes sure that no application has the name.
func unusedName(r store.Reader, region, name string) error {
	_, err := applications.Get(r, region, name)
	switch {
	case err == nil:
		return &types.ApplicationAlreadyExistsException{Message: text("Application with name: %s already exists", name)}
	case errors.Is(err, store.ErrNotFound):
		return nil
	}
	return err
}

// CreateApplication makes an application of a platform, Server unless told
// otherwise.
//
// Errors: ApplicationNameRequiredException, InvalidApplicationNameException,
// ApplicationAlreadyExistsException, ApplicationLimitExceededException,
// InvalidComputePlatformException, InvalidTagsToAddException.
func (s *Service) CreateApplication(ctx context.Context, in *codedeploy.CreateApplicationInput, _ ...func(*codedeploy.Options)) (*codedeploy.CreateApplicationOutput, error) {
	region := identity.Region(ctx)
	if err := checkApplicationName(in.ApplicationName); err != nil {
		return nil, err
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	a := &application{ID: id.UUID(s.IDs), Name: *in.ApplicationName, Platform: platform(in.ComputePlatform), Created: s.Engine.Now(), Tags: tags}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if err := unusedName(tx, region, a.Name); err != nil {
			return err
		}
		n, err := count(tx, applications, region)
		if err != nil {
			return err
		}
		if n >= maxApplications {
			return &types.ApplicationLimitExceededException{Message: text("The limit of %d applications is reached.", maxApplications)}
		}
		return putApplication(tx, region, a)
	})
	if err != nil {
		return nil, err
	}
	return &codedeploy.CreateApplicationOutput{ApplicationId: &a.ID}, nil
}

func putApplication(tx *engine.Tx, region string, a *application) error {
	if err := names.Put(tx, &a.Name, region, a.ID); err != nil {
		return err
	}
	return applications.Put(tx, a, region, a.Name)
}

func platform(p types.ComputePlatform) types.ComputePlatform {
	if p == "" {
		return types.ComputePlatformServer
	}
	return p
}

// GetApplication shows an application.
//
// Errors: those of findApplication.
func (s *Service) GetApplication(ctx context.Context, in *codedeploy.GetApplicationInput, _ ...func(*codedeploy.Options)) (*codedeploy.GetApplicationOutput, error) {
	out := &codedeploy.GetApplicationOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		a, err := findApplication(r, identity.Region(ctx), in.ApplicationName)
		if err != nil {
			return err
		}
		out.Application = a.info()
		return nil
	})
	return out, err
}

// UpdateApplication renames an application; its id and its groups stay.
//
// Errors: those of findApplication, ApplicationAlreadyExistsException.
func (s *Service) UpdateApplication(ctx context.Context, in *codedeploy.UpdateApplicationInput, _ ...func(*codedeploy.Options)) (*codedeploy.UpdateApplicationOutput, error) {
	region := identity.Region(ctx)
	if err := checkApplicationName(in.NewApplicationName); err != nil {
		return nil, err
	}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		a, err := findApplication(tx, region, in.ApplicationName)
		if err != nil || a.Name == *in.NewApplicationName {
			return err
		}
		if err := unusedName(tx, region, *in.NewApplicationName); err != nil {
			return err
		}
		if err := applications.Delete(tx, region, a.Name); err != nil {
			return err
		}
		a.Name = *in.NewApplicationName
		return putApplication(tx, region, a)
	})
	return &codedeploy.UpdateApplicationOutput{}, err
}

// DeleteApplication deletes an application with its groups and revisions; its
// deployments can still be read. One that does not exist is no error.
//
// Errors: ApplicationNameRequiredException, InvalidApplicationNameException.
func (s *Service) DeleteApplication(ctx context.Context, in *codedeploy.DeleteApplicationInput, _ ...func(*codedeploy.Options)) (*codedeploy.DeleteApplicationOutput, error) {
	region := identity.Region(ctx)
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		a, err := findApplication(tx, region, in.ApplicationName)
		var missing *types.ApplicationDoesNotExistException
		if errors.As(err, &missing) {
			return nil
		}
		if err != nil {
			return err
		}
		var all []*group
		for g, err := range groups.All(tx, region, a.ID) {
			if err != nil {
				return err
			}
			all = append(all, g)
		}
		for _, g := range all {
			if err := s.abandon(tx, region, g, failed(types.ErrorCodeApplicationMissing, "The deployment failed because its application %s was deleted.", a.Name)); err != nil {
				return err
			}
			if err := dropGroup(tx, region, a, g); err != nil {
				return err
			}
		}
		var known []string
		for v, err := range revisions.All(tx, region, a.ID) {
			if err != nil {
				return err
			}
			known = append(known, identityOf(&v.Location))
		}
		for _, v := range known {
			if err := revisions.Delete(tx, region, a.ID, v); err != nil {
				return err
			}
		}
		return applications.Delete(tx, region, a.Name)
	})
	return &codedeploy.DeleteApplicationOutput{}, err
}

// ListApplications lists names.
//
// Errors: InvalidNextTokenException.
func (s *Service) ListApplications(ctx context.Context, in *codedeploy.ListApplicationsInput, _ ...func(*codedeploy.Options)) (*codedeploy.ListApplicationsOutput, error) {
	region := identity.Region(ctx)
	names, next, err := list(ctx, s, applications, "ListApplications/"+region, in.NextToken, func(a *application) string { return a.Name }, region)
	return &codedeploy.ListApplicationsOutput{Applications: names, NextToken: next}, err
}

// BatchGetApplications shows up to 100 applications, all of which must exist.
//
// Errors: those of findApplication, BatchLimitExceededException.
func (s *Service) BatchGetApplications(ctx context.Context, in *codedeploy.BatchGetApplicationsInput, _ ...func(*codedeploy.Options)) (*codedeploy.BatchGetApplicationsOutput, error) {
	if err := checkBatch(len(in.ApplicationNames)); err != nil {
		return nil, err
	}
	if len(in.ApplicationNames) == 0 {
		return nil, checkApplicationName(nil)
	}
	out := &codedeploy.BatchGetApplicationsOutput{ApplicationsInfo: []types.ApplicationInfo{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		for _, name := range in.ApplicationNames {
			a, err := findApplication(r, identity.Region(ctx), aws.String(name))
			if err != nil {
				return err
			}
			out.ApplicationsInfo = append(out.ApplicationsInfo, *a.info())
		}
		return nil
	})
	return out, err
}

func checkBatch(n int) error {
	if n > 100 {
		return &types.BatchLimitExceededException{Message: text("The maximum number of names or IDs allowed for this request (100) was exceeded.")}
	}
	return nil
}
