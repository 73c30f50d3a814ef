package ecs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/engine"
)

// principal is who assumes the roles of tasks.
const principal = "ecs-tasks.amazonaws.com"

// makeContainer pulls the image and creates the container.
func (s *Service) makeContainer(ctx context.Context, t *task, i int) error {
	c := &t.Definition.ContainerDefinitions[i]
	image := t.image(i)
	info, err := s.pull(ctx, t, c, image)
	if err != nil {
		return err
	}
	extra, err := s.referred(ctx, t, c)
	if err != nil {
		return err
	}
	spec, err := s.spec(t, c, extra)
	if err != nil {
		return err
	}
	spec.Image = image
	id, err := s.create(ctx, t, spec)
	if err != nil {
		return err
	}
	if err := s.ensureStream(ctx, t, c, id); err != nil {
		return err
	}
	return s.change(ctx, t.key(), func(tx *engine.Tx, t *task) error {
		t.Boxes[i].EngineID = id
		out := &t.Containers[i]
		out.RuntimeId = aws.String(id)
		t.PullStoppedAt = aws.Time(tx.Now())
		d := digestOf(info.Digests, *c.Image)
		if d == "" {
			return nil
		}
		out.ImageDigest = aws.String(d)
		return s.settleImage(tx, t, i, d)
	})
}

// pull makes the image present. What our own registry holds is asked for each
// time, as ECS does, so that a moved tag is seen; other images only if they
// are missing, because what was built on this machine is in no registry.
func (s *Service) pull(ctx context.Context, t *task, c *types.ContainerDefinition, image string) (compute.ImageInfo, error) {
	images, ok := s.Compute.(compute.ImageStore)
	if !ok {
		return compute.ImageInfo{}, &startError{"CannotPullContainerError", "this compute has no images"}
	}
	policy, auth := compute.PullMissing, (*compute.RegistryAuth)(nil)
	var err error
	switch {
	case strings.HasPrefix(*c.Image, s.Site.Host+"/"):
		policy = compute.PullAlways
		auth, err = s.registryAuth(ctx, t)
	case c.RepositoryCredentials != nil:
		var cfg aws.Config
		if cfg, err = s.asExecutor(ctx, t); err == nil {
			auth, err = privateRegistry(ctx, cfg, aws.ToString(c.RepositoryCredentials.CredentialsParameter))
		}
	}
	if err != nil {
		return compute.ImageInfo{}, noSecrets(err)
	}
	if t.PullStartedAt == nil {
		err := s.change(ctx, t.key(), func(tx *engine.Tx, t *task) error {
			t.PullStartedAt = aws.Time(tx.Now())
			return nil
		})
		if err != nil {
			return compute.ImageInfo{}, err
		}
	}
	info, err := images.EnsureImage(ctx, image, policy, auth)
	if errors.Is(err, compute.ErrImage) {
		words := strings.TrimPrefix(err.Error(), compute.ErrImage.Error()+": ")
		return info, &startError{"CannotPullContainerError", "pull image manifest has been retried 1 time(s): failed to resolve ref " + image + ": " + words}
	}
	return info, err
}

// registryAuth is an ECR token of the execution role.
func (s *Service) registryAuth(ctx context.Context, t *task) (*compute.RegistryAuth, error) {
	cfg, err := s.asExecutor(ctx, t)
	if err != nil {
		return nil, err
	}
	out, err := ecr.NewFromConfig(cfg).GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return nil, err
	}
	if len(out.AuthorizationData) == 0 {
		return nil, errors.New("the registry gave no token")
	}
	return compute.ParseRegistryToken(aws.ToString(out.AuthorizationData[0].AuthorizationToken))
}

// said is what another service answered, without the client's own words about
// the call: they tell a user nothing.
func said(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return err.Error()
}

// asExecutor makes clients that act in the execution role.
func (s *Service) asExecutor(ctx context.Context, t *task) (aws.Config, error) {
	role := aws.ToString(t.Definition.ExecutionRoleArn)
	if role == "" {
		return aws.Config{}, errors.New("the task definition has no execution role")
	}
	return s.Sessions.Config(ctx, session.Request{RoleARN: role, Name: t.ID, Service: principal, Region: t.Region})
}

// repositoryOf is the name of an image without its tag and digest.
func repositoryOf(image string) string {
	repository, _, _ := strings.Cut(image, "@")
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		repository = repository[:i]
	}
	return repository
}

func digestOf(digests []string, image string) string {
	repository := repositoryOf(image)
	for _, d := range digests {
		if name, digest, ok := strings.Cut(d, "@"); ok && name == repository {
			return digest
		}
	}
	return ""
}

// spec translates a container definition; extra are the variables that the
// definition only refers to.
func (s *Service) spec(t *task, c *types.ContainerDefinition, extra []variable) (compute.Spec, error) {
	spec := compute.Spec{
		Name:           t.engineName("-" + *c.Name),
		Command:        c.Command,
		Env:            s.environment(t, c, extra),
		WorkingDir:     aws.ToString(c.WorkingDirectory),
		User:           aws.ToString(c.User),
		Labels:         t.labels(*c.Name),
		Network:        compute.Network{Of: t.Pause},
		Privileged:     aws.ToBool(c.Privileged),
		ReadOnlyRootFS: aws.ToBool(c.ReadonlyRootFilesystem),
	}
	if len(c.EntryPoint) > 0 {
		spec.Entrypoint = c.EntryPoint
	}
	for k, v := range c.DockerLabels {
		if !strings.HasPrefix(k, "slipway.") { // ours
			spec.Labels[k] = v
		}
	}
	s.limits(t, c, &spec)
	if p := c.LinuxParameters; p != nil {
		spec.Init = aws.ToBool(p.InitProcessEnabled)
		spec.ShmSize = int64(aws.ToInt32(p.SharedMemorySize)) << 20
		if p.Capabilities != nil {
			spec.CapAdd, spec.CapDrop = p.Capabilities.Add, p.Capabilities.Drop
		}
		for _, f := range p.Tmpfs {
			spec.Mounts = append(spec.Mounts, compute.Mount{Tmpfs: true, Target: aws.ToString(f.ContainerPath), Size: int64(f.Size) << 20, Options: f.MountOptions})
		}
	}
	spec.Sysctls = sysctls(c, false)
	mounts, err := s.mounts(t, c, map[string]bool{})
	spec.Mounts = append(spec.Mounts, mounts...)
	return spec, err
}

// sysctls are a container's kernel parameters: those of the network, which the
// container that holds it must have, or the others.
func sysctls(c *types.ContainerDefinition, network bool) map[string]string {
	all := map[string]string{}
	for _, sc := range c.SystemControls {
		if name := aws.ToString(sc.Namespace); strings.HasPrefix(name, "net.") == network {
			all[name] = aws.ToString(sc.Value)
		}
	}
	return all
}

// limits: memory as at AWS. The task's CPU is a weight, not a ceiling: a
// machine of one's own has no neighbours to protect, and a ceiling of a
// quarter CPU only makes every start slow.
func (s *Service) limits(t *task, c *types.ContainerDefinition, spec *compute.Spec) {
	cpu := int64(c.Cpu)
	if n, err := strconv.ParseInt(aws.ToString(t.Definition.Cpu), 10, 64); err == nil && cpu == 0 {
		cpu = n / int64(len(t.Definition.ContainerDefinitions))
	}
	spec.Resources.CPUShares = cpu
	if cpu > 0 {
		spec.Resources.CPUShares = max(cpu, 2) // the kernel's least
	}
	memory := int64(aws.ToInt32(c.Memory))
	if n, err := strconv.ParseInt(aws.ToString(t.Definition.Memory), 10, 64); err == nil && memory == 0 {
		memory = n
	}
	spec.Resources.Memory = memory << 20
	spec.Resources.MemoryReservation = int64(aws.ToInt32(c.MemoryReservation)) << 20
	// Without one, the engine's own limits hold rather than Fargate's nofile of
	// 65535: an engine that is itself confined could not raise it.
	for _, u := range c.Ulimits {
		spec.Ulimits = append(spec.Ulimits, compute.Ulimit{Name: string(u.Name), Soft: int64(u.SoftLimit), Hard: int64(u.HardLimit)})
	}
}

// environment is ECS's variables, those that lead AWS's clients to Slipway,
// those of files and secrets, and the definition's, which win.
func (s *Service) environment(t *task, c *types.ContainerDefinition, extra []variable) []string {
	execution := "AWS_ECS_FARGATE"
	if t.LaunchType != types.LaunchTypeFargate {
		execution = "AWS_ECS_EC2"
	}
	env := []variable{
		{"AWS_EXECUTION_ENV", execution},
		{"AWS_REGION", t.Region},
		{"AWS_DEFAULT_REGION", t.Region},
		{"AWS_ENDPOINT_URL", s.Site.URL},
		{"ECS_CONTAINER_METADATA_URI_V4", "http://169.254.170.2/v4/" + t.metadataID(*c.Name)},
	}
	if aws.ToString(t.Definition.TaskRoleArn) != "" {
		env = append(env, variable{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/" + t.Secret})
	}
	own := len(env) // what follows is the definition's
	env = append(env, extra...)
	for _, kv := range c.Environment {
		env = append(env, variable{aws.ToString(kv.Name), aws.ToString(kv.Value)})
	}
	if !slices.ContainsFunc(env[own:], func(v variable) bool { return v.name == "AWS_ENDPOINT_URL" }) {
		env = slices.Insert(env, own, variable{"AWS_ENDPOINT_URL_S3", s.Site.AddressURL()})
	}
	// The last one of a name counts, at the place of the first.
	lines, place := []string{}, map[string]int{}
	for _, v := range env {
		line := v.name + "=" + v.value
		if i, ok := place[v.name]; ok {
			lines[i] = line
			continue
		}
		place[v.name] = len(lines)
		lines = append(lines, line)
	}
	return lines
}

// mounts are the volumes of a container and of those it takes volumes from.
func (s *Service) mounts(t *task, c *types.ContainerDefinition, seen map[string]bool) ([]compute.Mount, error) {
	seen[*c.Name] = true
	var all []compute.Mount
	for _, m := range c.MountPoints {
		source := ""
		for _, v := range t.Definition.Volumes {
			if aws.ToString(v.Name) == aws.ToString(m.SourceVolume) && v.Host != nil {
				source = aws.ToString(v.Host.SourcePath)
			}
		}
		if source == "" {
			// Any user of any container of the task may write to it.
			source = filepath.Join(s.scratch(t), aws.ToString(m.SourceVolume))
			if err := os.MkdirAll(source, 0o777); err != nil {
				return nil, &startError{"CannotCreateVolumeError", err.Error()}
			}
			if err := os.Chmod(source, 0o777); err != nil {
				return nil, &startError{"CannotCreateVolumeError", err.Error()}
			}
		}
		all = append(all, compute.Mount{Source: source, Target: aws.ToString(m.ContainerPath), ReadOnly: aws.ToBool(m.ReadOnly)})
	}
	for _, from := range c.VolumesFrom {
		for i := range t.Definition.ContainerDefinitions {
			other := &t.Definition.ContainerDefinitions[i]
			if *other.Name != aws.ToString(from.SourceContainer) || seen[*other.Name] {
				continue
			}
			more, err := s.mounts(t, other, seen)
			if err != nil {
				return nil, err
			}
			for _, m := range more {
				m.ReadOnly = m.ReadOnly || aws.ToBool(from.ReadOnly)
				all = append(all, m)
			}
		}
	}
	return all, nil
}

// stream is where the output of a container goes.
func (t *task) stream(c *types.ContainerDefinition, engineID string) (region, group, name string) {
	o := c.LogConfiguration.Options
	if prefix := o["awslogs-stream-prefix"]; prefix != "" {
		return o["awslogs-region"], o["awslogs-group"], prefix + "/" + *c.Name + "/" + t.ID
	}
	return o["awslogs-region"], o["awslogs-group"], engineID
}

// ensureStream makes the log stream, in the execution role as ECS does.
func (s *Service) ensureStream(ctx context.Context, t *task, c *types.ContainerDefinition, engineID string) error {
	if c.LogConfiguration == nil {
		return nil
	}
	region, group, name := t.stream(c, engineID)
	invalid := func(err error) error {
		return &startError{"ResourceInitializationError", "failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: " + said(err)}
	}
	cfg, err := s.asExecutor(ctx, t)
	if err != nil {
		return invalid(err)
	}
	cfg.Region = region
	client := cloudwatchlogs.NewFromConfig(cfg)
	var exists *logstypes.ResourceAlreadyExistsException
	if c.LogConfiguration.Options["awslogs-create-group"] == "true" {
		_, err := client.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(group)})
		if err != nil && !errors.As(err, &exists) {
			return invalid(err)
		}
	}
	_, err = client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String(group), LogStreamName: aws.String(name)})
	if err != nil && !errors.As(err, &exists) {
		return invalid(err)
	}
	return nil
}

// startContainer starts a created container, unless that was done before a
// crash, and with it what reads its output and checks its health.
func (s *Service) startContainer(ctx context.Context, t *task, i int) error {
	id := t.Boxes[i].EngineID
	c, err := s.Compute.Inspect(ctx, id)
	if err != nil {
		return err
	}
	if c.StartedAt.IsZero() {
		if err := s.Compute.Start(ctx, id); err != nil {
			return err
		}
		if c, err = s.Compute.Inspect(ctx, id); err != nil {
			return err
		}
	}
	return s.change(ctx, t.key(), func(tx *engine.Tx, t *task) error {
		def, out := &t.Definition.ContainerDefinitions[i], &t.Containers[i]
		t.Boxes[i].StartedAt = tx.Now()
		out.LastStatus = aws.String(statusRunning)
		ref := containerRef{Task: t.key(), Index: i}
		if def.LogConfiguration != nil {
			if err := tx.Enqueue(engine.NewJob{Kind: jobLogs, ID: ref.id(), Payload: ref}); err != nil {
				return err
			}
		}
		if checked(def) {
			if err := tx.Enqueue(engine.NewJob{Kind: jobHealth, ID: ref.id(), At: tx.Now().Add(firstCheck), Payload: ref}); err != nil {
				return err
			}
		}
		if c.State == compute.Exited {
			t.noteEnd(i, c, tx.Now())
		}
		return nil
	})
}

// containerRef names a container of a task in the payload of a job.
type containerRef struct {
	Task  taskKey
	Index int
}

func (r containerRef) id() string { return fmt.Sprintf("%s/%d", r.Task.ID, r.Index) }

// find reads the task of a job's container; nil if it is gone or STOPPED.
func (s *Service) find(ctx context.Context, job *engine.Job) (ref containerRef, t *task, err error) {
	if err := json.Unmarshal(job.Payload, &ref); err != nil {
		return ref, nil, err
	}
	t, err = s.load(ctx, ref.Task)
	if err != nil || t == nil || t.status() == statusStopped || ref.Index >= len(t.Boxes) {
		return ref, nil, err
	}
	return ref, t, nil
}
