package ecs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// RunTask starts 1 to 10 tasks.
func (s *Service) RunTask(ctx context.Context, in *ecs.RunTaskInput, _ ...func(*ecs.Options)) (*ecs.RunTaskOutput, error) {
	region := identity.Region(ctx)
	count := aws.ToInt32(in.Count)
	if in.Count == nil {
		count = 1
	}
	switch {
	case count < 1 || count > 10:
		return nil, invalidParameter("Count must be between 1 and 10.")
	case in.PropagateTags == types.PropagateTagsService:
		return nil, invalidParameter("SERVICE is not a valid value for propagateTags when running a task.")
	case len(in.VolumeConfigurations) > 0:
		return nil, unsupported("volumeConfigurations")
	case len(aws.ToString(in.StartedBy)) > 128:
		return nil, invalidParameter("startedBy must be at most 128 characters long.")
	case strings.HasPrefix(aws.ToString(in.Group), "service:"):
		return nil, invalidParameter("Invalid namespace for group.")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	if err := checkOverrides(in.Overrides); err != nil {
		return nil, err
	}
	if err := s.Networks.Ready(ctx, region); err != nil {
		return nil, err
	}
	out := &ecs.RunTaskOutput{}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		out.Tasks, out.Failures = []types.Task{}, []types.Failure{}
		c, err := activeCluster(tx, region, in.Cluster)
		if err != nil {
			return err
		}
		token, hash := aws.ToString(in.ClientToken), hashOf(in)
		if token != "" {
			known, err := runTokens.Get(tx, region, c.name(), token)
			if err == nil {
				return repeatRun(tx, region, c.name(), known, hash, out)
			}
			if !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		d, err := usableDefinition(tx, region, aws.ToString(in.TaskDefinition))
		if err != nil {
			return err
		}
		if what := lacking(&d.TaskDefinition); what != "" {
			return unsupported(what)
		}
		lt, strategy, err := launchOn(c, d, in.LaunchType, in.CapacityProviderStrategy, in.NetworkConfiguration)
		if err != nil {
			return err
		}
		_, version, err := platform(lt, aws.ToString(in.PlatformVersion))
		if err != nil {
			return err
		}
		if err := checkRun(in, d, lt, count); err != nil {
			return err
		}
		if err := s.checkNetwork(tx, region, in.NetworkConfiguration); err != nil {
			return err
		}
		if err := knownContainers(d, in.Overrides); err != nil {
			return err
		}
		group := aws.ToString(in.Group)
		if group == "" {
			group = "family:" + aws.ToString(d.Family)
		}
		tags := in.Tags
		if in.PropagateTags == types.PropagateTagsTaskDefinition {
			tags = mergeTags(d.Tags, tags)
		}
		if in.EnableECSManagedTags {
			tags = mergeTags(tags, managedTags(c.name(), ""))
		}
		record, placed := runToken{Hash: hash}, map[string]int{}
		for n := range count {
			provider := ""
			if len(strategy) > 0 {
				provider = pick(strategy, placed)
				placed[provider]++
			}
			t, err := s.newTask(tx, launch{
				cluster: c, definition: d, launchType: lt, provider: provider, network: in.NetworkConfiguration, overrides: in.Overrides,
				group: group, startedBy: aws.ToString(in.StartedBy), tags: tags, execute: in.EnableExecuteCommand, platform: version, number: int(n),
			})
			if err != nil {
				return err
			}
			record.Tasks = append(record.Tasks, t.ID)
			out.Tasks = append(out.Tasks, t.shown(true))
		}
		if token != "" {
			return runTokens.Put(tx, &record, region, c.name(), token)
		}
		return nil
	})
	return out, err
}

// checkRun checks what a request asks for against the task definition. On one
// machine every strategy of placement is kept; constraints that say on which
// machine are not evaluated.
func checkRun(in *ecs.RunTaskInput, d *definition, lt types.LaunchType, count int32) error {
	fargate := lt == types.LaunchTypeFargate
	switch {
	case fargate && len(in.PlacementStrategy) > 0:
		return invalidParameter("Placement strategies are not supported with FARGATE launch type.")
	case fargate && len(in.PlacementConstraints) > 0:
		return invalidParameter("Placement constraints are not supported with FARGATE launch type.")
	case len(d.PlacementConstraints) > 0 || slices.ContainsFunc(in.PlacementConstraints, func(c types.PlacementConstraint) bool { return c.Type != types.PlacementConstraintTypeDistinctInstance }):
		return unsupported("The placement constraint memberOf")
	case len(in.PlacementConstraints) > 0 && count > 1:
		return unsupported("The placement constraint distinctInstance for more than one task, on the one machine that there is,")
	}
	o := in.Overrides
	if o == nil {
		o = &types.TaskOverride{}
	}
	if in.EnableExecuteCommand && aws.ToString(d.TaskRoleArn) == "" && aws.ToString(o.TaskRoleArn) == "" {
		return invalidParameter("The execute command failed because a valid task role is not being used. Specify a valid task role in your task definition or as a task override and try again.")
	}
	if e := o.EphemeralStorage; e != nil && (e.SizeInGiB < 21 || e.SizeInGiB > 200) {
		return invalidParameter("Ephemeral storage must be between 21 and 200 GiB.")
	}
	cpu, okCPU := overriddenSize(o.Cpu, d.Cpu, taskCPU)
	memory, okMemory := overriddenSize(o.Memory, d.Memory, taskMemory)
	switch {
	case !okCPU:
		return invalidParameter("Invalid 'cpu' setting for task.")
	case !okMemory:
		return invalidParameter("Invalid 'memory' setting for task.")
	case fargate && (o.Cpu != nil || o.Memory != nil) && !fargateSize(cpu, memory):
		return invalidParameter("No Fargate configuration exists for given values: %d CPU, %d memory. See the Amazon ECS documentation for the valid values.", cpu, memory)
	}
	return nil
}

// overriddenSize reads a task's size, which may be overridden or not given.
func overriddenSize(override, own *string, read func(string) (int, bool)) (int, bool) {
	if override != nil {
		return read(*override)
	}
	if own == nil {
		return 0, true
	}
	return read(*own)
}

func managedTags(cluster, service string) []types.Tag {
	tags := []types.Tag{{Key: aws.String("aws:ecs:clusterName"), Value: aws.String(cluster)}}
	if service != "" {
		tags = append(tags, types.Tag{Key: aws.String("aws:ecs:serviceName"), Value: aws.String(service)})
	}
	return tags
}

func hashOf(in any) string {
	b, _ := json.Marshal(in)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// repeatRun answers a RunTask that was answered before.
func repeatRun(tx *engine.Tx, region, cluster string, known *runToken, hash string, out *ecs.RunTaskOutput) error {
	if known.Hash != hash {
		return &types.ConflictException{Message: aws.String("The clientToken was used with different parameters."), ResourceIds: known.Tasks}
	}
	for _, id := range known.Tasks {
		t, err := tasks.Get(tx, region, cluster, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		out.Tasks = append(out.Tasks, t.shown(true))
	}
	return nil
}

func checkOverrides(o *types.TaskOverride) error {
	if o == nil {
		return nil
	}
	if b, _ := json.Marshal(o); len(b) > 8192 {
		return invalidParameter("Overrides length must be at most 8192.")
	}
	if len(o.InferenceAcceleratorOverrides) > 0 {
		return unsupported("inferenceAcceleratorOverrides")
	}
	for _, c := range o.ContainerOverrides {
		if len(c.EnvironmentFiles)+len(c.ResourceRequirements) > 0 {
			return unsupported("environmentFiles and resourceRequirements in overrides")
		}
		name := aws.ToString(c.Name)
		switch {
		case aws.ToInt32(c.Cpu) < 0:
			return invalidParameter("Invalid 'cpu' setting for container '%s'.", name)
		case c.Memory != nil && *c.Memory < leastMemory || c.MemoryReservation != nil && *c.MemoryReservation < leastMemory:
			return invalidParameter("Invalid 'memory' setting for container '%s'. It must be at least %d MiB.", name, leastMemory)
		case slices.ContainsFunc(c.Environment, func(e types.KeyValuePair) bool { return !variableName(e.Name) }):
			return invalidParameter("Invalid environment variable name in container '%s'.", name)
		}
	}
	return nil
}

func knownContainers(d *definition, o *types.TaskOverride) error {
	if o == nil {
		return nil
	}
	for _, c := range o.ContainerOverrides {
		if !slices.ContainsFunc(d.ContainerDefinitions, func(def types.ContainerDefinition) bool { return *def.Name == aws.ToString(c.Name) }) {
			return invalidParameter("Override for container named %s is not a container in the TaskDefinition.", aws.ToString(c.Name))
		}
	}
	return nil
}
