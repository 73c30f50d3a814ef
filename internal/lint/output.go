package lint

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// WriteText prints a report for people, in the form of compilers:
// FILE:LINE:COLUMN: SEVERITY: MESSAGE [RULE].
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for _, f := range r.Findings {
		b.WriteString(f.File)
		if f.Line > 0 {
			fmt.Fprintf(&b, ":%d", f.Line)
			if f.Column > 0 {
				fmt.Fprintf(&b, ":%d", f.Column)
			}
		}
		fmt.Fprintf(&b, ": %s: ", f.Severity)
		if f.Subject != "" {
			fmt.Fprintf(&b, "%s: ", clip(f.Subject))
		}
		fmt.Fprintf(&b, "%s [%s]\n    fix: %s\n", clip(f.Message), f.Rule, clip(f.Fix))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", clip(n))
	}
	if len(r.Checked) == 0 {
		b.WriteString("note: nothing here was understood: no buildspec, appspec, image definitions, Dockerfile, task definition, Terraform plan or pipeline.\n")
	}
	fmt.Fprintf(&b, "%d findings in %d files\n", len(r.Findings), len(r.Checked))
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteJSON prints a report as one JSON document.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteSARIF prints a report in the Static Analysis Results Interchange Format
// 2.1.0, which code hosts show beside the lines.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
func (r *Report) WriteSARIF(w io.Writer, version string) error {
	type text struct {
		Text string `json:"text"`
	}
	type region struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
	}
	type location struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region *region `json:"region,omitempty"`
		} `json:"physicalLocation"`
	}
	type rule struct {
		ID     string `json:"id"`
		Short  text   `json:"shortDescription"`
		Full   text   `json:"fullDescription"`
		Config struct {
			Level Severity `json:"level"`
		} `json:"defaultConfiguration"`
	}
	type result struct {
		RuleID    string     `json:"ruleId"`
		RuleIndex int        `json:"ruleIndex"`
		Level     Severity   `json:"level"`
		Message   text       `json:"message"`
		Locations []location `json:"locations"`
	}
	rules, index := []rule{}, map[string]int{}
	for i, known := range Rules() {
		one := rule{ID: known.ID, Short: text{known.Summary}, Full: text{known.Why}}
		one.Config.Level = known.Severity
		rules, index[known.ID] = append(rules, one), i
	}
	results := []result{}
	for _, f := range r.Findings {
		message := f.Message + " " + f.Fix
		if f.Subject != "" {
			message = f.Subject + ": " + message
		}
		one := result{RuleID: f.Rule, RuleIndex: index[f.Rule], Level: f.Severity, Message: text{message}}
		var at location
		at.Physical.Artifact.URI = filepath.ToSlash(f.File)
		if f.Line > 0 {
			at.Physical.Region = &region{f.Line, f.Column}
		}
		one.Locations = []location{at}
		results = append(results, one)
	}
	type driver struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
		Rules   []rule `json:"rules"`
	}
	doc := map[string]any{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"version": "2.1.0",
		"runs": []any{map[string]any{
			"tool":    map[string]any{"driver": driver{"slipway lint", version, rules}},
			"results": results,
		}},
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}
