package codebuild

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/agent"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/compute"
)

// Labels of our containers besides compute's.
const (
	labelService = "slipway.service"
	labelWorker  = "slipway.worker"
	service      = "codebuild"
)

// class is what containers must have in common to stand in for each other.
type class struct {
	Image      string // as the project names it
	Privileged bool
	Compute    types.ComputeType
}

func (s *Service) classOf(e *types.ProjectEnvironment) class {
	return class{aws.ToString(e.Image), aws.ToBool(e.PrivilegedMode), e.ComputeType}
}

// takesWarm tells whether a waiting container would do: those have no mount
// for a project's own cache.
func (s *Service) takesWarm(b *build) bool {
	c := s.cache(b)
	return curated(aws.ToString(b.Environment.Image)) && !c.LocalCustom && !c.LocalSource
}

func (s *Service) workerDir(worker string) string { return filepath.Join(s.Dir, "workers", worker) }

// container finds an agent's container, or nil.
func (s *Service) container(ctx context.Context, worker string) (*compute.Container, error) {
	found, err := s.Compute.List(ctx, map[string]string{labelWorker: worker})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// Where a container has what is mounted.
const (
	inBin    = "/codebuild/bin/slipway"
	inAgent  = "/codebuild/agent"
	inSocket = "/codebuild/run"
	inCache  = "/codebuild/local-cache"
)

// spec describes an agent's container and leaves the agent's configuration.
// image "" means a plain process; cache is the directory of the project's local
// cache, "" for none.
func (s *Service) spec(worker string, c class, image, cache string) (compute.Spec, error) {
	dir := s.workerDir(worker)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return compute.Spec{}, err
	}
	cfg := agent.Config{Token: s.Tokens.Seal([]byte(worker)), Endpoint: s.Site.URL, EndpointS3: s.Site.AddressURL()}
	spec := compute.Spec{Labels: map[string]string{compute.LabelInstallation: s.Site.Installation, labelService: service, labelWorker: worker}}
	if image == "" {
		cfg.Socket, cfg.Root, cfg.Cache = s.Socket, filepath.Join(dir, "codebuild"), cache
		spec.Command = []string{s.Executable, "build-agent", "--config", filepath.Join(dir, agent.ConfigName)}
		spec.Env, spec.WorkingDir = []string{"PATH=" + s.Path, "LANG=C.UTF-8"}, dir
	} else {
		cfg.Socket, cfg.Forward, cfg.Root, cfg.Contained = inSocket+"/"+filepath.Base(s.Socket), true, "/codebuild", true
		size := computeTypes[c.Compute]
		spec.Image, spec.User, spec.WorkingDir = image, "0:0", "/"
		spec.Entrypoint, spec.Command = []string{inBin}, []string{"build-agent", "--config", inAgent + "/" + agent.ConfigName}
		spec.Resources = compute.Resources{Memory: size[0] << 30, MilliCPU: size[1] * 1000}
		spec.Mounts = []compute.Mount{
			{Source: s.Executable, Target: inBin, ReadOnly: true},
			{Source: filepath.Dir(s.Socket), Target: inSocket, ReadOnly: true},
			{Source: dir, Target: inAgent},
		}
		if cache != "" {
			cfg.Cache = inCache
			spec.Mounts = append(spec.Mounts, compute.Mount{Source: cache, Target: inCache})
		}
		if c.Privileged {
			if s.EngineSocket == "" {
				return spec, fmt.Errorf("%w: a privileged build needs the socket of a container engine", compute.ErrUnsupported)
			}
			spec.Privileged = true
			spec.Mounts = append(spec.Mounts, compute.Mount{Source: s.EngineSocket, Target: "/var/run/docker.sock"})
		}
	}
	b, err := json.Marshal(cfg)
	if err != nil {
		return spec, err
	}
	path := filepath.Join(dir, agent.ConfigName)
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return spec, err
	}
	return spec, os.WriteFile(path, b, 0o600)
}

// image makes the build's image present and returns its reference; "" means
// that the build runs as a plain process.
func (s *Service) image(ctx context.Context, b *build) (string, error) {
	name := aws.ToString(b.Environment.Image)
	info, err := s.Compute.Info(ctx)
	if err != nil {
		return "", err
	}
	if !info.Images {
		switch {
		case aws.ToBool(b.Environment.PrivilegedMode):
			return "", fmt.Errorf("%w: privilegedMode needs a container engine, and %s has none: start slipway with --compute docker", compute.ErrUnsupported, info.Name)
		case !curated(name):
			return "", fmt.Errorf("%w: the image %s needs a container engine, and %s has none: start slipway with --compute docker", compute.ErrUnsupported, name, info.Name)
		}
		return "", nil
	}
	images, ok := s.Compute.(compute.ImageStore)
	if !ok {
		return "", fmt.Errorf("%w: images", compute.ErrUnsupported)
	}
	reference := s.mapped(name)
	// A tag of our own registry may have moved since the engine last saw it;
	// what is not there can only be what the engine has, or be pulled once.
	var auth *compute.RegistryAuth
	policy := compute.PullMissing
	if c := b.Environment.RegistryCredential; c != nil {
		if auth, err = s.secretAuth(ctx, b, c.Credential); err != nil {
			return "", fmt.Errorf("%w: %v", compute.ErrImage, err)
		}
	} else if strings.HasPrefix(reference, s.Site.Host+"/") {
		policy = compute.PullAlways
		if auth, err = s.registryAuth(ctx, b); err != nil {
			return "", fmt.Errorf("%w: %v", compute.ErrImage, err)
		}
	}
	_, err = images.EnsureImage(ctx, reference, policy, auth)
	return reference, err
}

// registryAuth logs in to our own registry in the build's role.
func (s *Service) registryAuth(ctx context.Context, b *build) (*compute.RegistryAuth, error) {
	cfg, err := s.Sessions.Config(ctx, s.session(b))
	if err != nil {
		return nil, err
	}
	out, err := ecr.NewFromConfig(cfg).GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return nil, fmt.Errorf("the service role may not log in to the registry: %w", err)
	}
	if len(out.AuthorizationData) == 0 {
		return nil, errors.New("the registry gave no token")
	}
	return compute.ParseRegistryToken(aws.ToString(out.AuthorizationData[0].AuthorizationToken))
}

// secretAuth logs in to somebody's registry with what a secret says.
// https://docs.aws.amazon.com/codebuild/latest/userguide/sample-private-registry.html
func (s *Service) secretAuth(ctx context.Context, b *build, secret *string) (*compute.RegistryAuth, error) {
	cfg, err := s.Sessions.Config(ctx, s.session(b))
	if err != nil {
		return nil, err
	}
	out, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: secret})
	var api smithy.APIError
	if errors.As(err, &api) {
		return nil, fmt.Errorf("registryCredential %s: %s: %s", aws.ToString(secret), api.ErrorCode(), api.ErrorMessage())
	}
	if err != nil {
		return nil, err
	}
	auth := &compute.RegistryAuth{}
	if json.Unmarshal([]byte(aws.ToString(out.SecretString)), auth) != nil || auth.Username == "" || auth.Password == "" {
		return nil, fmt.Errorf("registryCredential %s: expected a JSON object with username and password", aws.ToString(secret))
	}
	return auth, nil
}

// session is a build's, in its service role.
func (s *Service) session(b *build) session.Request {
	return session.Request{RoleARN: aws.ToString(b.ServiceRole), Name: "AWSCodeBuild-" + b.uuid(), Service: principal, Region: b.Region}
}
