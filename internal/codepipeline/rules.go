package codepipeline

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// variableCheck is the one rule type there is: it compares a variable with a
// value (AWS's "VariableCheck" in the rule structure reference).
const variableCheck = "VariableCheck"

var variableCheckProperties = []property{
	{name: "Operator", required: true, about: "EQ, NE, CONTAINS or MATCHES"},
	{name: "Variable", required: true, about: "The variable: #{namespace.key}"},
	{name: "Value", required: true, about: "What it is compared with"},
}

var operators = []string{"EQ", "NE", "CONTAINS", "MATCHES"}

// checkRule says what is wrong with a rule, "" if nothing is.
func checkRule(r *types.RuleDeclaration, region string) string {
	id := r.RuleTypeId
	if aws.ToString(id.Provider) != variableCheck || id.Version != nil && *id.Version != "1" {
		return fmt.Sprintf("RuleType (Category: '%s', Provider: '%s', Owner: '%s', Version: '%s') is not available in region '%s'",
			id.Category, aws.ToString(id.Provider), id.Owner, aws.ToString(id.Version), strings.ToUpper(strings.ReplaceAll(region, "-", "_")))
	}
	if len(r.Commands) > 0 || len(r.InputArtifacts) > 0 {
		return "The rule type VariableCheck has neither commands nor input artifacts"
	}
	if own := aws.ToString(r.Region); own != "" && own != region {
		return "The rule type VariableCheck runs in the region of the pipeline"
	}
	keys := make([]string, 0, len(r.Configuration))
	for k := range r.Configuration {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		if !slices.ContainsFunc(variableCheckProperties, func(p property) bool { return p.name == k }) {
			return fmt.Sprintf("The configuration of the rule contains unknown configuration '%s'", k)
		}
	}
	for _, p := range variableCheckProperties {
		if r.Configuration[p.name] == "" {
			return fmt.Sprintf("The configuration of the rule is missing required configuration '%s'", p.name)
		}
	}
	operator, value := r.Configuration["Operator"], r.Configuration["Value"]
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

// ruleType is how ListRuleTypes shows it.
func ruleType() types.RuleType {
	t := types.RuleType{
		Id:                   &types.RuleTypeId{Category: types.RuleCategoryRule, Owner: types.RuleOwnerAws, Provider: aws.String(variableCheck), Version: aws.String("1")},
		InputArtifactDetails: &types.ArtifactDetails{},
		Settings:             &types.RuleTypeSettings{},
	}
	for _, p := range variableCheckProperties {
		t.RuleConfigurationProperties = append(t.RuleConfigurationProperties, types.RuleConfigurationProperty{Name: aws.String(p.name),
			Required: p.required, Description: aws.String(p.about), Type: types.RuleConfigurationPropertyTypeString})
	}
	return t
}
