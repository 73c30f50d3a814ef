package ecs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// fargateVersion is the platform version that LATEST stands for.
const fargateVersion = "1.4.0"

// launch is what a new task is made from.
type launch struct {
	cluster             *cluster
	definition          *definition
	launchType          types.LaunchType
	provider            string
	network             *types.NetworkConfiguration
	overrides           *types.TaskOverride
	group, startedBy    string
	service, deployment string
	tags                []types.Tag
	execute             bool
}

// newTask writes a task down and sets it going.
func (s *Service) newTask(tx *engine.Tx, l launch) (*task, error) {
	region, now := l.cluster.Region, tx.Now()
	def, overrides := overridden(l.definition.TaskDefinition, l.overrides)
	t := &task{
		Region: region, Cluster: l.cluster.name(), ID: id.Hex(s.IDs, 32),
		Service: l.service, Deployment: l.deployment, Definition: def, Secret: id.UUID(s.IDs),
		Boxes: make([]box, len(def.ContainerDefinitions)),
	}
	t.Task = types.Task{
		TaskArn: aws.String(s.arn(region, "task/"+t.Cluster+"/"+t.ID)), ClusterArn: l.cluster.ClusterArn,
		TaskDefinitionArn: def.TaskDefinitionArn, Group: aws.String(l.group), LaunchType: l.launchType,
		LastStatus: aws.String(statusProvisioning), DesiredStatus: aws.String(statusRunning),
		HealthStatus: types.HealthStatusUnknown, CreatedAt: aws.Time(now), Version: 1,
		Cpu: def.Cpu, Memory: def.Memory, Overrides: overrides, Tags: l.tags, EnableExecuteCommand: l.execute,
		AvailabilityZone: aws.String(region + "a"), Attachments: []types.Attachment{},
		Attributes: []types.Attribute{{Name: aws.String("ecs.cpu-architecture"), Value: aws.String("x86_64")}},
	}
	if l.startedBy != "" {
		t.StartedBy = aws.String(l.startedBy)
	}
	if l.launchType == types.LaunchTypeFargate {
		t.PlatformVersion, t.PlatformFamily = aws.String(fargateVersion), aws.String("Linux")
		t.EphemeralStorage = &types.EphemeralStorage{SizeInGiB: 20}
		if def.EphemeralStorage != nil {
			t.EphemeralStorage = def.EphemeralStorage
		}
	}
	if l.provider != "" {
		t.CapacityProviderName = aws.String(l.provider)
	}
	if t.awsvpc() {
		t.Attachments = []types.Attachment{{
			Id: aws.String(id.UUID(s.IDs)), Type: aws.String("ElasticNetworkInterface"), Status: aws.String("PRECREATED"),
			Details: []types.KeyValuePair{{Name: aws.String("subnetId"), Value: aws.String(l.network.AwsvpcConfiguration.Subnets[0])}},
		}}
	}
	for _, c := range def.ContainerDefinitions {
		out := types.Container{
			ContainerArn: aws.String(s.arn(region, "container/"+t.Cluster+"/"+t.ID+"/"+id.UUID(s.IDs))), TaskArn: t.TaskArn,
			Name: c.Name, Image: c.Image, LastStatus: aws.String(statusPending), HealthStatus: types.HealthStatusUnknown,
			Cpu: aws.String(strconv.Itoa(int(c.Cpu))), NetworkInterfaces: []types.NetworkInterface{},
		}
		if c.Memory != nil {
			out.Memory = aws.String(strconv.Itoa(int(*c.Memory)))
		}
		if c.MemoryReservation != nil {
			out.MemoryReservation = aws.String(strconv.Itoa(int(*c.MemoryReservation)))
		}
		t.Containers = append(t.Containers, out)
	}
	if err := t.put(tx); err != nil {
		return nil, err
	}
	key := t.key()
	if err := live.Put(tx, &struct{}{}, region, t.Cluster, t.Service, t.ID); err != nil {
		return nil, err
	}
	if err := credentials.Put(tx, &key, t.Secret); err != nil {
		return nil, err
	}
	if err := tx.Enqueue(engine.NewJob{Kind: jobTask, ID: t.ID, Key: t.ID, Payload: key}); err != nil {
		return nil, err
	}
	return t, s.emitTask(tx, t)
}

// overridden applies overrides; what it returns second is shown on the task.
func overridden(d types.TaskDefinition, o *types.TaskOverride) (types.TaskDefinition, *types.TaskOverride) {
	shown := types.TaskOverride{InferenceAcceleratorOverrides: []types.InferenceAcceleratorOverride{}}
	if o != nil {
		shown = *o
	}
	d.ContainerDefinitions = slices.Clone(d.ContainerDefinitions)
	var all []types.ContainerOverride
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		co := types.ContainerOverride{Name: c.Name}
		for _, given := range shown.ContainerOverrides {
			if aws.ToString(given.Name) != *c.Name {
				continue
			}
			co = given
			if len(co.Command) > 0 {
				c.Command = co.Command
			}
			if co.Cpu != nil {
				c.Cpu = *co.Cpu
			}
			if co.Memory != nil {
				c.Memory = co.Memory
			}
			if co.MemoryReservation != nil {
				c.MemoryReservation = co.MemoryReservation
			}
			env := slices.Clone(c.Environment)
			for _, kv := range co.Environment {
				j := slices.IndexFunc(env, func(have types.KeyValuePair) bool { return aws.ToString(have.Name) == aws.ToString(kv.Name) })
				if j < 0 {
					env = append(env, kv)
				} else {
					env[j] = kv
				}
			}
			c.Environment = env
		}
		all = append(all, co)
	}
	shown.ContainerOverrides = all
	if aws.ToString(shown.TaskRoleArn) != "" {
		d.TaskRoleArn = shown.TaskRoleArn
	}
	if aws.ToString(shown.ExecutionRoleArn) != "" {
		d.ExecutionRoleArn = shown.ExecutionRoleArn
	}
	if shown.Cpu != nil {
		d.Cpu = shown.Cpu
	}
	if shown.Memory != nil {
		d.Memory = shown.Memory
	}
	return d, &shown
}

// launchOn decides launch type and capacity provider strategy (the one or the
// other), and checks what they and the definition ask for. EC2 means this
// machine as well.
func launchOn(c *cluster, d *definition, lt types.LaunchType, strategy []types.CapacityProviderStrategyItem, network *types.NetworkConfiguration) (types.LaunchType, []types.CapacityProviderStrategyItem, error) {
	if lt != "" && len(strategy) > 0 {
		return "", nil, invalidParameter("Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.")
	}
	if err := checkProviders(c.CapacityProviders, strategy); err != nil {
		return "", nil, err
	}
	if lt == "" && len(strategy) == 0 {
		strategy = c.DefaultCapacityProviderStrategy
	}
	if len(strategy) > 0 {
		lt = types.LaunchTypeFargate
	}
	switch lt {
	case types.LaunchTypeFargate:
		if !slices.Contains(d.Compatibilities, types.CompatibilityFargate) {
			return "", nil, invalidParameter("Task definition does not support launch_type FARGATE.")
		}
	case "":
		lt = types.LaunchTypeEc2
	case types.LaunchTypeExternal:
		return "", nil, unsupported("The launch type EXTERNAL")
	}
	if d.NetworkMode == types.NetworkModeAwsvpc {
		if network == nil || network.AwsvpcConfiguration == nil || len(network.AwsvpcConfiguration.Subnets) == 0 {
			return "", nil, invalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
		}
		if len(network.AwsvpcConfiguration.Subnets) > 16 {
			return "", nil, invalidParameter("subnets can have at most 16 items.")
		}
		if len(network.AwsvpcConfiguration.SecurityGroups) > 5 {
			return "", nil, invalidParameter("securityGroups can have at most 5 items.")
		}
	} else if network != nil && network.AwsvpcConfiguration != nil {
		return "", nil, invalidParameter("Network Configuration is not valid for the given networkMode of this task definition.")
	}
	return lt, strategy, nil
}

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
	case strings.HasPrefix(aws.ToString(in.Group), "service:"):
		return nil, invalidParameter("Invalid namespace for group.")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	if err := checkOverrides(in.Overrides); err != nil {
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
		for range count {
			provider := ""
			if len(strategy) > 0 {
				provider = pick(strategy, placed)
				placed[provider]++
			}
			t, err := s.newTask(tx, launch{
				cluster: c, definition: d, launchType: lt, provider: provider, network: in.NetworkConfiguration, overrides: in.Overrides,
				group: group, startedBy: aws.ToString(in.StartedBy), tags: tags, execute: in.EnableExecuteCommand,
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

// shown is the task as it is described.
func (t *task) shown(tags bool) types.Task {
	out := t.Task
	if !tags {
		out.Tags = []types.Tag{}
	} else {
		out.Tags = tagList(out.Tags)
	}
	return out
}

// StopTask asks a task to stop.
func (s *Service) StopTask(ctx context.Context, in *ecs.StopTaskInput, _ ...func(*ecs.Options)) (*ecs.StopTaskOutput, error) {
	region := identity.Region(ctx)
	out := &ecs.StopTaskOutput{}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		c, err := activeCluster(tx, region, in.Cluster)
		if err != nil {
			return err
		}
		id, err := inCluster(aws.ToString(in.Task), c.name())
		if err != nil {
			return err
		}
		t, err := tasks.Get(tx, region, c.name(), id)
		if errors.Is(err, store.ErrNotFound) {
			return invalidParameter("The referenced task was not found.")
		}
		if err != nil {
			return err
		}
		if t.status() != statusStopped {
			reason := aws.ToString(in.Reason)
			if reason == "" {
				reason = "Task stopped by user"
			}
			err = s.changed(tx, t, func() error { t.stop(types.TaskStopCodeUserInitiated, reason); return nil })
		}
		shown := t.shown(true)
		out.Task = &shown
		return err
	})
	return out, err
}

// DescribeTasks describes up to 100; unknown ones are failures.
func (s *Service) DescribeTasks(ctx context.Context, in *ecs.DescribeTasksInput, _ ...func(*ecs.Options)) (*ecs.DescribeTasksOutput, error) {
	region := identity.Region(ctx)
	if len(in.Tasks) == 0 {
		return nil, invalidParameter("Tasks cannot be empty.")
	}
	if len(in.Tasks) > 100 {
		return nil, invalidParameter("Tasks cannot contain more than 100 items.")
	}
	tags := slices.Contains(in.Include, types.TaskFieldTags)
	out := &ecs.DescribeTasksOutput{Tasks: []types.Task{}, Failures: []types.Failure{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		c, err := activeCluster(r, region, in.Cluster)
		if err != nil {
			return err
		}
		for _, ref := range in.Tasks {
			id, err := inCluster(ref, c.name())
			if err != nil {
				return err
			}
			t, err := tasks.Get(r, region, c.name(), id)
			if errors.Is(err, store.ErrNotFound) {
				out.Failures = append(out.Failures, missing(s.arn(region, "task/"+c.name()+"/"+id)))
				continue
			}
			if err != nil {
				return err
			}
			out.Tasks = append(out.Tasks, t.shown(tags))
		}
		return nil
	})
	return out, err
}

// ListTasks lists ARNs of those whose desired status is RUNNING, unless
// STOPPED is asked for.
func (s *Service) ListTasks(ctx context.Context, in *ecs.ListTasksInput, _ ...func(*ecs.Options)) (*ecs.ListTasksOutput, error) {
	region, want := identity.Region(ctx), string(in.DesiredStatus)
	if want == "" {
		want = statusRunning
	}
	name := lastPart(aws.ToString(in.ServiceName))
	out := &ecs.ListTasksOutput{TaskArns: []string{}}
	if aws.ToString(in.ContainerInstance) != "" {
		return nil, unsupported("Container instances")
	}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		c, err := activeCluster(r, region, in.Cluster)
		if err != nil {
			return err
		}
		if name != "" {
			if _, err := services.Get(r, region, c.name(), name); errors.Is(err, store.ErrNotFound) {
				return noService()
			} else if err != nil {
				return err
			}
		}
		scope := strings.Join([]string{"ListTasks", region, c.name(), want, name, aws.ToString(in.Family), aws.ToString(in.StartedBy), string(in.LaunchType)}, "\x00")
		p, err := newPage(scope, store.Prefix(string(tasks), region, c.name()), in.NextToken, in.MaxResults, 100)
		if err != nil {
			return err
		}
		for t, err := range tasks.Scan(r, p.rng) {
			if err != nil {
				return err
			}
			if aws.ToString(t.DesiredStatus) != want || name != "" && t.Service != name ||
				in.Family != nil && aws.ToString(t.Definition.Family) != *in.Family ||
				in.StartedBy != nil && aws.ToString(t.StartedBy) != *in.StartedBy ||
				in.LaunchType != "" && t.LaunchType != in.LaunchType {
				continue
			}
			if !p.take(tasks.Key(region, c.name(), t.ID)) {
				break
			}
			out.TaskArns = append(out.TaskArns, t.arn())
		}
		out.NextToken = p.next
		return nil
	})
	return out, err
}
