package codepipeline

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/bus/source"
)

const connection = "arn:aws:codestar-connections:us-east-1:000000000000:connection/7f9d"

// connected is the sample with a source that is a connection.
func connected() *types.PipelineDeclaration {
	p := sample()
	a := action("Checkout", types.ActionCategorySource, connectionProvider, "", "Src", "ConnectionArn="+connection, "FullRepositoryId=Octo/Site", "BranchName=main")
	a.Namespace = aws.String("src")
	p.Stages[0].Actions[0] = a
	return p
}

// triggers are one trigger for a source action; its filters are written as
// "push branches=a,b !c paths=d", "push tags=v*" or "pull OPEN branches=main".
func triggers(action string, filters ...string) []types.PipelineTriggerDeclaration {
	g := &types.GitConfiguration{SourceActionName: aws.String(action)}
	for _, text := range filters {
		words := strings.Fields(text)
		lists := map[string]*[2][]string{}
		var events []types.GitPullRequestEventType
		for _, w := range words[1:] {
			kind, values, isCriterion := strings.Cut(w, "=")
			if !isCriterion {
				events = append(events, types.GitPullRequestEventType(w))
				continue
			}
			lists[kind] = &[2][]string{}
			for v := range strings.SplitSeq(values, ",") {
				if x, not := strings.CutPrefix(v, "!"); not {
					lists[kind][1] = append(lists[kind][1], x)
				} else if v != "" {
					lists[kind][0] = append(lists[kind][0], v)
				}
			}
		}
		var branches *types.GitBranchFilterCriteria
		var paths *types.GitFilePathFilterCriteria
		var tags *types.GitTagFilterCriteria
		if l := lists["branches"]; l != nil {
			branches = &types.GitBranchFilterCriteria{Includes: l[0], Excludes: l[1]}
		}
		if l := lists["paths"]; l != nil {
			paths = &types.GitFilePathFilterCriteria{Includes: l[0], Excludes: l[1]}
		}
		if l := lists["tags"]; l != nil {
			tags = &types.GitTagFilterCriteria{Includes: l[0], Excludes: l[1]}
		}
		if words[0] == "push" {
			g.Push = append(g.Push, types.GitPushFilter{Branches: branches, FilePaths: paths, Tags: tags})
		} else {
			g.PullRequest = append(g.PullRequest, types.GitPullRequestFilter{Branches: branches, FilePaths: paths, Events: events})
		}
	}
	return []types.PipelineTriggerDeclaration{{ProviderType: types.PipelineTriggerProviderTypeCodeStarSourceConnection, GitConfiguration: g}}
}

func TestCheckTriggers(t *testing.T) {
	for _, c := range []struct {
		name    string
		t       []types.PipelineTriggerDeclaration
		refused string
	}{
		{"no filter", triggers("Checkout"), ""},
		{"tags", triggers("Checkout", "push tags=v*,!v0.*"), ""},
		{"branches and paths", triggers("Checkout", "push branches=main paths=src/**", "pull OPEN CLOSED branches=main paths=!docs/**"), ""},
		{"tags with branches", triggers("Checkout", "push tags=v* branches=main"), "valid filter combinations"},
		{"paths alone", triggers("Checkout", "push paths=src/**"), "valid filter combinations"},
		{"paths with tags", triggers("Checkout", "push tags=v* paths=src/**"), "valid filter combinations"},
		{"nothing", triggers("Checkout", "push"), "valid filter combinations"},
		{"a pull request without branches", triggers("Checkout", "pull OPEN"), "valid filter combinations"},
		{"an empty criterion", triggers("Checkout", "push branches="), "includes or excludes"},
		{"braces in braces", triggers("Checkout", "push branches={a{b}}"), "braces within braces"},
		{"an open set", triggers("Checkout", "push branches=[ab"), "does not end"},
		{"no such action", triggers("Nope"), "must reference a CodeStarSourceConnection action"},
		{"twice", append(triggers("Checkout"), triggers("Checkout")...), "more than one trigger per source action"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := connected()
			p.Triggers = c.t
			err := checkStructure(p, "us-east-1", kindOf)
			switch {
			case c.refused == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)):
				t.Errorf("got %v, want %q", err, c.refused)
			}
		})
	}
}

func TestStarts(t *testing.T) {
	files := func(n int, last string) (list []string) {
		for i := range n - 1 {
			list = append(list, fmt.Sprintf("docs/%03d", i))
		}
		return append(list, last)
	}
	push := func(branch string, files ...string) source.Change {
		return source.Change{Kind: source.Push, Branch: branch, CommitID: "c", BeforeCommitID: "b", Files: files}
	}
	tag := source.Change{Kind: source.Push, Tag: "v1.2", CommitID: "c"}
	pull := func(a source.Action, base string, files ...string) source.Change {
		return source.Change{Kind: source.PullRequest, Action: a, Branch: "topic", BaseBranch: base, CommitID: "c", Files: files}
	}
	with := func(c source.Change, edit func(*source.Change)) source.Change { edit(&c); return c }
	for _, c := range []struct {
		name    string
		filters []string // nil: no trigger
		change  source.Change
		want    bool
	}{
		{"a push to the branch", nil, push("main"), true},
		{"a push to another", nil, push("next"), false},
		{"a tag", nil, tag, false},
		{"a pull request", nil, pull(source.Open, "main"), false},
		{"a branch that is gone", nil, source.Change{Kind: source.Push, Branch: "main", Deleted: true}, false},
		{"a trigger without a filter", []string{}, push("main"), true},
		{"a trigger without a filter, another branch", []string{}, push("next"), false},

		{"branches", []string{"push branches=rel/*"}, push("rel/1"), true},
		{"branches of another name", []string{"push branches=rel/*"}, push("main"), false},
		{"a star stops at a slash", []string{"push branches=rel/*"}, push("rel/1/x"), false},
		{"an exclude wins", []string{"push branches=rel/**,!rel/old*"}, push("rel/old1"), false},
		{"only excludes", []string{"push branches=!wip/**"}, push("main"), true},
		{"branches are no tags", []string{"push branches=**"}, tag, false},
		{"tags", []string{"push tags=v*"}, tag, true},
		{"tags are no branches", []string{"push tags=**"}, push("v1.2"), false},
		{"one of several filters", []string{"push tags=x", "push branches=main", "pull branches=x"}, push("main"), true},

		{"paths", []string{"push branches=main paths=src/**"}, push("main", "README", "src/a/b"), true},
		{"other paths", []string{"push branches=main paths=src/**"}, push("main", "README"), false},
		{"each file is judged alone", []string{"push branches=main paths=!docs/**"}, push("main", "docs/a", "src/b"), true},
		{"all files excluded", []string{"push branches=main paths=!docs/**"}, push("main", "docs/a", "docs/b"), false},
		{"paths in another branch", []string{"push branches=main paths=src/**"}, push("next", "src/a"), false},
		{"the first hundred files", []string{"push branches=main paths=src/**"}, push("main", files(100, "src/a")...), true},
		{"not the next", []string{"push branches=main paths=src/**"}, push("main", files(101, "src/a")...), false},
		{"files that nobody told", []string{"push branches=main paths=src/**"}, with(push("main"), func(c *source.Change) { c.FilesTruncated = true }), true},
		{"a new branch has changed no files", []string{"push branches=main paths=src/**"}, with(push("main", "src/a"), func(c *source.Change) { c.BeforeCommitID = "" }), false},
		{"a new branch", []string{"push branches=main"}, with(push("main"), func(c *source.Change) { c.BeforeCommitID = "" }), true},

		{"a pull request into the branch", []string{"pull OPEN branches=main"}, pull(source.Open, "main"), true},
		{"into another", []string{"pull OPEN branches=main"}, pull(source.Open, "next"), false},
		{"the branch it comes from does not matter", []string{"pull OPEN branches=topic"}, pull(source.Open, "main"), false},
		{"another event", []string{"pull OPEN UPDATED branches=main"}, pull(source.Closed, "main"), false},
		{"any event", []string{"pull branches=main"}, pull(source.Closed, "main"), true},
		{"paths of a pull request", []string{"pull branches=main paths=**/*.go"}, pull(source.Updated, "main", "a/b.go"), true},
		{"a push is no pull request", []string{"pull branches=**"}, push("main"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := connected()
			if c.filters != nil {
				p.Triggers = triggers("Checkout", c.filters...)
			}
			if got := starts(p, &p.Stages[0].Actions[0], &c.change); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
	p := connected()
	p.Stages[0].Actions[0].Configuration["DetectChanges"] = "false"
	if c := push("main"); starts(p, &p.Stages[0].Actions[0], &c) {
		t.Error("started though it was told not to look")
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"main", "main", true},
		{"main", "main2", false},
		{"a.b", "axb", false},
		{"*", "a", true},
		{"*", "a/b", false},
		{"**", "a/b/c", true},
		{"**/x", "x", true},
		{"**/x", "a/b/x", true},
		{"**/x", "ax", false},
		{"a/**/b", "a/b", true},
		{"a/**/b", "a/c/d/b", true},
		{"a**b", "a/b", true},
		{"?", "ä", true},
		{"?", "/", false},
		{"v[0-9]", "v7", true},
		{"v[0-9]", "vx", false},
		{"[!a]b", "cb", true},
		{"[!a]b", "ab", false},
		{"[!a]b", "/b", false},
		{"[a^]", "^", true},
		{`[\d]`, "d", true},
		{`[\d]`, "1", false},
		{"{main,rel/*}", "rel/1", true},
		{"{main,rel/*}", "next", false},
		{`\*`, `\x`, false},
		{`\*`, "*", true},
		{"(a|b)+", "(a|b)+", true},
		{"a,b}", "a,b}", true},
	} {
		re, err := compileGlob(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := re.MatchString(c.name); got != c.want {
			t.Errorf("%s against %s: %v (%s)", c.pattern, c.name, got, re)
		}
	}
	for _, bad := range []string{"[", "[]", "[a", "{a", "{a,{b}}", `a\`, "[a/b]", "[z-a]"} {
		if _, err := compileGlob(bad); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestTriggerDetailIsShort(t *testing.T) {
	c := &source.Change{ConnectionARN: connection, ProviderType: "GitHub", Repository: "octo/site", CommitID: strings.Repeat("a", 40),
		Branch: strings.Repeat("b\"<", 90), CommitMessage: strings.Repeat("ü\x01", 9000), AuthorDisplayName: strings.Repeat("n", 3000)}
	got := webhookTrigger(connected(), c)
	var d triggerDetail
	if len(*got.TriggerDetail) > maxTriggerDetail || json.Unmarshal([]byte(*got.TriggerDetail), &d) != nil || d.Commit != c.CommitID || d.Connection != connection {
		t.Errorf("%d bytes: %s", len(*got.TriggerDetail), *got.TriggerDetail)
	}
	v1 := connected()
	v1.PipelineType = types.PipelineTypeV1
	if got := webhookTrigger(v1, c); got.TriggerType != types.TriggerTypeWebhook || *got.TriggerDetail != connection {
		t.Errorf("V1: %+v", got)
	}
}
