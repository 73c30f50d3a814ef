package lint

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/iam/policy"
)

// planRoles simulates each action of a plan's pipeline in its role. Before an
// apply much is unknown: what is, counts as allowed, so that whatever is
// reported will be denied. Conditions of an Allow count as met, a Deny with
// conditions as not.
func (l *linter) planRoles(p *plan, pipeline *resource, d *types.PipelineDeclaration) {
	role := p.role(pipeline, "role_arn", aws.ToString(d.RoleArn))
	for i := range d.Stages {
		for j := range d.Stages[i].Actions {
			a := &d.Stages[i].Actions[j]
			acting := role
			if own := aws.ToString(a.RoleArn); own != "" {
				acting = p.role(nil, "", own)
			}
			if acting == nil { // known after apply, or not in the plan
				continue
			}
			exact, known := p.policies(acting, regionless)
			anywhere, _ := p.policies(acting, everywhere)
			if !known {
				l.report.note(fmt.Sprintf("The policies of %s are known after apply only; lint the JSON of the state (`terraform show -json`) to simulate them.", acting.address))
				continue
			}
			l.denied(l.at(p, acting), acting.address, d, a, func(n need) bool {
				set := exact
				if n.anywhere {
					set = anywhere
				}
				return set.Decide(&policy.Request{Action: n.action, Resource: n.resource, Context: func(string) []string { return nil }}).Allowed
			})
		}
	}
}

// denied reports the needs of an action that are not allowed.
func (l *linter) denied(at place, role string, d *types.PipelineDeclaration, a *types.ActionDeclaration, allowed func(need) bool) {
	var lacking []string
	resource := "*"
	for _, n := range needs(d, a) {
		if !allowed(n) && !slices.Contains(lacking, n.action) {
			lacking = append(lacking, n.action)
			resource = strings.Replace(n.resource, "/artifact/object", "/*", 1)
		}
	}
	if len(lacking) == 0 {
		return
	}
	l.report.add(rulePermissions, at,
		fmt.Sprintf("The action %s (%s) needs %s, which the role %s does not allow.", clip(aws.ToString(a.Name)), aws.ToString(a.ActionTypeId.Provider), strings.Join(lacking, ", "), role),
		fmt.Sprintf("Allow %s on %s.", strings.Join(lacking, ", "), resource))
}

// role finds the role that an argument names, by reference or by ARN; nil if it
// is not in the plan.
func (p *plan) role(from *resource, argument, arn string) *resource {
	for _, r := range p.resources {
		if r.kind != "aws_iam_role" || r.data {
			continue
		}
		if from != nil && from.refers(argument, r) || arn != "" && r.text("arn") == arn {
			return r
		}
	}
	return nil
}

// regionless is a resource of a policy in any region and account: an action's
// needs name none.
func regionless(resource string) string {
	parts := strings.SplitN(resource, ":", 6)
	if len(parts) == 6 && parts[0] == "arn" && parts[2] != "s3" {
		parts[3], parts[4] = "*", "*"
	}
	return strings.Join(parts, ":")
}

// everywhere is any resource.
func everywhere(string) string { return "*" }

// policies are what a role's policies in the plan say, of resources as of makes
// them. known is false if one of them cannot be told before the apply.
func (p *plan) policies(role *resource, of func(string) string) (set policy.Set, known bool) {
	add := func(document string) bool {
		parsed, err := policy.Parse(lenient(document, of), policy.Identity)
		if err != nil {
			return false
		}
		set.Identity = append(set.Identity, parsed)
		return true
	}
	for _, inline := range blocks(role.values, "inline_policy") {
		if text := textOf(inline, "policy"); text != "" && !add(text) {
			return set, false
		}
	}
	for _, r := range p.resources {
		mine := r.refers("role", role) || role.text("name") != "" && r.text("role") == role.text("name")
		switch {
		case !mine:
		case r.kind == "aws_iam_role_policy":
			if !p.document(r, add) {
				return set, false
			}
		case r.kind == "aws_iam_role_policy_attachment":
			if !p.attached(r, add) {
				return set, false
			}
		}
	}
	return set, true
}

// attached adds the managed policy of an attachment, if the plan has it. AWS's
// own are not in a plan: of these only AdministratorAccess is known here.
func (p *plan) attached(a *resource, add func(string) bool) bool {
	if strings.HasSuffix(a.text("policy_arn"), ":aws:policy/AdministratorAccess") {
		return add(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	}
	for _, r := range p.resources {
		if r.kind == "aws_iam_policy" && (a.refers("policy_arn", r) || r.text("arn") != "" && r.text("arn") == a.text("policy_arn")) {
			return p.document(r, add)
		}
	}
	return false
}

// document adds the policy of a resource: as text, or from the statements of
// the data source that it refers to.
func (p *plan) document(r *resource, add func(string) bool) bool {
	if text := r.text("policy"); text != "" {
		return add(text)
	}
	for _, d := range p.resources {
		if d.data && d.kind == "aws_iam_policy_document" && r.refers("policy", d) {
			return add(statements(d))
		}
	}
	return false
}

// statements is the document of a data source, with * for what is unknown.
func statements(d *resource) string {
	if text := d.text("json"); text != "" {
		return text
	}
	unknown := blocks(d.unknown, "statement")
	list := []map[string]any{}
	for i, s := range blocks(d.values, "statement") {
		effect := textOf(s, "effect")
		if effect == "" {
			effect = "Allow"
		}
		one := map[string]any{"Effect": effect}
		for argument, element := range map[string]string{"actions": "Action", "not_actions": "NotAction", "resources": "Resource", "not_resources": "NotResource"} {
			values, _ := s[argument].([]any)
			if i < len(unknown) && unknown[i][argument] != nil && unknown[i][argument] != false && hasUnknown(unknown[i][argument]) {
				values = []any{"*"}
			}
			if len(values) > 0 {
				one[element] = values
			}
		}
		if len(blocks(s, "condition")) > 0 {
			one["Condition"] = true // lenient looks whether it is there
		}
		list = append(list, one)
	}
	b, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": list})
	if err != nil {
		return ""
	}
	return string(b)
}

func hasUnknown(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case []any:
		return slices.ContainsFunc(v, hasUnknown)
	}
	return false
}

// lenient is a document without conditions, and without what is denied under
// conditions: they cannot be known here. Resources that are allowed are as of
// makes them.
func lenient(document string, of func(string) string) string {
	var d struct {
		Version   string
		Statement json.RawMessage
	}
	if json.Unmarshal([]byte(document), &d) != nil {
		return document
	}
	var list []map[string]any
	if json.Unmarshal(d.Statement, &list) != nil {
		var one map[string]any
		if json.Unmarshal(d.Statement, &one) != nil {
			return document
		}
		list = []map[string]any{one}
	}
	kept := []map[string]any{}
	for _, s := range list {
		if s["Condition"] != nil && s["Effect"] == "Deny" {
			continue
		}
		delete(s, "Condition")
		if s["Effect"] != "Deny" {
			switch v := s["Resource"].(type) {
			case string:
				s["Resource"] = of(v)
			case []any:
				for i := range v {
					if text, ok := v[i].(string); ok {
						v[i] = of(text)
					}
				}
			}
		}
		kept = append(kept, s)
	}
	if len(kept) == 0 {
		kept = append(kept, map[string]any{"Effect": "Deny", "Action": "none:none", "Resource": "*"})
	}
	b, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": kept})
	if err != nil {
		return document
	}
	return string(b)
}
