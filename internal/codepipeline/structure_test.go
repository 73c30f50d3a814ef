package codepipeline

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

func action(name string, category types.ActionCategory, provider string, in, out string, configuration ...string) types.ActionDeclaration {
	a := types.ActionDeclaration{Name: aws.String(name), Configuration: map[string]string{},
		ActionTypeId: &types.ActionTypeId{Category: category, Owner: types.ActionOwnerAws, Provider: aws.String(provider), Version: aws.String("1")}}
	for _, n := range strings.Fields(in) {
		a.InputArtifacts = append(a.InputArtifacts, types.InputArtifact{Name: aws.String(n)})
	}
	for _, n := range strings.Fields(out) {
		a.OutputArtifacts = append(a.OutputArtifacts, types.OutputArtifact{Name: aws.String(n)})
	}
	for _, kv := range configuration {
		k, v, _ := strings.Cut(kv, "=")
		a.Configuration[k] = v
	}
	return a
}

func stage(name string, actions ...types.ActionDeclaration) types.StageDeclaration {
	return types.StageDeclaration{Name: aws.String(name), Actions: actions}
}

// sample is a valid pipeline: source, build, approval and deployment.
func sample() *types.PipelineDeclaration {
	source := action("Checkout", types.ActionCategorySource, "CodeCommit", "", "Src", "RepositoryName=r", "BranchName=main")
	source.Namespace = aws.String("src")
	build := action("Build", types.ActionCategoryBuild, "CodeBuild", "Src", "Out", "ProjectName=p",
		`EnvironmentVariables=[{"name":"COMMIT","value":"#{src.CommitId}"}]`)
	build.Namespace = aws.String("build")
	return &types.PipelineDeclaration{
		Name: aws.String("p"), RoleArn: aws.String("arn:aws:iam::000000000000:role/r"), PipelineType: types.PipelineTypeV2,
		ArtifactStore: &types.ArtifactStore{Type: types.ArtifactStoreTypeS3, Location: aws.String("bucket")},
		Variables:     []types.PipelineVariableDeclaration{{Name: aws.String("env"), DefaultValue: aws.String("test")}},
		Stages: []types.StageDeclaration{
			stage("Source", source),
			stage("Build", build),
			stage("Deploy",
				action("Approve", types.ActionCategoryApproval, "Manual", "", "", "CustomData=#{build.VERSION} to #{variables.env}"),
				action("Ship", types.ActionCategoryDeploy, "ECS", "Out", "", "ClusterName=c", "ServiceName=s")),
		},
	}
}

func TestCheckStructure(t *testing.T) {
	type decl = types.PipelineDeclaration
	at := func(p *decl, stage, action int) *types.ActionDeclaration { return &p.Stages[stage].Actions[action] }
	for _, c := range []struct {
		name, code, message string
		spoil               func(*decl)
	}{
		{"as it is", "", "", func(*decl) {}},
		{"one stage", "InvalidStructure", "Pipeline has only 1 stage(s). There should be a minimum of 2 stages in a pipeline",
			func(p *decl) { p.Stages = p.Stages[:1] }},
		{"51 stages", "LimitExceeded", "at most 50 stages", func(p *decl) {
			for i := range 48 {
				p.Stages = append(p.Stages, stage(fmt.Sprint("S", i), action("A", types.ActionCategoryApproval, "Manual", "", "")))
			}
		}},
		{"no source", "InvalidStructure", "Pipeline should start with a stage that only contains source actions", func(p *decl) { p.Stages = p.Stages[1:] }},
		{"a source among others", "InvalidStructure", "only contains source actions", func(p *decl) {
			p.Stages[0].Actions = append(p.Stages[0].Actions, action("X", types.ActionCategoryApproval, "Manual", "", ""))
		}},
		{"a late source", "InvalidStructure", "Source actions can only be used in the first stage. ActionName=[Late], StageName=[Build]", func(p *decl) {
			p.Stages[1].Actions = append(p.Stages[1].Actions, action("Late", types.ActionCategorySource, "S3", "", "X", "S3Bucket=b", "S3ObjectKey=k"))
		}},
		{"stage names", "InvalidStageDeclaration", "Build has been used more than once", func(p *decl) { p.Stages[2].Name = aws.String("Build") }},
		{"no action", "InvalidStageDeclaration", "at least one action", func(p *decl) { p.Stages[2].Actions = nil }},
		{"action names", "InvalidActionDeclaration", "Approve has been used more than once", func(p *decl) { at(p, 2, 1).Name = aws.String("Approve") }},
		{"no store", "InvalidStructure", "artifactStore", func(p *decl) { p.ArtifactStore = nil }},
		{"both stores", "InvalidStructure", "artifactStore", func(p *decl) {
			p.ArtifactStores = map[string]types.ArtifactStore{"us-east-1": *p.ArtifactStore}
		}},
		{"a store elsewhere", "InvalidStructure", "us-east-1", func(p *decl) {
			p.ArtifactStores, p.ArtifactStore = map[string]types.ArtifactStore{"eu-west-1": *p.ArtifactStore}, nil
		}},
		{"stores by region", "", "", func(p *decl) {
			p.ArtifactStores, p.ArtifactStore = map[string]types.ArtifactStore{"us-east-1": *p.ArtifactStore}, nil
		}},
		{"another region", "", "", func(p *decl) {
			at(p, 1, 0).Region = aws.String("eu-west-1")
			p.ArtifactStores, p.ArtifactStore = map[string]types.ArtifactStore{"us-east-1": *p.ArtifactStore, "eu-west-1": *p.ArtifactStore}, nil
		}},
		{"another region without a store", "InvalidStructure", "an artifact store for the region eu-west-1 of action Build", func(p *decl) { at(p, 1, 0).Region = aws.String("eu-west-1") }},
		{"a source in another region", "InvalidActionDeclaration", "source and custom actions run in the region of the pipeline", func(p *decl) { at(p, 0, 0).Region = aws.String("eu-west-1") }},
		{"an output twice", "InvalidStructure", "Output Artifact Bundle name must be unique within the pipeline. Src has been used more than once.",
			func(p *decl) { at(p, 1, 0).OutputArtifacts[0].Name = aws.String("Src") }},
		{"an input of nobody", "InvalidActionDeclaration", "Input Artifact Bundle Nope in action Ship is not declared as Output Artifact Bundle in any of the preceding actions",
			func(p *decl) { at(p, 2, 1).InputArtifacts[0].Name = aws.String("Nope") }},
		{"an input of the same group", "InvalidActionDeclaration", "Input Artifact Bundle Out in action Ship", func(p *decl) {
			p.Stages[1].Actions = append(p.Stages[1].Actions, *at(p, 2, 1))
			p.Stages[2].Actions = p.Stages[2].Actions[:1]
		}},
		{"an input of an earlier group", "", "", func(p *decl) {
			ship := *at(p, 2, 1)
			ship.RunOrder = aws.Int32(7)
			p.Stages[1].Actions = append(p.Stages[1].Actions, ship)
			p.Stages[2].Actions = p.Stages[2].Actions[:1]
		}},
		{"too few inputs", "InvalidActionDeclaration", "Action Ship declares 0 input artifacts which is less than the minimum count (1)", func(p *decl) { at(p, 2, 1).InputArtifacts = nil }},
		{"too many outputs", "InvalidActionDeclaration", "Action Ship declares 1 output artifacts which is more than the maximum count (0)",
			func(p *decl) { at(p, 2, 1).OutputArtifacts = []types.OutputArtifact{{Name: aws.String("New")}} }},
		{"an unknown provider", "InvalidActionDeclaration", "ActionType (Category: 'Deploy', Provider: 'AlexaSkillsKit', Owner: 'AWS', Version: '1') in action 'Ship' is not available in region 'US_EAST_1'",
			func(p *decl) { at(p, 2, 1).ActionTypeId.Provider = aws.String("AlexaSkillsKit") }},
		{"a custom action", "InvalidActionDeclaration", "Owner: 'Custom'", func(p *decl) { at(p, 1, 0).ActionTypeId.Owner = types.ActionOwnerCustom }},
		{"an unknown key", "InvalidActionDeclaration", "Action configuration for action 'Ship' contains unknown configuration 'Nope'", func(p *decl) { at(p, 2, 1).Configuration["Nope"] = "x" }},
		{"a missing key", "InvalidActionDeclaration", "Action configuration for action 'Ship' is missing required configuration 'ServiceName'",
			func(p *decl) { delete(at(p, 2, 1).Configuration, "ServiceName") }},
		{"a number", "InvalidActionDeclaration", "DeploymentTimeout", func(p *decl) { at(p, 2, 1).Configuration["DeploymentTimeout"] = "61" }},
		{"a boolean", "InvalidActionDeclaration", "PollForSourceChanges must be true or false", func(p *decl) { at(p, 0, 0).Configuration["PollForSourceChanges"] = "no" }},
		{"a full clone", "InvalidActionDeclaration", "CODEBUILD_CLONE_REF", func(p *decl) { at(p, 0, 0).Configuration["OutputArtifactFormat"] = "CODEBUILD_CLONE_REF" }},
		{"a topic", "", "", func(p *decl) { at(p, 2, 0).Configuration["NotificationArn"] = "arn:aws:sns:us-east-1:000000000000:t" }},
		{"a topic that is none", "InvalidActionDeclaration", "Amazon SNS topic", func(p *decl) { at(p, 2, 0).Configuration["NotificationArn"] = "arn:aws:s3:::t" }},
		{"a batch", "InvalidActionDeclaration", "batch builds are not supported", func(p *decl) { at(p, 1, 0).Configuration["BatchEnabled"] = "true" }},
		{"no batch", "", "", func(p *decl) { at(p, 1, 0).Configuration["BatchEnabled"] = "false" }},
		{"environment", "InvalidActionDeclaration", "EnvironmentVariables must be a JSON array", func(p *decl) { at(p, 1, 0).Configuration["EnvironmentVariables"] = "{}" }},
		{"no primary source", "InvalidActionDeclaration", "PrimarySource is required", func(p *decl) {
			p.Stages[0].Actions = append(p.Stages[0].Actions, action("Two", types.ActionCategorySource, "S3", "", "Src2", "S3Bucket=b", "S3ObjectKey=k"))
			at(p, 1, 0).InputArtifacts = append(at(p, 1, 0).InputArtifacts, types.InputArtifact{Name: aws.String("Src2")})
		}},
		{"a timeout", "InvalidActionDeclaration", "only manual approval actions", func(p *decl) { at(p, 1, 0).TimeoutInMinutes = aws.Int32(5) }},
		{"commands", "InvalidActionDeclaration", "provider Commands", func(p *decl) { at(p, 1, 0).Commands = []string{"true"} }},
		{"rollback", "", "", func(p *decl) { p.Stages[1].OnFailure = &types.FailureConditions{Result: types.ResultRollback} }},
		{"retry", "", "", func(p *decl) {
			p.Stages[0].OnFailure = &types.FailureConditions{Result: types.ResultRetry, RetryConfiguration: &types.RetryConfiguration{RetryMode: types.StageRetryModeAllActions}}
		}},
		{"a retry mode without retry", "InvalidStructure", "retryConfiguration", func(p *decl) {
			p.Stages[0].OnFailure = &types.FailureConditions{Result: types.ResultFail, RetryConfiguration: &types.RetryConfiguration{}}
		}},
		{"skip", "InvalidStructure", "SKIP cannot be used in onFailure", func(p *decl) { p.Stages[1].OnFailure = &types.FailureConditions{Result: types.ResultSkip} }},
		{"rollback of the source", "InvalidStructure", "cannot be rolled back", func(p *decl) { p.Stages[0].OnFailure = &types.FailureConditions{Result: types.ResultRollback} }},
		{"rollback in parallel", "InvalidStructure", "PARALLEL", func(p *decl) {
			p.ExecutionMode, p.Stages[1].OnFailure = types.ExecutionModeParallel, &types.FailureConditions{Result: types.ResultRollback}
		}},
		{"retry in V1", "InvalidStructure", "can only be used with V2 pipelines", func(p *decl) {
			p.PipelineType, p.Variables, p.Stages[1].OnFailure = types.PipelineTypeV1, nil, &types.FailureConditions{Result: types.ResultRetry}
		}},
		{"conditions", "", "", func(p *decl) {
			p.Stages[1].BeforeEntry = &types.BeforeEntryConditions{Conditions: condition(types.ResultSkip, check("a", "#{src.CommitId}", "EQ", "x"), check("b", "#{variables.env}", "NE", "x"))}
			p.Stages[1].OnSuccess = &types.SuccessConditions{Conditions: condition(types.ResultRollback, check("a", "#{build.VERSION}", "EQ", "x"))}
			p.Stages[1].OnFailure = &types.FailureConditions{Conditions: condition(types.ResultRollback, check("a", "#{src.CommitId}", "EQ", "x"))}
		}},
		{"a variable that comes later than the condition", "InvalidStageDeclaration", "does not run before the action that uses them. StageName=[Build], RuleName=[a], RuleConfigurationKey=[Variable], VariableReferenceText=[build.VERSION]", func(p *decl) {
			p.Stages[1].BeforeEntry = &types.BeforeEntryConditions{Conditions: condition(types.ResultFail, check("a", "#{build.VERSION}", "EQ", "x"))}
		}},
		{"a rule twice", "InvalidStageDeclaration", "Rule names must be unique", func(p *decl) {
			p.Stages[1].BeforeEntry = &types.BeforeEntryConditions{Conditions: condition(types.ResultFail, check("a", "b", "EQ", "x"), check("a", "b", "EQ", "x"))}
		}},
		{"another kind of rule", "InvalidStageDeclaration", "Provider: 'Commands'", func(p *decl) {
			p.Stages[1].BeforeEntry = &types.BeforeEntryConditions{Conditions: condition(types.ResultFail, check("a", "b", "EQ", "x"))}
			p.Stages[1].BeforeEntry.Conditions[0].Rules[0].RuleTypeId.Provider = aws.String("Commands")
		}},
		{"a rule that cannot skip", "InvalidStageDeclaration", "The result SKIP can be used with the rules LambdaInvoke and VariableCheck only", func(p *decl) {
			r := check("a", "b", "EQ", "x")
			r.RuleTypeId.Provider, r.Configuration = aws.String("CloudWatchAlarm"), map[string]string{"AlarmName": "a"}
			p.Stages[1].BeforeEntry = &types.BeforeEntryConditions{Conditions: condition(types.ResultSkip, r)}
		}},
		{"a result for another condition", "InvalidStructure", "The result ROLLBACK cannot be used in beforeEntry", func(p *decl) {
			p.Stages[1].BeforeEntry = &types.BeforeEntryConditions{Conditions: condition(types.ResultRollback, check("a", "b", "EQ", "x"))}
		}},
		{"a retry with conditions", "InvalidStructure", "RETRY cannot be used together with conditions", func(p *decl) {
			p.Stages[1].OnFailure = &types.FailureConditions{Result: types.ResultRetry, Conditions: condition(types.ResultRollback, check("a", "b", "EQ", "x"))}
		}},
		{"conditions in V1", "InvalidStructure", "can only be used with V2 pipelines", func(p *decl) {
			p.PipelineType, p.Variables, p.Stages[1].BeforeEntry = types.PipelineTypeV1, nil, &types.BeforeEntryConditions{}
		}},
		{"blockers", "InvalidBlockerDeclaration", "reserved", func(p *decl) { p.Stages[1].Blockers = make([]types.BlockerDeclaration, 1) }},
		{"a trigger for another kind of source", "InvalidStructure", "Triggers for connection must reference a CodeStarSourceConnection action", func(p *decl) { p.Triggers = triggers("Checkout") }},
		{"triggers in V1", "InvalidStructure", "Triggers can only be used with V2 pipelines", func(p *decl) {
			p.PipelineType, p.Variables, p.Triggers = types.PipelineTypeV1, nil, make([]types.PipelineTriggerDeclaration, 1)
		}},
		{"variables in V1", "InvalidStructure", "Variables can only be used with V2 pipelines", func(p *decl) { p.PipelineType = types.PipelineTypeV1 }},
		{"a queue in V1", "InvalidStructure", "QUEUED can only be used with V2 pipelines", func(p *decl) {
			p.PipelineType, p.Variables, p.ExecutionMode = types.PipelineTypeV1, nil, types.ExecutionModeQueued
		}},
		{"a namespace twice", "InvalidActionDeclaration", "Namespaces must be unique across the pipeline definition. The following occur more than once in the pipeline. StageName=[Build], ActionName=[Build], Namespace=[src]",
			func(p *decl) { at(p, 1, 0).Namespace = aws.String("src") }},
		{"a reserved namespace", "InvalidActionDeclaration", "reserved", func(p *decl) { at(p, 1, 0).Namespace = aws.String("codepipeline") }},
		{"a namespace like an artifact", "InvalidActionDeclaration", "names of artifacts", func(p *decl) { at(p, 1, 0).Namespace = aws.String("Out") }},
		{"an unknown namespace", "InvalidActionDeclaration", "Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.). The following pipeline execution variables are referencing a namespace that does not exist. StageName=[Deploy], ActionName=[Approve], ActionConfigurationKey=[CustomData], VariableReferenceText=[nope.X]",
			func(p *decl) { at(p, 2, 0).Configuration["CustomData"] = "#{nope.X}" }},
		{"no key", "InvalidActionDeclaration", "not in the valid format", func(p *decl) { at(p, 2, 0).Configuration["CustomData"] = "#{src}" }},
		{"a namespace too late", "InvalidActionDeclaration", "does not run before", func(p *decl) { at(p, 1, 0).Configuration["ProjectName"] = "#{build.X}" }},
		{"a variable of no pipeline", "InvalidActionDeclaration", "not declared", func(p *decl) { at(p, 2, 0).Configuration["CustomData"] = "#{variables.nope}" }},
		{"a variable in a source", "InvalidActionDeclaration", "cannot be used in source actions", func(p *decl) { at(p, 0, 0).Configuration["BranchName"] = "#{variables.env}" }},
		{"the execution id", "", "", func(p *decl) { at(p, 2, 0).Configuration["CustomData"] = "#{codepipeline.PipelineExecutionId}" }},
		{"another of its keys", "InvalidActionDeclaration", "namespace codepipeline", func(p *decl) { at(p, 2, 0).Configuration["CustomData"] = "#{codepipeline.Id}" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := sample()
			c.spoil(p)
			err := checkStructure(p, "us-east-1", kindOf)
			if c.code == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("was accepted")
			}
			if code := fmt.Sprintf("%T", err); code != "*types."+c.code+"Exception" {
				t.Errorf("code %s, want %s", code, c.code)
			}
			if !strings.Contains(err.Error(), c.message) {
				t.Errorf("message %q lacks %q", err, c.message)
			}
		})
	}
}

func TestResolve(t *testing.T) {
	ex := &Execution{Outputs: map[string]map[string]string{"src": {"CommitId": "abc", "BranchName": "#{src.CommitId}"}}}
	ex.PipelineExecutionId = aws.String("e1")
	ex.Variables = []types.ResolvedPipelineVariable{{Name: aws.String("env"), ResolvedValue: aws.String("test")}}
	for _, c := range []struct{ in, want, missing string }{
		{"plain", "plain", ""},
		{"#{src.CommitId}-#{src.CommitId}", "abc-abc", ""},
		{"#{codepipeline.PipelineExecutionId}/#{variables.env}", "e1/test", ""},
		{"#{src.BranchName}", "#{src.CommitId}", ""}, // a value is not resolved again
		{"#{src.nope}", "#{src.nope}", "#{src.nope}"},
		{"#{src.commitid}", "#{src.commitid}", "#{src.commitid}"},
	} {
		got, missing := resolve(map[string]string{"k": c.in}, ex)
		if got["k"] != c.want || missing != c.missing {
			t.Errorf("%s: got %s (missing %q), want %s (missing %q)", c.in, got["k"], missing, c.want, c.missing)
		}
	}
}
