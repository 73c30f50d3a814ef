// Package lint reads what a team has written about its pipeline and names the
// classic mistakes, each with its place and its remedy. It is told files (a
// directory, see Paths) or a pipeline of a running installation (see Pipeline),
// and changes neither.
package lint

import (
	"cmp"
	"slices"
)

// Severity says how sure a finding is to hurt.
type Severity string

// The severities, in SARIF's terms.
const (
	Error   Severity = "error"   // it will fail, or it already leaks
	Warning Severity = "warning" // it works, and will hurt
)

// Rule is one kind of mistake.
type Rule struct {
	ID       string
	Severity Severity
	Summary  string // what is wrong, in one sentence
	Why      string // why it matters
}

// The rules.
var (
	ruleBuildspec = Rule{"buildspec-syntax", Error, "The buildspec cannot be read, or has a key that CodeBuild does not know.",
		"CodeBuild fails the build before its first command."}
	ruleAppspec = Rule{"appspec-syntax", Error, "The appspec cannot be read, or lacks a key that CodeDeploy needs.",
		"CodeDeploy rejects the revision or fails the deployment."}
	ruleDefinitions = Rule{"imagedefinitions-syntax", Error, "The image definitions are not a list of container names with image URIs.",
		"The ECS deploy action fails."}
	ruleCache = Rule{"dependency-cache", Warning, "Dependencies are downloaded anew by every build.",
		"Builds take longer, and fail when a registry is away."}
	ruleTimeout = Rule{"build-timeout", Warning, "The build may hang for the default of 60 minutes or more.",
		"A hanging build blocks its stage and is paid for until it times out."}
	ruleApproval = Rule{"production-approval", Warning, "Production is deployed without a manual approval.",
		"Every push that builds goes to the users unseen."}
	ruleLifecycle = Rule{"image-lifecycle", Warning, "The image repository has no lifecycle policy.",
		"Images are kept, and paid for, for ever."}
	rulePermissions = Rule{"role-permissions", Error, "A role may not do what the pipeline's actions need.",
		"The action fails with AccessDenied where permissions are enforced."}
	rulePinned = Rule{"pinned-images", Warning, "An image has no tag, or the tag latest.",
		"What runs changes without a change of yours, and cannot be rolled back."}
	ruleSecrets = Rule{"plain-secrets", Error, "A secret stands in a plain environment variable.",
		"Everyone who may read the definition, the state or the repository has it."}
	ruleUnreadable = Rule{"unreadable", Error, "A file cannot be read as what its name says.",
		"Nothing in it was checked."}
)

// Rules are all rules, in the order of their names.
func Rules() []Rule {
	all := []Rule{ruleBuildspec, ruleAppspec, ruleDefinitions, ruleCache, ruleTimeout, ruleApproval, ruleLifecycle,
		rulePermissions, rulePinned, ruleSecrets, ruleUnreadable}
	slices.SortFunc(all, func(a, b Rule) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Finding is one mistake at one place.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// File is the path as it was given or found; for a pipeline of an
	// installation, its ARN.
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`   // from 1; 0 where there is none
	Column int    `json:"column,omitempty"` // from 1; 0 where there is none
	// Subject is what has the mistake: a resource's address, an action.
	Subject string `json:"subject,omitempty"`
	Message string `json:"message"`
	Fix     string `json:"fix"`
}

// Report is what a run found.
type Report struct {
	// Findings are sorted by file, line and rule.
	Findings []Finding `json:"findings"`
	// Checked are the files that were understood.
	Checked []string `json:"checked"`
	// Notes say what could not be looked at, and how it could.
	Notes []string `json:"notes,omitempty"`
}

// place is where a finding is.
type place struct {
	file         string
	line, column int
	subject      string
}

func (r *Report) add(rule Rule, at place, message, fix string) {
	r.Findings = append(r.Findings, Finding{
		Rule: rule.ID, Severity: rule.Severity, File: at.file, Line: at.line, Column: at.column, Subject: at.subject,
		Message: message, Fix: fix,
	})
}

func (r *Report) note(text string) {
	if !slices.Contains(r.Notes, text) {
		r.Notes = append(r.Notes, text)
	}
}

// finish sorts, and drops what was ignored or found twice.
func (r *Report) finish(ignore []string) {
	slices.SortFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Message, b.Message))
	})
	r.Findings = slices.Compact(r.Findings)
	r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return slices.Contains(ignore, f.Rule) })
	slices.Sort(r.Checked)
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	if r.Checked == nil {
		r.Checked = []string{}
	}
}
