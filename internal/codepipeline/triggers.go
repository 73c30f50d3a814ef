package codepipeline

import (
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/bus/source"
)

// Limits of triggers (AWS's quotas; those of single lists are in the model).
const (
	maxTriggers = 50
	// maxTriggerBytes is the size of all triggers of a pipeline as JSON.
	maxTriggerBytes = 200 << 10
	// maxChangedFiles is how many of a change's files a filter looks at.
	maxChangedFiles = 100
)

// checkTriggers checks that each trigger is for a source action of its own, and
// that its filters are among the combinations that AWS has.
func checkTriggers(p *types.PipelineDeclaration) error {
	if len(p.Triggers) > maxTriggers {
		return badStructure("Pipeline has %d triggers. There can be at most %d triggers in a pipeline", len(p.Triggers), maxTriggers)
	}
	if b, err := json.Marshal(p.Triggers); err != nil || len(b) > maxTriggerBytes {
		return badStructure("The triggers of the pipeline are larger than %d KB", maxTriggerBytes>>10)
	}
	seen := map[string]bool{}
	for i := range p.Triggers {
		g := p.Triggers[i].GitConfiguration
		name := aws.ToString(g.SourceActionName)
		a := sourceAction(p, name)
		if a == nil || aws.ToString(a.ActionTypeId.Provider) != connectionProvider || seen[name] {
			return badStructure("Triggers for connection must reference a CodeStarSourceConnection action. Note that when you specify a trigger, " +
				"you can't specify more than one trigger per source action.")
		}
		seen[name] = true
		if err := checkFilters(g); err != nil {
			return err
		}
	}
	return nil
}

// sourceAction finds an action of the first stage.
func sourceAction(p *types.PipelineDeclaration, name string) *types.ActionDeclaration {
	for i := range p.Stages[0].Actions {
		if aws.ToString(p.Stages[0].Actions[i].Name) == name {
			return &p.Stages[0].Actions[i]
		}
	}
	return nil
}

// checkFilters knows AWS's combinations: tags alone, branches alone, or
// branches with file paths; a pull request always names branches.
func checkFilters(g *types.GitConfiguration) error {
	var all []pattern
	for _, f := range g.Push {
		if tags, branches := f.Tags != nil, f.Branches != nil; tags == branches || f.FilePaths != nil && !branches {
			return badFilters(g, "a push filter has either tags, or branches, or branches and filePaths")
		}
		all = append(all, branchPatterns(f.Branches), tagPatterns(f.Tags), pathPatterns(f.FilePaths))
	}
	for _, f := range g.PullRequest {
		if f.Branches == nil {
			return badFilters(g, "a pull request filter has branches, or branches and filePaths")
		}
		all = append(all, branchPatterns(f.Branches), pathPatterns(f.FilePaths))
	}
	for _, c := range all {
		if c.set && len(c.includes)+len(c.excludes) == 0 {
			return badFilters(g, "each criterion has includes or excludes")
		}
		for _, text := range append(append([]string{}, c.includes...), c.excludes...) {
			if _, err := compileGlob(text); err != nil {
				return badFilters(g, "the pattern "+text+" "+err.Error())
			}
		}
	}
	return nil
}

func badFilters(g *types.GitConfiguration, why string) error {
	return badStructure("The trigger configuration for the source action is not valid. Make sure to choose valid filter combinations. ActionName=[%s]: %s",
		aws.ToString(g.SourceActionName), why)
}

// pattern is one criterion of a filter: something must match one of the
// includes, if there are any, and none of the excludes.
type pattern struct {
	set                bool
	includes, excludes []string
}

func branchPatterns(c *types.GitBranchFilterCriteria) pattern {
	if c == nil {
		return pattern{}
	}
	return pattern{true, c.Includes, c.Excludes}
}

func tagPatterns(c *types.GitTagFilterCriteria) pattern {
	if c == nil {
		return pattern{}
	}
	return pattern{true, c.Includes, c.Excludes}
}

func pathPatterns(c *types.GitFilePathFilterCriteria) pattern {
	if c == nil {
		return pattern{}
	}
	return pattern{true, c.Includes, c.Excludes}
}

// passes reports whether a name meets the criterion.
func (p pattern) passes(name string) bool {
	any := func(list []string) bool {
		for _, text := range list {
			if re, err := compileGlob(text); err == nil && re.MatchString(name) {
				return true
			}
		}
		return false
	}
	return (len(p.includes) == 0 || any(p.includes)) && !any(p.excludes)
}

// starts reports whether a change in the repository of a source action starts
// the pipeline.
func starts(p *types.PipelineDeclaration, a *types.ActionDeclaration, c *source.Change) bool {
	if c.Deleted || c.CommitID == "" {
		return false
	}
	for i := range p.Triggers {
		if g := p.Triggers[i].GitConfiguration; aws.ToString(g.SourceActionName) == aws.ToString(a.Name) {
			if len(g.Push)+len(g.PullRequest) == 0 { // a trigger without a filter is for pushes to the action's branch
				return pushed(a, c)
			}
			return filtered(g, c)
		}
	}
	// Without a trigger, the action's own detection of changes is on unless it
	// was turned off.
	return a.Configuration["DetectChanges"] != "false" && pushed(a, c)
}

func pushed(a *types.ActionDeclaration, c *source.Change) bool {
	return c.Kind == source.Push && c.Branch != "" && c.Branch == a.Configuration["BranchName"]
}

func filtered(g *types.GitConfiguration, c *source.Change) bool {
	switch c.Kind {
	case source.Push:
		for _, f := range g.Push {
			if c.Tag != "" && f.Tags != nil && tagPatterns(f.Tags).passes(c.Tag) {
				return true
			}
			if c.Branch == "" || f.Branches == nil || !branchPatterns(f.Branches).passes(c.Branch) {
				continue
			}
			// A push that makes a branch has no files that it changed: it starts
			// no pipeline that asks for some.
			if f.FilePaths == nil || c.BeforeCommitID != "" && touches(pathPatterns(f.FilePaths), c) {
				return true
			}
		}
	case source.PullRequest:
		for _, f := range g.PullRequest {
			if wants(f.Events, c.Action) && branchPatterns(f.Branches).passes(c.BaseBranch) &&
				(f.FilePaths == nil || touches(pathPatterns(f.FilePaths), c)) {
				return true
			}
		}
	}
	return false
}

// wants reports whether a filter is for what happened to a pull request; one
// that names no events is for all.
func wants(events []types.GitPullRequestEventType, a source.Action) bool {
	for _, e := range events {
		if string(e) == string(a) {
			return true
		}
	}
	return len(events) == 0
}

// touches reports whether one of the files that changed meets the criterion.
// AWS looks at the first 100 only. If the provider did not tell all of fewer,
// nothing can be ruled out: a run too many is better than one that is missing.
func touches(p pattern, c *source.Change) bool {
	for i, f := range c.Files {
		if i == maxChangedFiles {
			return false
		}
		if p.passes(f) {
			return true
		}
	}
	return c.FilesTruncated && len(c.Files) < maxChangedFiles
}

// connectionKey is the key of a connection's repository in the index of
// sources. Connections have two spellings of their ARN and one id; the
// providers' names of repositories are not case-sensitive.
func connectionKey(connection, repository string) []string {
	a, _ := arn.Parse(connection)
	return []string{a.Region, connectionProvider, a.Account, a.Resource, strings.ToLower(repository)}
}

// triggerDetail is the JSON text in an execution's trigger, with the names that
// AWS gives these things in the events of executions.
type triggerDetail struct {
	Provider    string `json:"provider-type"`
	Connection  string `json:"connection-arn"`
	Repository  string `json:"full-repository-name"`
	Branch      string `json:"branch-name,omitempty"`
	Tag         string `json:"tag-name,omitempty"`
	Base        string `json:"destination-branch-name,omitempty"`
	PullRequest string `json:"pull-request-id,omitempty"`
	Title       string `json:"pull-request-title,omitempty"`
	Action      string `json:"pull-request-event,omitempty"`
	Commit      string `json:"commit-id"`
	Message     string `json:"commit-message,omitempty"`
	AuthorName  string `json:"author-display-name,omitempty"`
	AuthorEmail string `json:"author-email,omitempty"`
	AuthorID    string `json:"author-id,omitempty"`
	AuthorDate  string `json:"author-date,omitempty"`
}

// maxTriggerDetail is the length that the API's model gives a trigger's detail.
const maxTriggerDetail = 1024

// webhookTrigger tells what started an execution. V1 pipelines know only that
// the connection did.
func webhookTrigger(p *types.PipelineDeclaration, c *source.Change) types.ExecutionTrigger {
	if p.PipelineType == types.PipelineTypeV1 {
		return types.ExecutionTrigger{TriggerType: types.TriggerTypeWebhook, TriggerDetail: aws.String(c.ConnectionARN)}
	}
	d := triggerDetail{Provider: c.ProviderType, Connection: c.ConnectionARN, Repository: c.Repository, Branch: c.Branch, Tag: c.Tag,
		Base: c.BaseBranch, PullRequest: c.PullRequestID, Title: c.PullRequestTitle, Action: string(c.Action), Commit: c.CommitID,
		Message: c.CommitMessage, AuthorName: c.AuthorDisplayName, AuthorEmail: c.AuthorEmail, AuthorID: c.AuthorID, AuthorDate: c.AuthorDate}
	// Strangers wrote these texts: the longest give way until all of it fits.
	shrink := []*string{&d.Message, &d.Title, &d.AuthorName, &d.AuthorEmail, &d.AuthorID, &d.Base, &d.Branch, &d.Tag}
	text, err := json.Marshal(d)
	for i := 0; err == nil && len(text) > maxTriggerDetail && i < len(shrink); {
		if len(*shrink[i]) == 0 {
			i++
			continue
		}
		*shrink[i] = strings.ToValidUTF8((*shrink[i])[:len(*shrink[i])/2], "")
		text, err = json.Marshal(d)
	}
	return types.ExecutionTrigger{TriggerType: types.TriggerTypeWebhookV2, TriggerDetail: aws.String(string(text))}
}
