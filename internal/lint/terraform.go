package lint

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// plan is what `terraform show -json` prints of a plan or a state.
type plan struct {
	file      string
	resources []*resource
	byAddress map[string]*resource
}

// resource is one resource or data source, as it will be.
type resource struct {
	address string // module.a.aws_ecr_repository.app["x"]
	module  string // module.a, "" for the root
	block   string // aws_ecr_repository.app
	kind    string
	data    bool
	values  map[string]any
	unknown map[string]any // true where a value is known after apply
	// references are the addresses (blocks of the same module, without
	// attributes) that the expression of each argument names.
	references map[string][]string
}

// terraformJSON is the part of Terraform's JSON that is read.
type terraformJSON struct {
	FormatVersion    string `json:"format_version"`
	TerraformVersion string `json:"terraform_version"`
	PlannedValues    *struct {
		RootModule tfModule `json:"root_module"`
	} `json:"planned_values"`
	Values *struct {
		RootModule tfModule `json:"root_module"`
	} `json:"values"`
	PriorState *struct {
		Values *struct {
			RootModule tfModule `json:"root_module"`
		} `json:"values"`
	} `json:"prior_state"`
	ResourceChanges []struct {
		Address string `json:"address"`
		Mode    string `json:"mode"`
		Type    string `json:"type"`
		Name    string `json:"name"`
		Module  string `json:"module_address"`
		Change  struct {
			Actions      []string        `json:"actions"`
			After        map[string]any  `json:"after"`
			AfterUnknown json.RawMessage `json:"after_unknown"`
		} `json:"change"`
	} `json:"resource_changes"`
	Configuration *struct {
		RootModule tfConfig `json:"root_module"`
	} `json:"configuration"`
}

type tfModule struct {
	Address   string `json:"address"`
	Resources []struct {
		Address string         `json:"address"`
		Mode    string         `json:"mode"`
		Type    string         `json:"type"`
		Name    string         `json:"name"`
		Values  map[string]any `json:"values"`
	} `json:"resources"`
	ChildModules []tfModule `json:"child_modules"`
}

type tfConfig struct {
	Resources []struct {
		Address     string                     `json:"address"`
		Expressions map[string]json.RawMessage `json:"expressions"`
	} `json:"resources"`
	ModuleCalls map[string]struct {
		Module tfConfig `json:"module"`
	} `json:"module_calls"`
}

// otherJSON takes what Terraform or the pipeline's API wrote; a JSON file that
// is neither is none of ours.
func (l *linter) otherJSON(file string, text []byte) {
	var head struct {
		FormatVersion    string          `json:"format_version"`
		TerraformVersion string          `json:"terraform_version"`
		Pipeline         json.RawMessage `json:"pipeline"`
	}
	if json.Unmarshal(text, &head) != nil {
		return
	}
	switch {
	case head.TerraformVersion != "" && head.FormatVersion != "":
		p, err := readPlan(file, text)
		if err != nil {
			l.report.add(ruleUnreadable, jsonPlace(file, text, err), "It is not the JSON of a Terraform plan or state"+jsonReason(err)+".",
				"Write it with `terraform show -json PLANFILE`.")
			return
		}
		l.checked(file)
		l.plans = append(l.plans, p)
	case len(head.Pipeline) > 0:
		l.pipelineJSON(file, text, head.Pipeline)
	}
}

func readPlan(file string, text []byte) (*plan, error) {
	var t terraformJSON
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, err
	}
	p := &plan{file: file, byAddress: map[string]*resource{}}
	for _, root := range []*struct {
		RootModule tfModule `json:"root_module"`
	}{prior(&t), t.Values, t.PlannedValues} { // later ones win
		if root != nil {
			p.module(&root.RootModule)
		}
	}
	for _, c := range t.ResourceChanges {
		if slices.Equal(c.Change.Actions, []string{"delete"}) {
			delete(p.byAddress, c.Address)
			continue
		}
		if c.Change.After == nil {
			continue
		}
		r := p.put(c.Address, c.Module, c.Mode, c.Type, c.Name, c.Change.After)
		_ = json.Unmarshal(c.Change.AfterUnknown, &r.unknown) // false for none
	}
	if t.Configuration != nil {
		p.configuration("", &t.Configuration.RootModule)
	}
	for _, address := range slices.Sorted(maps.Keys(p.byAddress)) {
		p.resources = append(p.resources, p.byAddress[address])
	}
	return p, nil
}

func prior(t *terraformJSON) *struct {
	RootModule tfModule `json:"root_module"`
} {
	// Of the state before, only what is read counts: documents of policies
	// whose parts were all known.
	if t.PriorState == nil || t.PriorState.Values == nil {
		return nil
	}
	v := *t.PriorState.Values
	v.RootModule = dataOnly(v.RootModule)
	return &v
}

func dataOnly(m tfModule) tfModule {
	out := tfModule{Address: m.Address}
	for _, r := range m.Resources {
		if r.Mode == "data" {
			out.Resources = append(out.Resources, r)
		}
	}
	for _, c := range m.ChildModules {
		out.ChildModules = append(out.ChildModules, dataOnly(c))
	}
	return out
}

func (p *plan) module(m *tfModule) {
	for _, r := range m.Resources {
		p.put(r.Address, m.Address, r.Mode, r.Type, r.Name, r.Values)
	}
	for i := range m.ChildModules {
		p.module(&m.ChildModules[i])
	}
}

func (p *plan) put(address, module, mode, kind, name string, values map[string]any) *resource {
	r := &resource{address: address, module: module, kind: kind, data: mode == "data", block: kind + "." + name, values: values, references: map[string][]string{}}
	if r.data {
		r.block = "data." + r.block
	}
	p.byAddress[address] = r
	return r
}

// configuration notes what each argument refers to.
func (p *plan) configuration(module string, c *tfConfig) {
	byBlock := map[string]map[string][]string{}
	for _, r := range c.Resources {
		refs := map[string][]string{}
		for argument, raw := range r.Expressions {
			var found []string
			collect(raw, &found)
			refs[argument] = found
		}
		byBlock[r.Address] = refs
	}
	for _, r := range p.byAddress {
		if indexes.ReplaceAllString(r.module, "") == module {
			if refs := byBlock[r.block]; refs != nil {
				r.references = refs
			}
		}
	}
	for name, call := range c.ModuleCalls {
		p.configuration(strings.TrimPrefix(module+".module."+name, "."), &call.Module)
	}
}

var indexes = regexp.MustCompile(`\[[^\]]*\]`)

// collect finds every "references" in an expression.
func collect(raw json.RawMessage, into *[]string) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		for _, e := range list {
			collect(e, into)
		}
		return
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return
	}
	for key, v := range object {
		var refs []string
		if key == "references" && json.Unmarshal(v, &refs) == nil {
			*into = append(*into, refs...)
			continue
		}
		if key != "constant_value" {
			collect(v, into)
		}
	}
}

// refers tells whether an argument names another resource of the same module.
func (r *resource) refers(argument string, to *resource) bool {
	return r.module == to.module && slices.ContainsFunc(r.references[argument], func(ref string) bool {
		return ref == to.block || strings.HasPrefix(ref, to.block+".") || strings.HasPrefix(ref, to.block+"[")
	})
}

func (r *resource) text(argument string) string {
	s, _ := r.values[argument].(string)
	return s
}

// blocks are the nested blocks of a name, which Terraform writes as a list.
func blocks(values map[string]any, name string) []map[string]any {
	var out []map[string]any
	switch v := values[name].(type) {
	case []any:
		for _, e := range v {
			if m, ok := e.(map[string]any); ok {
				out = append(out, m)
			}
		}
	case map[string]any:
		out = append(out, v)
	}
	return out
}

func textOf(values map[string]any, name string) string {
	s, _ := values[name].(string)
	return s
}

var blockLine = regexp.MustCompile(`^\s*(resource|data)\s+"([^"]+)"\s+"([^"]+)"`)

// terraformFile notes where the blocks of a file begin: a plan does not know.
func (l *linter) terraformFile(file string, text []byte) {
	if l.blocks == nil {
		l.blocks = map[string]place{}
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		m := blockLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		block := m[2] + "." + m[3]
		if m[1] == "data" {
			block = "data." + block
		}
		if _, twice := l.blocks[block]; !twice {
			l.blocks[block] = place{file: file, line: n}
		}
	}
}

// at is the block of a resource in the files that were read, else the plan.
func (l *linter) at(p *plan, r *resource) place {
	at, ok := l.blocks[r.block]
	if !ok {
		at = place{file: p.file}
	}
	at.subject = r.address
	return at
}

// resources checks all plans, after all files were read.
func (l *linter) resources() {
	if len(l.plans) == 0 && len(l.blocks) > 0 {
		l.report.note("Terraform files are checked by their plan, and there is none: run `terraform plan -out plan && terraform show -json plan > plan.json` and lint again.")
	}
	for _, p := range l.plans {
		for _, r := range p.resources {
			if check := checks[r.kind]; check != nil && !r.data {
				check(l, p, r)
			}
		}
	}
}

// checks are what is looked at, by type.
var checks = map[string]func(*linter, *plan, *resource){
	"aws_codebuild_project":   (*linter).tfProject,
	"aws_ecr_repository":      (*linter).tfRepository,
	"aws_ecs_task_definition": (*linter).tfTaskDefinition,
	"aws_codepipeline":        (*linter).tfPipeline,
	"aws_lambda_function":     (*linter).tfFunction,
}

func (l *linter) tfProject(p *plan, r *resource) {
	at := l.at(p, r)
	proj := project{at: at}
	if v, ok := r.values["build_timeout"].(float64); ok {
		proj.timeout = int(v)
	}
	for _, c := range blocks(r.values, "cache") {
		proj.cache = textOf(c, "type")
	}
	for _, e := range blocks(r.values, "environment") {
		proj.image = textOf(e, "image")
		for _, v := range blocks(e, "environment_variable") {
			if kind := textOf(v, "type"); kind == "" || kind == "PLAINTEXT" {
				proj.plain = append(proj.plain, [2]string{textOf(v, "name"), textOf(v, "value")})
			}
		}
	}
	for _, s := range blocks(r.values, "source") {
		if spec := textOf(s, "buildspec"); strings.Contains(spec, "\n") {
			l.inlineBuildspec(at, spec)
		}
	}
	l.project(proj)
}

func (l *linter) tfRepository(p *plan, r *resource) {
	for _, other := range p.resources {
		if other.kind == "aws_ecr_lifecycle_policy" && other.module == r.module &&
			(other.refers("repository", r) || r.text("name") != "" && other.text("repository") == r.text("name")) {
			return
		}
	}
	l.lifecycle(l.at(p, r), r.text("name"))
}

func (l *linter) tfTaskDefinition(p *plan, r *resource) {
	var list []container
	if text := r.text("container_definitions"); text == "" || json.Unmarshal([]byte(text), &list) != nil {
		return // known after apply
	}
	l.containers(l.at(p, r), nil, list)
}

func (l *linter) tfFunction(p *plan, r *resource) {
	at := l.at(p, r)
	if image := r.text("image_uri"); image != "" {
		l.image(at, image, "Name a version or a digest.")
	}
	for _, e := range blocks(r.values, "environment") {
		vars, _ := e["variables"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(vars)) {
			value, _ := vars[name].(string)
			l.variable(at, name, value, "Keep it in Secrets Manager or Parameter Store, and read it from there.")
		}
	}
}

// inlineBuildspec checks a buildspec that stands in a project. Its lines are
// told in the message: the place is the project's.
func (l *linter) inlineBuildspec(at place, text string) {
	inner := &linter{report: &Report{}}
	inner.buildspec("", []byte(text))
	for _, f := range inner.report.Findings {
		if f.Line > 0 {
			f.Message = fmt.Sprintf("In the inline buildspec, line %d: %s", f.Line, f.Message)
		}
		f.File, f.Line, f.Column, f.Subject = at.file, at.line, at.column, at.subject
		l.report.Findings = append(l.report.Findings, f)
	}
}
