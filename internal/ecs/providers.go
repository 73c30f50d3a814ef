package ecs

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// fargates are the capacity providers there are. All others are Auto Scaling
// groups or managed instances, which Slipway does not have: a provider of that
// kind would promise machines that nobody starts.
var fargates = []string{"FARGATE", "FARGATE_SPOT"}

// checkProviders checks a strategy against the providers of a cluster.
func checkProviders(associated []string, strategy []types.CapacityProviderStrategyItem) error {
	for _, n := range associated {
		if !slices.Contains(fargates, n) {
			return invalidParameter("The specified capacity provider %s was not found. Slipway has FARGATE and FARGATE_SPOT.", n)
		}
	}
	if len(strategy) > 20 {
		return invalidParameter("A capacity provider strategy can contain at most 20 items.")
	}
	bases, seen := 0, map[string]bool{}
	for _, item := range strategy {
		name := aws.ToString(item.CapacityProvider)
		if !slices.Contains(associated, name) {
			return invalidParameter("The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again.")
		}
		if seen[name] {
			return invalidParameter("The specified capacity provider strategy contains the capacity provider %s more than once.", name)
		}
		seen[name] = true
		if item.Base > 0 {
			bases++
		}
	}
	if bases > 1 {
		return invalidParameter("The specified capacity provider strategy can have only one capacity provider with a base defined.")
	}
	if len(strategy) > 1 && weightless(strategy) {
		return invalidParameter("At least one capacity provider in the strategy must have a weight greater than 0.")
	}
	return nil
}

func weightless(strategy []types.CapacityProviderStrategyItem) bool {
	return !slices.ContainsFunc(strategy, func(i types.CapacityProviderStrategyItem) bool { return i.Weight > 0 })
}

// pick tells which provider of a strategy the next task goes to: the base
// first, then whoever is the furthest below its share. have counts the tasks
// by provider.
func pick(strategy []types.CapacityProviderStrategyItem, have map[string]int) string {
	for _, item := range strategy {
		if name := aws.ToString(item.CapacityProvider); have[name] < int(item.Base) {
			return name
		}
	}
	best, least := aws.ToString(strategy[0].CapacityProvider), -1.0
	for _, item := range strategy {
		if item.Weight == 0 {
			continue
		}
		name := aws.ToString(item.CapacityProvider)
		share := float64(have[name]-int(item.Base)+1) / float64(item.Weight)
		if least < 0 || share < least {
			best, least = name, share
		}
	}
	return best
}

// PutClusterCapacityProviders replaces the providers and the default strategy.
func (s *Service) PutClusterCapacityProviders(ctx context.Context, in *ecs.PutClusterCapacityProvidersInput, _ ...func(*ecs.Options)) (*ecs.PutClusterCapacityProvidersOutput, error) {
	if err := checkProviders(in.CapacityProviders, in.DefaultCapacityProviderStrategy); err != nil {
		return nil, err
	}
	c, err := s.changeCluster(ctx, in.Cluster, func(tx *engine.Tx, c *cluster) error {
		used, err := usedProviders(tx, c)
		if err != nil {
			return err
		}
		for name := range used {
			if !slices.Contains(in.CapacityProviders, name) {
				return &types.ResourceInUseException{Message: aws.String("The specified capacity provider is in use and cannot be removed.")}
			}
		}
		c.CapacityProviders, c.DefaultCapacityProviderStrategy = in.CapacityProviders, in.DefaultCapacityProviderStrategy
		return nil
	})
	return &ecs.PutClusterCapacityProvidersOutput{Cluster: c}, err
}

// usedProviders are those of the cluster's services and tasks.
func usedProviders(r store.Reader, c *cluster) (map[string]bool, error) {
	used := map[string]bool{}
	for svc, err := range services.All(r, c.Region, c.name()) {
		if err != nil {
			return nil, err
		}
		for ro := range svc.rollouts() {
			for _, item := range ro.CapacityProviderStrategy {
				used[aws.ToString(item.CapacityProvider)] = true
			}
		}
	}
	running, err := liveTasks(r, c.Region, c.name())
	if err != nil {
		return nil, err
	}
	for _, t := range running {
		if name := aws.ToString(t.CapacityProviderName); name != "" {
			used[name] = true
		}
	}
	return used, nil
}

// DescribeCapacityProviders describes Fargate's two.
func (s *Service) DescribeCapacityProviders(ctx context.Context, in *ecs.DescribeCapacityProvidersInput, _ ...func(*ecs.Options)) (*ecs.DescribeCapacityProvidersOutput, error) {
	out := &ecs.DescribeCapacityProvidersOutput{CapacityProviders: []types.CapacityProvider{}, Failures: []types.Failure{}}
	names := in.CapacityProviders
	if len(names) == 0 {
		names = fargates
	}
	for _, n := range names {
		n = lastPart(n)
		a := s.arn(identity.Region(ctx), "capacity-provider/"+n)
		if !slices.Contains(fargates, n) {
			out.Failures = append(out.Failures, missing(a))
			continue
		}
		out.CapacityProviders = append(out.CapacityProviders, types.CapacityProvider{
			CapacityProviderArn: aws.String(a), Name: aws.String(n), Status: types.CapacityProviderStatusActive, Tags: []types.Tag{},
		})
	}
	return out, nil
}
