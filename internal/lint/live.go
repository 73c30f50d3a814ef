package lint

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	buildtypes "github.com/aws/aws-sdk-go-v2/service/codebuild/types"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Pipeline checks a pipeline of a running installation, the projects, services
// and image repositories that it uses, and by simulation its roles. It only
// reads.
//
// Errors: those of codepipeline:GetPipeline, and of the calls that follow it
// except that something is not there, which is a note.
func Pipeline(ctx context.Context, cfg aws.Config, name string, o Options) (*Report, error) {
	out, err := codepipeline.NewFromConfig(cfg).GetPipeline(ctx, &codepipeline.GetPipelineInput{Name: &name})
	if err != nil {
		return nil, err
	}
	l := &live{linter: linter{report: &Report{}}, cfg: cfg, d: out.Pipeline, file: "pipeline " + name}
	if out.Metadata != nil {
		l.file = aws.ToString(out.Metadata.PipelineArn)
	}
	l.checked(l.file)
	l.approval(func(action string) place { return place{file: l.file, subject: action} }, l.d)
	for _, check := range []func(context.Context) error{l.projects, l.services, l.repositories, l.roles} {
		if err := check(ctx); err != nil {
			return nil, err
		}
	}
	l.report.finish(o.Ignore)
	return l.report, nil
}

// live is one run over a running pipeline.
type live struct {
	linter
	cfg    aws.Config
	d      *types.PipelineDeclaration
	file   string
	images []string // repository URIs in the projects' variables
}

// actions yields the actions of some providers.
func (l *live) actions(yield func(stage string, a *types.ActionDeclaration), providers ...string) {
	for i := range l.d.Stages {
		for j := range l.d.Stages[i].Actions {
			a := &l.d.Stages[i].Actions[j]
			for _, p := range providers {
				if a.ActionTypeId != nil && aws.ToString(a.ActionTypeId.Provider) == p {
					yield(aws.ToString(l.d.Stages[i].Name), a)
				}
			}
		}
	}
}

func (l *live) projects(ctx context.Context) error {
	var names []string
	l.actions(func(_ string, a *types.ActionDeclaration) {
		if n := a.Configuration["ProjectName"]; n != "" {
			names = append(names, n)
		}
	}, "CodeBuild")
	if len(names) == 0 {
		return nil
	}
	out, err := codebuild.NewFromConfig(l.cfg).BatchGetProjects(ctx, &codebuild.BatchGetProjectsInput{Names: names})
	if err != nil {
		return err
	}
	for _, missing := range out.ProjectsNotFound {
		l.report.note("The build project " + clip(missing) + " does not exist.")
	}
	for _, p := range out.Projects {
		one := project{at: place{file: l.file, subject: "project " + aws.ToString(p.Name)}, timeout: int(aws.ToInt32(p.TimeoutInMinutes))}
		if p.Cache != nil {
			one.cache = string(p.Cache.Type)
		}
		if p.Environment != nil {
			one.image = aws.ToString(p.Environment.Image)
			for _, v := range p.Environment.EnvironmentVariables {
				if v.Type == "" || v.Type == buildtypes.EnvironmentVariableTypePlaintext {
					one.plain = append(one.plain, [2]string{aws.ToString(v.Name), aws.ToString(v.Value)})
					l.images = append(l.images, aws.ToString(v.Value))
				}
			}
		}
		if p.Source != nil && strings.Contains(aws.ToString(p.Source.Buildspec), "\n") {
			l.inlineBuildspec(one.at, *p.Source.Buildspec)
		}
		l.project(one)
	}
	return nil
}

func (l *live) services(ctx context.Context) error {
	client := ecs.NewFromConfig(l.cfg)
	var err error
	l.actions(func(_ string, a *types.ActionDeclaration) {
		if err != nil {
			return
		}
		err = l.service(ctx, client, a.Configuration["ClusterName"], a.Configuration["ServiceName"])
	}, "ECS")
	return err
}

func (l *live) service(ctx context.Context, client *ecs.Client, cluster, name string) error {
	out, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{name}})
	if err != nil || len(out.Services) == 0 {
		l.report.note(fmt.Sprintf("The service %s of cluster %s cannot be looked at.", clip(name), clip(cluster)))
		return ctx.Err()
	}
	task, err := client.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: out.Services[0].TaskDefinition})
	if err != nil {
		return err
	}
	for _, c := range task.TaskDefinition.ContainerDefinitions {
		at := place{file: l.file, subject: "service " + cluster + "/" + name + "/" + aws.ToString(c.Name)}
		l.image(at, aws.ToString(c.Image), "Deploy a version or a digest.")
		for _, v := range c.Environment {
			l.variable(at, aws.ToString(v.Name), aws.ToString(v.Value), "Keep it in Secrets Manager or Parameter Store, and name it under the container's secrets.")
		}
	}
	return nil
}

// repositories checks the image repositories of source actions, and those that
// a project's variables name by URI.
func (l *live) repositories(ctx context.Context) error {
	client := ecr.NewFromConfig(l.cfg)
	names := map[string]bool{}
	l.actions(func(_ string, a *types.ActionDeclaration) { names[a.Configuration["RepositoryName"]] = true }, "ECR")
	if len(l.images) > 0 {
		pages := ecr.NewDescribeRepositoriesPaginator(client, &ecr.DescribeRepositoriesInput{})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, r := range out.Repositories {
				for _, image := range l.images {
					if image == aws.ToString(r.RepositoryUri) || strings.HasPrefix(image, aws.ToString(r.RepositoryUri)+":") {
						names[aws.ToString(r.RepositoryName)] = true
					}
				}
			}
		}
	}
	for name := range names {
		_, err := client.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: &name})
		var none *ecrtypes.LifecyclePolicyNotFoundException
		var gone *ecrtypes.RepositoryNotFoundException
		switch {
		case errors.As(err, &none):
			l.lifecycle(place{file: l.file, subject: "repository " + name}, name)
		case errors.As(err, &gone):
			l.report.note("The image repository " + clip(name) + " does not exist.")
		case err != nil:
			return err
		}
	}
	return nil
}

// roles asks IAM to simulate each action in its role.
func (l *live) roles(ctx context.Context) error {
	client := iam.NewFromConfig(l.cfg)
	account := "*"
	if parts := strings.Split(aws.ToString(l.d.RoleArn), ":"); len(parts) == 6 {
		account = parts[4]
	}
	for i := range l.d.Stages {
		for j := range l.d.Stages[i].Actions {
			a := &l.d.Stages[i].Actions[j]
			role := aws.ToString(a.RoleArn)
			if role == "" {
				role = aws.ToString(l.d.RoleArn)
			}
			var failed error
			gone := false
			l.denied(place{file: l.file, subject: aws.ToString(a.Name)}, role, l.d, a, func(n need) bool {
				if failed != nil || gone || n.anywhere { // what is not known is not judged
					return true
				}
				resource := n.resource
				if strings.HasPrefix(resource, "arn:aws:") { // a simulation wants whole ARNs
					resource = strings.Replace(resource, ":*:*:", ":"+l.cfg.Region+":"+account+":", 1)
				}
				out, err := client.SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{
					PolicySourceArn: &role, ActionNames: []string{n.action}, ResourceArns: []string{resource},
				})
				var none *iamtypes.NoSuchEntityException
				if errors.As(err, &none) {
					gone = true
					return true
				}
				if err != nil {
					failed = err
					return true
				}
				return len(out.EvaluationResults) == 0 || out.EvaluationResults[0].EvalDecision == iamtypes.PolicyEvaluationDecisionTypeAllowed
			})
			if failed != nil {
				return failed
			}
			if gone {
				l.report.add(rulePermissions, place{file: l.file, subject: aws.ToString(a.Name)}, "The role "+clip(role)+" does not exist.", "Create it, or name another.")
			}
		}
	}
	return nil
}
