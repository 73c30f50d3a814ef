package codepipeline

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
)

// place is where in a pipeline something runs: a later stage, or a higher run
// order in the same stage, runs after.
type place struct {
	stage int
	order int32
}

func (p place) before(q place) bool {
	return p.stage < q.stage || p.stage == q.stage && p.order < q.order
}

// placeOf says where an action runs; an absent run order is 1.
func placeOf(stage int, a *types.ActionDeclaration) place {
	return place{stage, runOrder(a)}
}

func runOrder(a *types.ActionDeclaration) int32 {
	if a.RunOrder == nil {
		return 1
	}
	return *a.RunOrder
}

// checkActions checks each action alone, and the hand-off of artifacts.
func checkActions(p *types.PipelineDeclaration, region string, find catalog) error {
	made := map[string]place{}
	for i := range p.Stages {
		for j := range p.Stages[i].Actions {
			a := &p.Stages[i].Actions[j]
			for _, out := range a.OutputArtifacts {
				name := aws.ToString(out.Name)
				if _, ok := made[name]; ok {
					return badStructure("Output Artifact Bundle name must be unique within the pipeline. %s has been used more than once.", name)
				}
				made[name] = placeOf(i, a)
			}
		}
	}
	for i := range p.Stages {
		for j := range p.Stages[i].Actions {
			a := &p.Stages[i].Actions[j]
			if err := checkAction(p, a, region, find); err != nil {
				return err
			}
			for _, in := range a.InputArtifacts {
				at, ok := made[aws.ToString(in.Name)]
				if !ok || !at.before(placeOf(i, a)) {
					return badAction("Input Artifact Bundle %s in action %s is not declared as Output Artifact Bundle in any of the preceding actions",
						aws.ToString(in.Name), aws.ToString(a.Name))
				}
			}
		}
	}
	return nil
}

func checkAction(p *types.PipelineDeclaration, a *types.ActionDeclaration, region string, find catalog) error {
	name := aws.ToString(a.Name)
	k := find(a.ActionTypeId)
	if k == nil {
		return badAction("ActionType (Category: '%s', Provider: '%s', Owner: '%s', Version: '%s') in action '%s' is not available in region '%s'",
			a.ActionTypeId.Category, aws.ToString(a.ActionTypeId.Provider), a.ActionTypeId.Owner, aws.ToString(a.ActionTypeId.Version),
			name, strings.ToUpper(strings.ReplaceAll(region, "-", "_")))
	}
	if r := aws.ToString(a.Region); r != "" && r != region {
		if k.category == types.ActionCategorySource || a.ActionTypeId.Owner != types.ActionOwnerAws {
			return badAction("Action %s cannot be in region %s: source and custom actions run in the region of the pipeline", name, r)
		}
		if _, ok := p.ArtifactStores[r]; !ok {
			return badStructure("The artifactStores of the pipeline must contain an artifact store for the region %s of action %s", r, name)
		}
	}
	if err := checkCounts(name, k, len(a.InputArtifacts), len(a.OutputArtifacts)); err != nil {
		return err
	}
	if a.TimeoutInMinutes != nil && k.category != types.ActionCategoryApproval {
		return badAction("Action %s declares timeoutInMinutes, which only manual approval actions can have", name)
	}
	if len(a.Commands) > 0 || len(a.OutputVariables) > 0 || len(a.EnvironmentVariables) > 0 {
		return badAction("Action %s declares commands, outputVariables or environmentVariables, which only actions of the provider Commands can have", name)
	}
	for _, o := range a.OutputArtifacts {
		if len(o.Files) > 0 {
			return badAction("Action %s declares files of output artifact %s, which only actions of the provider Commands can have", name, aws.ToString(o.Name))
		}
	}
	return checkConfiguration(a, k)
}

func checkCounts(action string, k *kind, in, out int) error {
	for _, c := range []struct {
		what string
		n    int
		span span
	}{{"input", in, k.inputs}, {"output", out, k.outputs}} {
		if int32(c.n) < c.span.min {
			return badAction("Action %s declares %d %s artifacts which is less than the minimum count (%d)", action, c.n, c.what, c.span.min)
		}
		if int32(c.n) > c.span.max {
			return badAction("Action %s declares %d %s artifacts which is more than the maximum count (%d)", action, c.n, c.what, c.span.max)
		}
	}
	return nil
}

func checkConfiguration(a *types.ActionDeclaration, k *kind) error {
	name := aws.ToString(a.Name)
	keys := make([]string, 0, len(a.Configuration))
	for key := range a.Configuration {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		p := k.property(key)
		if p == nil {
			return badAction("Action configuration for action '%s' contains unknown configuration '%s'", name, key)
		}
		if strings.HasPrefix(a.Configuration[key], sealed) {
			return badAction("Action configuration for action '%s' is not valid: the value of '%s' begins with a control character", name, key)
		}
		if p.refuse != "" && a.Configuration[key] != "false" {
			return badAction("Action configuration for action '%s' sets '%s': %s are not supported", name, key, lowerFirst(p.refuse))
		}
	}
	for _, p := range k.properties {
		if p.required && a.Configuration[p.name] == "" {
			return badAction("Action configuration for action '%s' is missing required configuration '%s'", name, p.name)
		}
	}
	if problem := checkValues(a, k); problem != "" {
		return badAction("Action configuration for action '%s' is not valid: %s", name, problem)
	}
	return nil
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// checkValues checks what a value must look like, unless it holds a reference
// to a variable and so is known only when the action starts.
func checkValues(a *types.ActionDeclaration, k *kind) string {
	known := func(key string) (string, bool) {
		v, ok := a.Configuration[key]
		return v, ok && !strings.Contains(v, "#{")
	}
	if a.ActionTypeId.Owner != types.ActionOwnerAws {
		return checkCustom(k, known)
	}
	for _, key := range []string{"PollForSourceChanges", "AllowOverrideForS3ObjectKey", "Extract", "DetectChanges"} {
		if v, ok := known(key); ok && v != "true" && v != "false" {
			return fmt.Sprintf("%s must be true or false", key)
		}
	}
	if v, ok := known("OutputArtifactFormat"); ok && v != "CODE_ZIP" {
		if v == "CODEBUILD_CLONE_REF" && k.provider == connectionProvider {
			return ""
		}
		if v == "CODEBUILD_CLONE_REF" {
			return "the OutputArtifactFormat CODEBUILD_CLONE_REF (full clone) is not supported"
		}
		return "OutputArtifactFormat must be CODE_ZIP or CODEBUILD_CLONE_REF"
	}
	switch {
	case k.provider == "CodeBuild":
		return checkBuild(a, known)
	case k.category == types.ActionCategoryApproval:
		if v, ok := known("NotificationArn"); ok {
			if topic, ok := arn.Parse(v); !ok || topic.Service != "sns" || topic.Resource == "" {
				return "NotificationArn must be the ARN of an Amazon SNS topic"
			}
		}
	case k.provider == "ECS":
		if v, ok := known("DeploymentTimeout"); ok {
			if n, err := strconv.Atoi(v); err != nil || n < 1 || n > 60 {
				return "DeploymentTimeout must be a number of minutes from 1 to 60"
			}
		}
	case k.provider == "S3" && k.category == types.ActionCategoryDeploy:
		if v, ok := known("Extract"); ok && v == "false" && a.Configuration["ObjectKey"] == "" {
			return "ObjectKey is required when Extract is false"
		}
		if v, ok := known("CannedACL"); ok && !slices.Contains(s3types.ObjectCannedACL("").Values(), s3types.ObjectCannedACL(v)) {
			return "CannedACL is not a canned ACL of Amazon S3"
		}
	}
	return ""
}

// queryableValue is what the value of a queryable property may be: job workers
// ask for it.
var queryableValue = regexp.MustCompile(`^[A-Za-z0-9_-]{1,20}$`)

// checkCustom checks values by the properties of a custom action type.
func checkCustom(k *kind, known func(string) (string, bool)) string {
	for _, p := range k.properties {
		v, ok := known(p.name)
		if !ok || p.secret && v == stars {
			continue
		}
		switch p.form {
		case types.ActionConfigurationPropertyTypeNumber:
			if _, err := strconv.ParseFloat(v, 64); err != nil {
				return p.name + " must be a number"
			}
		case types.ActionConfigurationPropertyTypeBoolean:
			if v != "true" && v != "false" {
				return p.name + " must be true or false"
			}
		}
		if p.queryable && !queryableValue.MatchString(v) {
			return p.name + " is queryable: it must have 1 to 20 letters, digits, hyphens and underscores"
		}
	}
	return ""
}

func checkBuild(a *types.ActionDeclaration, known func(string) (string, bool)) string {
	primary, set := known("PrimarySource")
	if len(a.InputArtifacts) > 1 && a.Configuration["PrimarySource"] == "" {
		return "PrimarySource is required when there is more than one input artifact"
	}
	if set && !slices.ContainsFunc(a.InputArtifacts, func(in types.InputArtifact) bool { return aws.ToString(in.Name) == primary }) {
		return "PrimarySource must be the name of an input artifact"
	}
	if text, ok := known("EnvironmentVariables"); ok {
		if _, err := parseEnvironment(text); err != nil {
			return err.Error()
		}
	}
	return ""
}

// environmentVariable is an element of a CodeBuild action's EnvironmentVariables.
type environmentVariable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Type  string `json:"type"`
}

// parseEnvironment reads the JSON text of EnvironmentVariables; an absent type
// is PLAINTEXT.
func parseEnvironment(text string) ([]environmentVariable, error) {
	var vars []environmentVariable
	if err := json.Unmarshal([]byte(text), &vars); err != nil {
		return nil, fmt.Errorf("EnvironmentVariables must be a JSON array of objects with name, value and type")
	}
	for i := range vars {
		v := &vars[i]
		if v.Name == "" {
			return nil, fmt.Errorf("EnvironmentVariables: element %d has no name", i+1)
		}
		switch v.Type {
		case "":
			v.Type = "PLAINTEXT"
		case "PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER":
		default:
			return nil, fmt.Errorf("EnvironmentVariables: the type of %s must be PLAINTEXT, PARAMETER_STORE or SECRETS_MANAGER", v.Name)
		}
	}
	return vars, nil
}
