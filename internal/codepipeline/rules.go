package codepipeline

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// The providers of rules ("Rule structure reference").
const (
	variableCheck    = "VariableCheck"
	alarmCheck       = "CloudWatchAlarm"
	functionCheck    = "LambdaInvoke"
	deploymentWindow = "DeploymentWindow"
)

// ruleKind is one type of rule.
type ruleKind struct {
	provider   string
	properties []property
	// check says what is wrong with a configuration, "" if nothing is. Values
	// with variables are known only later.
	check func(map[string]string) string
	// skips says that a stage may be skipped by it.
	skips bool
	// artifacts says that it has input artifacts.
	artifacts bool
	// timeout ends the rule, where its declaration does not say when.
	timeout time.Duration
}

var ruleKinds = []ruleKind{
	{provider: variableCheck, skips: true, check: checkComparison, properties: []property{
		{name: "Operator", required: true, about: "EQ, NE, CONTAINS or MATCHES"},
		{name: "Variable", required: true, about: "The variable: #{namespace.key}"},
		{name: "Value", required: true, about: "What it is compared with"},
	}},
	{provider: alarmCheck, timeout: 61 * 24 * time.Hour /* the longest WaitTime is 60 days */, check: checkAlarm, properties: []property{
		{name: "AlarmName", required: true, about: "The alarm of CloudWatch"},
		{name: "AlarmStates", about: "The states, with commas between them, that the rule fails by: ALARM if nothing else is said, OK, INSUFFICIENT_DATA"},
		{name: "WaitTime", about: "How many minutes an entry waits for the alarm to leave these states, or a stage that ended for it to go into one"},
	}},
	{provider: functionCheck, skips: true, artifacts: true, timeout: time.Hour, properties: []property{
		{name: "FunctionName", required: true, about: "The function, which puts the result of the job that it is given"},
		{name: "UserParameters", about: "A text for the function"},
	}},
	{provider: deploymentWindow, timeout: 7 * 24 * time.Hour, check: checkWindow, properties: []property{
		{name: "Cron", required: true, about: "When the window is open: seconds, minutes, hours, day of the month, month, day of the week and perhaps the year"},
		{name: "TimeZone", about: "The time zone of the window, UTC if nothing is said"},
	}},
}

func ruleKindOf(id *types.RuleTypeId) *ruleKind {
	for i := range ruleKinds {
		if k := &ruleKinds[i]; k.provider == aws.ToString(id.Provider) && (id.Version == nil || *id.Version == "1") {
			return k
		}
	}
	return nil
}

// checkRule says what is wrong with a rule, "" if nothing is.
func checkRule(r *types.RuleDeclaration, region string) string {
	id := r.RuleTypeId
	kind := ruleKindOf(id)
	if kind == nil {
		return fmt.Sprintf("RuleType (Category: '%s', Provider: '%s', Owner: '%s', Version: '%s') is not available in region '%s'",
			id.Category, aws.ToString(id.Provider), id.Owner, aws.ToString(id.Version), strings.ToUpper(strings.ReplaceAll(region, "-", "_")))
	}
	if len(r.Commands) > 0 {
		return "The rule type " + kind.provider + " has no commands"
	}
	if len(r.InputArtifacts) > 0 && !kind.artifacts {
		return "The rule type " + kind.provider + " has no input artifacts"
	}
	if own := aws.ToString(r.Region); own != "" && own != region && kind.provider == variableCheck {
		return "The rule type VariableCheck runs in the region of the pipeline"
	}
	keys := make([]string, 0, len(r.Configuration))
	for k := range r.Configuration {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		if !slices.ContainsFunc(kind.properties, func(p property) bool { return p.name == k }) {
			return fmt.Sprintf("The configuration of the rule contains unknown configuration '%s'", k)
		}
	}
	for _, p := range kind.properties {
		if p.required && r.Configuration[p.name] == "" {
			return fmt.Sprintf("The configuration of the rule is missing required configuration '%s'", p.name)
		}
	}
	if kind.check == nil {
		return ""
	}
	return kind.check(r.Configuration)
}

var operators = []string{"EQ", "NE", "CONTAINS", "MATCHES"}

func checkComparison(c map[string]string) string {
	operator, value := c["Operator"], c["Value"]
	if !slices.Contains(operators, operator) {
		return "The Operator of the rule must be one of " + strings.Join(operators, ", ")
	}
	if operator == "MATCHES" && !strings.Contains(value, "#{") {
		if _, err := wholeMatch(value); err != nil {
			return "The Value of the rule is not a regular expression that is supported here (RE2, without lookaround and back references)"
		}
	}
	return ""
}

// wholeMatch compiles an expression that must match a value from end to end.
func wholeMatch(text string) (*regexp.Regexp, error) { return regexp.Compile(`^(?:` + text + `)$`) }

// holds reports whether a rule passes with its variables resolved, and why not.
func holds(c map[string]string) (ok bool, why string) {
	v, want := c["Variable"], c["Value"]
	switch c["Operator"] {
	case "EQ":
		ok = v == want
	case "NE":
		ok = v != want
	case "CONTAINS":
		ok = strings.Contains(v, want)
	case "MATCHES":
		re, err := wholeMatch(want)
		if err != nil {
			return false, "The value is not a regular expression that is supported here"
		}
		ok = re.MatchString(v)
	}
	if ok {
		return true, ""
	}
	return false, fmt.Sprintf("The variable's value %q does not meet %s %q", cut(v, 200), c["Operator"], cut(want, 200))
}

// ruleType is how ListRuleTypes shows one.
func (k *ruleKind) ruleType() types.RuleType {
	t := types.RuleType{
		Id:                   &types.RuleTypeId{Category: types.RuleCategoryRule, Owner: types.RuleOwnerAws, Provider: aws.String(k.provider), Version: aws.String("1")},
		InputArtifactDetails: &types.ArtifactDetails{},
		Settings:             &types.RuleTypeSettings{},
	}
	if k.artifacts {
		t.InputArtifactDetails.MaximumCount = 5
	}
	for _, p := range k.properties {
		t.RuleConfigurationProperties = append(t.RuleConfigurationProperties, types.RuleConfigurationProperty{Name: aws.String(p.name),
			Required: p.required, Description: aws.String(p.about), Type: types.RuleConfigurationPropertyTypeString})
	}
	return t
}
