package codepipeline

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// The namespaces that no action can have.
const (
	ownNamespace      = "codepipeline" // the key PipelineExecutionId only
	variableNamespace = "variables"    // the pipeline's variables
)

// maxResolved is the most bytes the resolved configuration of an action may take.
const maxResolved = 100 << 10

var (
	anyReference = regexp.MustCompile(`#\{[^}]*\}`)
	reference    = regexp.MustCompile(`^#\{([A-Za-z0-9@\-_]+)\.([A-Za-z0-9@\-_]+)\}$`)
)

const referenceFormat = "Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.). "

// checkReferences checks namespaces and every #{namespace.key}: its producer
// must run strictly earlier. Keys of actions are known only at run time.
func checkReferences(p *types.PipelineDeclaration) error {
	made, err := namespaces(p)
	if err != nil {
		return err
	}
	declared := map[string]bool{}
	for _, v := range p.Variables {
		declared[aws.ToString(v.Name)] = true
	}
	for i := range p.Stages {
		stage := &p.Stages[i]
		for j := range stage.Actions {
			a := &stage.Actions[j]
			u := user{place: placeOf(i, a), source: a.ActionTypeId.Category == types.ActionCategorySource, made: made, declared: declared,
				where: fmt.Sprintf("StageName=[%s], ActionName=[%s], ActionConfigurationKey", aws.ToString(stage.Name), aws.ToString(a.Name))}
			if problem := u.check(a.Configuration); problem != "" {
				return badAction("%s", problem)
			}
		}
		for _, kind := range []types.ConditionType{beforeEntry, onSuccess, onFailure} {
			c, at := conditionOf(stage, kind), place{i, afterActions}
			if kind == beforeEntry {
				at.order = 0
			}
			for j := 0; c != nil && j < len(c.Rules); j++ {
				u := user{place: at, made: made, declared: declared,
					where: fmt.Sprintf("StageName=[%s], RuleName=[%s], RuleConfigurationKey", aws.ToString(stage.Name), aws.ToString(c.Rules[j].Name))}
				if problem := u.check(c.Rules[j].Configuration); problem != "" {
					return badStage("%s", problem)
				}
			}
		}
	}
	return nil
}

// afterActions is a run order after that of every action.
const afterActions = 1000

// user is a configuration that may refer to variables.
type user struct {
	place
	source   bool
	made     map[string]place // by namespace
	declared map[string]bool  // of the pipeline
	where    string
}

// check says which reference is wrong, "" if none is.
func (u user) check(configuration map[string]string) string {
	keys := make([]string, 0, len(configuration))
	for key := range configuration {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		for _, text := range anyReference.FindAllString(configuration[key], -1) {
			if problem := u.reference(text); problem != "" {
				return fmt.Sprintf("%s%s=[%s], VariableReferenceText=[%s]", problem, u.where, key, strings.TrimSuffix(strings.TrimPrefix(text, "#{"), "}"))
			}
		}
	}
	return ""
}

// namespaces maps each action's namespace to where it is made.
func namespaces(p *types.PipelineDeclaration) (map[string]place, error) {
	artifacts := map[string]bool{}
	for _, s := range p.Stages {
		for _, a := range s.Actions {
			for _, o := range a.OutputArtifacts {
				artifacts[aws.ToString(o.Name)] = true
			}
		}
	}
	made := map[string]place{}
	for i := range p.Stages {
		for j := range p.Stages[i].Actions {
			a := &p.Stages[i].Actions[j]
			ns := aws.ToString(a.Namespace)
			if ns == "" {
				continue
			}
			where := fmt.Sprintf("StageName=[%s], ActionName=[%s], Namespace=[%s]", aws.ToString(p.Stages[i].Name), aws.ToString(a.Name), ns)
			if _, ok := made[ns]; ok {
				return nil, badAction("Namespaces must be unique across the pipeline definition. The following occur more than once in the pipeline. %s", where)
			}
			if ns == ownNamespace || ns == variableNamespace {
				return nil, badAction("The following namespace is reserved. %s", where)
			}
			if artifacts[ns] {
				return nil, badAction("Namespaces must be different from the names of artifacts. %s", where)
			}
			made[ns] = placeOf(i, a)
		}
	}
	return made, nil
}

func (u user) reference(text string) string {
	m := reference.FindStringSubmatch(text)
	if m == nil {
		return referenceFormat + "The following pipeline execution variables are not in the valid format. "
	}
	switch ns, key := m[1], m[2]; ns {
	case ownNamespace:
		if key != "PipelineExecutionId" {
			return "The following variables are not in the namespace codepipeline. "
		}
	case variableNamespace:
		if u.source {
			return "Pipeline variables cannot be used in source actions. "
		}
		if !u.declared[key] {
			return "The following pipeline variables are not declared. "
		}
	default:
		producer, ok := u.made[ns]
		if !ok {
			return referenceFormat + "The following pipeline execution variables are referencing a namespace that does not exist. "
		}
		if !producer.before(u.place) {
			return "The following variables are made by an action that does not run before the action that uses them. "
		}
	}
	return ""
}

// resolve replaces the references in a configuration. missing is the first
// reference, in the order of the keys, to something that was not set.
func resolve(configuration map[string]string, ex *Execution) (resolved map[string]string, missing string) {
	resolved = make(map[string]string, len(configuration))
	keys := make([]string, 0, len(configuration))
	for key := range configuration {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		resolved[key] = anyReference.ReplaceAllStringFunc(configuration[key], func(text string) string {
			if m := reference.FindStringSubmatch(text); m != nil {
				if v, ok := ex.variable(m[1], m[2]); ok {
					return v
				}
			}
			if missing == "" {
				missing = text
			}
			return text
		})
	}
	return resolved, missing
}

func (ex *Execution) variable(namespace, key string) (string, bool) {
	switch namespace {
	case ownNamespace:
		return aws.ToString(ex.PipelineExecutionId), key == "PipelineExecutionId"
	case variableNamespace:
		for _, v := range ex.Variables {
			if aws.ToString(v.Name) == key {
				return aws.ToString(v.ResolvedValue), true
			}
		}
		return "", false
	}
	v, ok := ex.Outputs[namespace][key]
	return v, ok
}

// resolveVariables gives every declared variable the value of the start, or
// its default.
func resolveVariables(declared []types.PipelineVariableDeclaration, given []types.PipelineVariable) ([]types.ResolvedPipelineVariable, error) {
	values := map[string]string{}
	for _, g := range given {
		values[aws.ToString(g.Name)] = aws.ToString(g.Value)
	}
	var out []types.ResolvedPipelineVariable
	for _, d := range declared {
		v, ok := values[aws.ToString(d.Name)]
		delete(values, aws.ToString(d.Name))
		if !ok && d.DefaultValue == nil {
			return nil, invalid("Value for the following pipeline variable is missing and it has no default value: %s", aws.ToString(d.Name))
		}
		if !ok {
			v = *d.DefaultValue
		}
		out = append(out, types.ResolvedPipelineVariable{Name: d.Name, ResolvedValue: aws.String(v)})
	}
	for _, g := range given {
		if _, unknown := values[aws.ToString(g.Name)]; unknown {
			return nil, invalid("The following pipeline variable is not declared in the pipeline: %s", aws.ToString(g.Name))
		}
	}
	return out, nil
}

func invalid(format string, a ...any) error {
	return &types.ValidationException{Message: aws.String(fmt.Sprintf(format, a...))}
}
