package codepipeline

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/bus"
)

// serviceAPI is what the action needs of ECS.
type serviceAPI interface {
	DescribeServices(context.Context, *ecs.DescribeServicesInput, ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error)
	DescribeTaskDefinition(context.Context, *ecs.DescribeTaskDefinitionInput, ...func(*ecs.Options)) (*ecs.DescribeTaskDefinitionOutput, error)
	RegisterTaskDefinition(context.Context, *ecs.RegisterTaskDefinitionInput, ...func(*ecs.Options)) (*ecs.RegisterTaskDefinitionOutput, error)
	UpdateService(context.Context, *ecs.UpdateServiceInput, ...func(*ecs.Options)) (*ecs.UpdateServiceOutput, error)
}

// serviceDeploy gives an ECS service the images of an image definitions file:
//
//	register a task definition ─▶ update the service ─▶ wait for its deployment
//
// Each arrow is a recorded step, so a crash repeats at most one of them.
type serviceDeploy struct{ *dependencies }

// deployMemo is how far a deployment has come.
type deployMemo struct {
	ServiceARN     string
	TaskDefinition string // registered
	Deployment     string // id of the service's deployment; "" before the update
}

// maxDefinitions is the size limit of an image definitions file.
const maxDefinitions = 100 << 10

// Key is the ARN of the service that an event is about.
func (serviceDeploy) Key(ev *bus.Event) string {
	if ev.Source != "aws.ecs" || len(ev.Resources) == 0 {
		return ""
	}
	if ev.DetailType != "ECS Deployment State Change" && ev.DetailType != "ECS Service Action" {
		return ""
	}
	return ev.Resources[0]
}

func (d serviceDeploy) Step(ctx context.Context, w *Work) (*Result, error) {
	cfg, err := w.Session(ctx)
	if err != nil {
		return nil, err
	}
	client := d.ecs(cfg)
	var memo deployMemo
	if w.Memo != nil {
		if err := json.Unmarshal(w.Memo, &memo); err != nil {
			return nil, err
		}
	}
	cluster, name := w.Configuration["ClusterName"], w.Configuration["ServiceName"]
	switch {
	case memo.TaskDefinition == "":
		return d.register(ctx, w, cfg, client)
	case memo.Deployment == "":
		return d.update(ctx, w, client, memo)
	}
	service, err := describeService(ctx, client, cluster, name)
	if err != nil {
		return nil, err
	}
	return deployResult(service, memo)
}

func describeService(ctx context.Context, client serviceAPI, cluster, name string) (*ecstypes.Service, error) {
	out, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{name}})
	if err != nil {
		return nil, err
	}
	if len(out.Services) == 0 || aws.ToString(out.Services[0].Status) == "INACTIVE" {
		return nil, fail(configurationError, "The Amazon ECS service %s was not found in the cluster %s", name, cluster)
	}
	return &out.Services[0], nil
}

// register makes the revision of the service's task definition that has the
// new images.
func (d serviceDeploy) register(ctx context.Context, w *Work, cfg aws.Config, client serviceAPI) (*Result, error) {
	images, err := d.definitions(ctx, w, cfg)
	if err != nil {
		return nil, err
	}
	service, err := describeService(ctx, client, w.Configuration["ClusterName"], w.Configuration["ServiceName"])
	if err != nil {
		return nil, err
	}
	current, err := client.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: service.TaskDefinition,
		Include: []ecstypes.TaskDefinitionField{ecstypes.TaskDefinitionFieldTags}})
	if err != nil {
		return nil, err
	}
	next, err := revise(current, images)
	if err != nil {
		return nil, err
	}
	memo := deployMemo{ServiceARN: aws.ToString(service.ServiceArn)}
	if w.Repeated { // an earlier attempt may have registered it already
		latest, err := client.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: next.Family})
		if err != nil {
			return nil, err
		}
		if t := latest.TaskDefinition; t.Revision > current.TaskDefinition.Revision && sameImages(t.ContainerDefinitions, next.ContainerDefinitions) {
			memo.TaskDefinition = aws.ToString(t.TaskDefinitionArn)
		}
	}
	if memo.TaskDefinition == "" {
		out, err := client.RegisterTaskDefinition(ctx, next)
		if err != nil {
			return nil, err
		}
		memo.TaskDefinition = aws.ToString(out.TaskDefinition.TaskDefinitionArn)
	}
	return &Result{Memo: memo, Again: true, ExternalURL: d.link(w)}, nil
}

// definitions reads the image definitions file: images by container name.
func (d serviceDeploy) definitions(ctx context.Context, w *Work, cfg aws.Config) (map[string]string, error) {
	file, in := w.Configuration["FileName"], w.Inputs[0]
	if file == "" {
		file = "imagedefinitions.json"
	}
	artifact, err := d.artifacts(cfg).fetch(ctx, in)
	if err != nil {
		return nil, err
	}
	defer artifact.Close()
	b, err := artifact.zipped(file, maxDefinitions)
	if errors.Is(err, errNoEntry) {
		return nil, fail(configurationError, "Did not find the image definition file %s in the input artifacts ZIP file. Verify the file is stored in your pipeline's Amazon S3 artifact bucket: %s key: %s", file, in.Bucket, in.Key)
	}
	if err != nil {
		return nil, err
	}
	return parseDefinitions(file, b)
}

func parseDefinitions(file string, b []byte) (map[string]string, error) {
	var list []struct {
		Name     *string `json:"name"`
		ImageURI *string `json:"imageUri"`
	}
	if err := json.Unmarshal(b, &list); err != nil || list == nil {
		return nil, fail(configurationError, "The image definition file %s contents invalid JSON format", file)
	}
	images := map[string]string{}
	for i, e := range list {
		if aws.ToString(e.Name) == "" || aws.ToString(e.ImageURI) == "" {
			return nil, fail(configurationError, "The image definition file %s must have a name and an imageUri in each element: element %d has not", file, i+1)
		}
		images[*e.Name] = *e.ImageURI
	}
	if len(images) == 0 {
		return nil, fail(configurationError, "The image definition file %s names no container", file)
	}
	return images, nil
}

// revise is the registration of a task definition with other images.
func revise(current *ecs.DescribeTaskDefinitionOutput, images map[string]string) (*ecs.RegisterTaskDefinitionInput, error) {
	t := current.TaskDefinition
	containers := append([]ecstypes.ContainerDefinition(nil), t.ContainerDefinitions...)
	for name, image := range images {
		found := false
		for i := range containers {
			if aws.ToString(containers[i].Name) == name {
				containers[i].Image, found = aws.String(image), true
			}
		}
		if !found {
			return nil, fail(configurationError, "The AWS ECS container %s does not exist", name)
		}
	}
	next := &ecs.RegisterTaskDefinitionInput{
		Family: t.Family, TaskRoleArn: t.TaskRoleArn, ExecutionRoleArn: t.ExecutionRoleArn, NetworkMode: t.NetworkMode,
		ContainerDefinitions: containers, Volumes: t.Volumes, PlacementConstraints: t.PlacementConstraints,
		RequiresCompatibilities: t.RequiresCompatibilities, Cpu: t.Cpu, Memory: t.Memory, PidMode: t.PidMode, IpcMode: t.IpcMode,
		ProxyConfiguration: t.ProxyConfiguration, InferenceAccelerators: t.InferenceAccelerators,
		EphemeralStorage: t.EphemeralStorage, RuntimePlatform: t.RuntimePlatform, EnableFaultInjection: t.EnableFaultInjection,
	}
	if len(current.Tags) > 0 { // an empty list is not allowed
		next.Tags = current.Tags
	}
	return next, nil
}

func sameImages(a, b []ecstypes.ContainerDefinition) bool {
	if len(a) != len(b) {
		return false
	}
	images := map[string]string{}
	for _, c := range a {
		images[aws.ToString(c.Name)] = aws.ToString(c.Image)
	}
	for _, c := range b {
		if image, ok := images[aws.ToString(c.Name)]; !ok || image != aws.ToString(c.Image) {
			return false
		}
	}
	return true
}

// update rolls the service. To do it again is harmless: ECS begins no new
// deployment for the task definition that the service already has.
func (d serviceDeploy) update(ctx context.Context, w *Work, client serviceAPI, memo deployMemo) (*Result, error) {
	out, err := client.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(w.Configuration["ClusterName"]),
		Service: aws.String(w.Configuration["ServiceName"]), TaskDefinition: aws.String(memo.TaskDefinition)})
	if err != nil {
		return nil, err
	}
	for _, dep := range out.Service.Deployments {
		if aws.ToString(dep.Status) == "PRIMARY" {
			memo.Deployment = aws.ToString(dep.Id)
		}
	}
	if memo.Deployment == "" {
		return nil, fail(jobFailed, "The Amazon ECS service %s has no deployment after its update", w.Configuration["ServiceName"])
	}
	return &Result{Memo: memo, Wake: []string{memo.ServiceARN}, Again: true, ExternalID: memo.Deployment, ExternalURL: d.link(w)}, nil
}

// deployResult looks at how the action's own deployment does.
func deployResult(service *ecstypes.Service, memo deployMemo) (*Result, error) {
	for _, dep := range service.Deployments {
		if aws.ToString(dep.Id) != memo.Deployment {
			continue
		}
		switch {
		case dep.RolloutState == ecstypes.DeploymentRolloutStateFailed:
			return nil, fail(jobFailed, "The Amazon ECS deployment %s failed: %s", memo.Deployment, aws.ToString(dep.RolloutStateReason))
		case aws.ToString(dep.Status) != "PRIMARY":
			return nil, overtaken(service, memo)
		case dep.RolloutState == ecstypes.DeploymentRolloutStateCompleted && dep.RunningCount == dep.DesiredCount:
			return &Result{Done: true}, nil
		}
		return &Result{Wake: []string{memo.ServiceARN}}, nil
	}
	return nil, overtaken(service, memo)
}

func overtaken(service *ecstypes.Service, memo deployMemo) error {
	return fail(jobFailed, "The Amazon ECS deployment %s did not complete: the service %s was rolled back, or updated again, before",
		memo.Deployment, aws.ToString(service.ServiceName))
}

func (d serviceDeploy) link(w *Work) string {
	return d.console + "ecs/clusters/" + url.PathEscape(lastPart(w.Configuration["ClusterName"])) + "/services/" +
		url.PathEscape(lastPart(w.Configuration["ServiceName"])) + "?region=" + w.Region
}

// lastPart is the name in what may also be an ARN.
func lastPart(s string) string { return s[strings.LastIndex(s, "/")+1:] }
