package ecs

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// CreateCluster makes a cluster, or returns the active one of that name.
func (s *Service) CreateCluster(ctx context.Context, in *ecs.CreateClusterInput, _ ...func(*ecs.Options)) (*ecs.CreateClusterOutput, error) {
	region, name := identity.Region(ctx), clusterName(in.ClusterName)
	if !nameForm.MatchString(name) {
		return nil, invalidParameter("The cluster name is not valid. It can have up to 255 letters, numbers, underscores and hyphens.")
	}
	if err := checkCluster(in.Configuration, in.ServiceConnectDefaults, in.Settings); err != nil {
		return nil, err
	}
	if err := checkProviders(in.CapacityProviders, in.DefaultCapacityProviderStrategy); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	var c *cluster
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		var err error
		c, err = clusters.Get(tx, region, name)
		if err == nil && aws.ToString(c.Status) == "ACTIVE" {
			return nil
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		c = &cluster{Region: region, Cluster: types.Cluster{
			ClusterArn: aws.String(s.arn(region, "cluster/"+name)), ClusterName: aws.String(name),
			Status: aws.String("ACTIVE"), Settings: clusterSettings(nil, in.Settings), Tags: in.Tags,
			CapacityProviders: in.CapacityProviders, DefaultCapacityProviderStrategy: in.DefaultCapacityProviderStrategy,
			Configuration: in.Configuration, ServiceConnectDefaults: connectDefaults(in.ServiceConnectDefaults),
		}}
		return clusters.Put(tx, c, region, name)
	})
	if err != nil {
		return nil, err
	}
	return &ecs.CreateClusterOutput{Cluster: c.answer(nil, 0, allClusterFields)}, nil
}

// allClusterFields is what the answers to changes show.
var allClusterFields = types.ClusterField("").Values()

// answer is the cluster as it is described: what include does not name is
// empty.
func (c *cluster) answer(running []*task, activeServices int32, include []types.ClusterField) *types.Cluster {
	out := c.Cluster
	out.ActiveServicesCount = activeServices
	for _, t := range running {
		switch {
		case t.isPending():
			out.PendingTasksCount++
		case t.isRunning():
			out.RunningTasksCount++
		}
	}
	out.Statistics = []types.KeyValuePair{}
	if out.CapacityProviders == nil {
		out.CapacityProviders = []string{}
	}
	if out.DefaultCapacityProviderStrategy == nil {
		out.DefaultCapacityProviderStrategy = []types.CapacityProviderStrategyItem{}
	}
	if !slices.Contains(include, types.ClusterFieldTags) {
		out.Tags = nil
	}
	out.Tags = tagList(out.Tags)
	if !slices.Contains(include, types.ClusterFieldSettings) {
		out.Settings = []types.ClusterSetting{}
	}
	if !slices.Contains(include, types.ClusterFieldConfigurations) {
		out.Configuration = nil
	}
	return &out
}

func (s *Service) describeCluster(r store.Reader, c *cluster, include []types.ClusterField) (*types.Cluster, error) {
	running, err := liveTasks(r, c.Region, c.name())
	if err != nil {
		return nil, err
	}
	active := int32(0)
	for svc, err := range services.All(r, c.Region, c.name()) {
		if err != nil {
			return nil, err
		}
		if aws.ToString(svc.Status) == "ACTIVE" {
			active++
		}
	}
	return c.answer(running, active, include), nil
}

// DescribeClusters describes up to 100; unknown ones are failures.
func (s *Service) DescribeClusters(ctx context.Context, in *ecs.DescribeClustersInput, _ ...func(*ecs.Options)) (*ecs.DescribeClustersOutput, error) {
	region := identity.Region(ctx)
	names := in.Clusters
	if len(names) == 0 {
		names = []string{"default"}
	}
	if len(names) > 100 {
		return nil, invalidParameter("Clusters cannot contain more than 100 items.")
	}
	out := &ecs.DescribeClustersOutput{Clusters: []types.Cluster{}, Failures: []types.Failure{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		for _, n := range names {
			name := clusterName(&n)
			c, err := clusters.Get(r, region, name)
			if errors.Is(err, store.ErrNotFound) {
				out.Failures = append(out.Failures, missing(s.arn(region, "cluster/"+name)))
				continue
			}
			if err != nil {
				return err
			}
			d, err := s.describeCluster(r, c, in.Include)
			if err != nil {
				return err
			}
			out.Clusters = append(out.Clusters, *d)
		}
		return nil
	})
	return out, err
}

func missing(arn string) types.Failure {
	return types.Failure{Arn: aws.String(arn), Reason: aws.String("MISSING")}
}

// ListClusters lists the active ones by name.
func (s *Service) ListClusters(ctx context.Context, in *ecs.ListClustersInput, _ ...func(*ecs.Options)) (*ecs.ListClustersOutput, error) {
	region := identity.Region(ctx)
	out := &ecs.ListClustersOutput{ClusterArns: []string{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		p, err := newPage("ListClusters\x00"+region, store.Prefix(string(clusters), region), in.NextToken, in.MaxResults, 100)
		if err != nil {
			return err
		}
		for c, err := range clusters.Scan(r, p.rng) {
			if err != nil {
				return err
			}
			if aws.ToString(c.Status) != "ACTIVE" {
				continue
			}
			if !p.take(clusters.Key(region, c.name())) {
				break
			}
			out.ClusterArns = append(out.ClusterArns, aws.ToString(c.ClusterArn))
		}
		out.NextToken = p.next
		return nil
	})
	return out, err
}

// changeCluster changes an active cluster.
func (s *Service) changeCluster(ctx context.Context, p *string, change func(*engine.Tx, *cluster) error) (out *types.Cluster, err error) {
	region := identity.Region(ctx)
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		c, err := activeCluster(tx, region, p)
		if err != nil {
			return err
		}
		if err := change(tx, c); err != nil {
			return err
		}
		if err := clusters.Put(tx, c, region, c.name()); err != nil {
			return err
		}
		out, err = s.describeCluster(tx, c, allClusterFields)
		return err
	})
	return out, err
}

// UpdateCluster changes settings and the configuration.
func (s *Service) UpdateCluster(ctx context.Context, in *ecs.UpdateClusterInput, _ ...func(*ecs.Options)) (*ecs.UpdateClusterOutput, error) {
	if err := checkCluster(in.Configuration, in.ServiceConnectDefaults, in.Settings); err != nil {
		return nil, err
	}
	c, err := s.changeCluster(ctx, in.Cluster, func(_ *engine.Tx, c *cluster) error {
		c.Settings = clusterSettings(c.Settings, in.Settings)
		if in.Configuration != nil {
			c.Configuration = in.Configuration
		}
		if in.ServiceConnectDefaults != nil {
			c.ServiceConnectDefaults = connectDefaults(in.ServiceConnectDefaults)
		}
		return nil
	})
	return &ecs.UpdateClusterOutput{Cluster: c}, err
}

// UpdateClusterSettings changes settings.
func (s *Service) UpdateClusterSettings(ctx context.Context, in *ecs.UpdateClusterSettingsInput, _ ...func(*ecs.Options)) (*ecs.UpdateClusterSettingsOutput, error) {
	if err := checkCluster(nil, nil, in.Settings); err != nil {
		return nil, err
	}
	c, err := s.changeCluster(ctx, in.Cluster, func(_ *engine.Tx, c *cluster) error {
		c.Settings = clusterSettings(c.Settings, in.Settings)
		return nil
	})
	return &ecs.UpdateClusterSettingsOutput{Cluster: c}, err
}

// DeleteCluster makes an empty cluster INACTIVE.
func (s *Service) DeleteCluster(ctx context.Context, in *ecs.DeleteClusterInput, _ ...func(*ecs.Options)) (*ecs.DeleteClusterOutput, error) {
	c, err := s.changeCluster(ctx, in.Cluster, func(tx *engine.Tx, c *cluster) error {
		for svc, err := range services.All(tx, c.Region, c.name()) {
			if err != nil {
				return err
			}
			if aws.ToString(svc.Status) != "INACTIVE" {
				return &types.ClusterContainsServicesException{Message: aws.String("The Cluster cannot be deleted while Services are active.")}
			}
		}
		running, err := liveTasks(tx, c.Region, c.name())
		if err != nil {
			return err
		}
		if len(running) > 0 {
			return &types.ClusterContainsTasksException{Message: aws.String("The Cluster cannot be deleted while Tasks are active.")}
		}
		c.Status = aws.String("INACTIVE")
		return nil
	})
	return &ecs.DeleteClusterOutput{Cluster: c}, err
}
