package lint

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// pipelineJSON checks what `aws codepipeline get-pipeline` printed.
func (l *linter) pipelineJSON(file string, text []byte, raw json.RawMessage) {
	var d types.PipelineDeclaration // its members differ from the JSON's by case only
	if err := json.Unmarshal(raw, &d); err != nil {
		l.report.add(ruleUnreadable, jsonPlace(file, text, err), "It is not a pipeline as the API prints it"+jsonReason(err)+".",
			"Write it with `aws codepipeline get-pipeline --name NAME`.")
		return
	}
	l.checked(file)
	l.approval(func(action string) place {
		return place{file: file, line: lineOf(text, `"`+action+`"`), subject: aws.ToString(d.Name) + "/" + action}
	}, &d)
}

// tfPipeline checks the pipeline of a plan, and its roles.
func (l *linter) tfPipeline(p *plan, r *resource) {
	d := declaration(r)
	at := l.at(p, r)
	l.approval(func(action string) place {
		here := at
		here.subject += " action " + action
		return here
	}, d)
	l.planRoles(p, r, d)
}

// declaration is a plan's pipeline in the API's terms.
func declaration(r *resource) *types.PipelineDeclaration {
	d := &types.PipelineDeclaration{Name: aws.String(r.text("name")), RoleArn: aws.String(r.text("role_arn"))}
	for _, s := range blocks(r.values, "artifact_store") {
		d.ArtifactStore = &types.ArtifactStore{Location: aws.String(textOf(s, "location"))}
	}
	for _, s := range blocks(r.values, "stage") {
		stage := types.StageDeclaration{Name: aws.String(textOf(s, "name"))}
		for _, a := range blocks(s, "action") {
			action := types.ActionDeclaration{
				Name: aws.String(textOf(a, "name")), RoleArn: aws.String(textOf(a, "role_arn")), RunOrder: aws.Int32(1), Configuration: map[string]string{},
				ActionTypeId: &types.ActionTypeId{Category: types.ActionCategory(textOf(a, "category")), Owner: types.ActionOwner(textOf(a, "owner")), Provider: aws.String(textOf(a, "provider"))},
			}
			if n, ok := a["run_order"].(float64); ok {
				action.RunOrder = aws.Int32(int32(n))
			}
			configuration, _ := a["configuration"].(map[string]any)
			for k, v := range configuration {
				if text, ok := v.(string); ok {
					action.Configuration[k] = text
				}
			}
			stage.Actions = append(stage.Actions, action)
		}
		d.Stages = append(d.Stages, stage)
	}
	return d
}

// production finds names that mean the environment of the users: as a word,
// and in names like appProd and ProdApi.
var (
	production      = regexp.MustCompile(`(?i)(^|[^a-z])(prod|production|prd|live)([^a-z]|$)`)
	productionCamel = regexp.MustCompile(`[a-z](Prod|Production|Live)([^a-z]|$)|^(Prod|Production|Live)[A-Z]`)
)

// deploysTo tells whether an action changes production, by its names.
func deploysTo(stage string, a *types.ActionDeclaration) bool {
	if a.ActionTypeId == nil || a.ActionTypeId.Category != types.ActionCategoryDeploy {
		return false
	}
	names := []string{stage, aws.ToString(a.Name)}
	for _, key := range []string{"ClusterName", "ServiceName", "ApplicationName", "DeploymentGroupName", "BucketName", "StackName", "EnvironmentName"} {
		names = append(names, a.Configuration[key])
	}
	for _, n := range names {
		if production.MatchString(n) || productionCamel.MatchString(n) {
			return true
		}
	}
	return false
}

// approval finds deployments to production that no person decides: none of the
// actions before is a manual approval. Where nothing is named so, the last of
// several deploying stages is taken for production.
func (l *linter) approval(at func(action string) place, d *types.PipelineDeclaration) {
	last, deploying, named := -1, 0, false
	for i, s := range d.Stages {
		found := false
		for j := range s.Actions {
			a := &s.Actions[j]
			if a.ActionTypeId != nil && a.ActionTypeId.Category == types.ActionCategoryDeploy {
				found = true
			}
			named = named || deploysTo(aws.ToString(s.Name), a)
		}
		if found {
			last = i
			deploying++
		}
	}
	approved := false
	for i, s := range d.Stages {
		before := int32(1 << 30) // the run order of the stage's first approval
		for _, a := range s.Actions {
			if a.ActionTypeId != nil && a.ActionTypeId.Category == types.ActionCategoryApproval {
				before = min(before, order(a.RunOrder))
			}
		}
		for j := range s.Actions {
			a := &s.Actions[j]
			if a.ActionTypeId == nil || a.ActionTypeId.Category != types.ActionCategoryDeploy || approved || before < order(a.RunOrder) {
				continue
			}
			if deploysTo(aws.ToString(s.Name), a) || !named && deploying > 1 && i == last {
				l.report.add(ruleApproval, at(aws.ToString(a.Name)),
					fmt.Sprintf("The action %s of stage %s deploys to production, and nobody approves it before.", clip(aws.ToString(a.Name)), clip(aws.ToString(s.Name))),
					"Add a stage with an action of category Approval, provider Manual, before it.")
			}
		}
		approved = approved || before < 1<<30
	}
}

func order(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}
