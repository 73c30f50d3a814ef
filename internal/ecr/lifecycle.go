package ecr

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/glob"
)

// policy is a lifecycle policy.
type policy struct {
	Rules []rule `json:"rules"`
}

type rule struct {
	Priority    *int      `json:"rulePriority"`
	Description string    `json:"description"`
	Selection   selection `json:"selection"`
	Action      struct {
		Type string `json:"type"`
	} `json:"action"`
}

type selection struct {
	TagStatus      string   `json:"tagStatus"`
	TagPrefixList  []string `json:"tagPrefixList"`
	TagPatternList []string `json:"tagPatternList"`
	StorageClass   string   `json:"storageClass"`
	CountType      string   `json:"countType"`
	CountUnit      string   `json:"countUnit"`
	CountNumber    *int     `json:"countNumber"`
}

// parsePolicy reads a lifecycle policy and checks ECR's rules for it.
func parsePolicy(text string) (*policy, error) {
	p := &policy{}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("could not parse the policy: %w", err)
	}
	if len(p.Rules) == 0 {
		return nil, fmt.Errorf("the policy has no rules")
	}
	if len(p.Rules) > 50 {
		return nil, fmt.Errorf("the policy has %d rules, at most 50 are allowed", len(p.Rules))
	}
	priorities, prefixes := map[int]bool{}, map[string]bool{}
	anyAt, untagged, highest := 0, 0, 0
	for i := range p.Rules {
		r := &p.Rules[i]
		if r.Priority == nil || *r.Priority < 1 {
			return nil, fmt.Errorf("rule %d needs a rulePriority of at least 1", i+1)
		}
		if priorities[*r.Priority] {
			return nil, fmt.Errorf("rulePriority %d is used more than once", *r.Priority)
		}
		priorities[*r.Priority] = true
		highest = max(highest, *r.Priority)
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("rule %d: %w", *r.Priority, err)
		}
		switch r.Selection.TagStatus {
		case "any":
			if anyAt != 0 {
				return nil, fmt.Errorf("only one rule may have the tagStatus any")
			}
			anyAt = *r.Priority
		case "untagged":
			if untagged++; untagged > 1 {
				return nil, fmt.Errorf("only one rule may have the tagStatus untagged")
			}
		}
		for _, prefix := range r.Selection.TagPrefixList {
			if prefixes[prefix] {
				return nil, fmt.Errorf("the tag prefix %q is in more than one rule", prefix)
			}
			prefixes[prefix] = true
		}
	}
	if anyAt != 0 && anyAt != highest {
		return nil, fmt.Errorf("the rule with the tagStatus any must have the highest rulePriority")
	}
	slices.SortFunc(p.Rules, func(a, b rule) int { return *a.Priority - *b.Priority })
	return p, nil
}

func (r *rule) check() error {
	s := &r.Selection
	lists := len(s.TagPrefixList) + len(s.TagPatternList)
	switch s.TagStatus {
	case "tagged":
		if lists == 0 || len(s.TagPrefixList) > 0 && len(s.TagPatternList) > 0 {
			return fmt.Errorf("the tagStatus tagged needs either tagPrefixList or tagPatternList")
		}
	case "untagged", "any":
		if lists > 0 {
			return fmt.Errorf("tagPrefixList and tagPatternList go with the tagStatus tagged only")
		}
	default:
		return fmt.Errorf("tagStatus must be tagged, untagged or any, not %q", s.TagStatus)
	}
	for _, pattern := range s.TagPatternList {
		if strings.Count(pattern, "*") > 4 {
			return fmt.Errorf("the pattern %q has more than 4 wildcards", pattern)
		}
	}
	if s.CountNumber == nil || *s.CountNumber < 1 {
		return fmt.Errorf("countNumber must be at least 1")
	}
	switch s.CountType {
	case "imageCountMoreThan":
		if s.CountUnit != "" {
			return fmt.Errorf("countUnit does not go with imageCountMoreThan")
		}
	case "sinceImagePushed", "sinceImagePulled":
		if s.CountUnit != "days" {
			return fmt.Errorf("%s needs the countUnit days", s.CountType)
		}
	case "sinceImageTransitioned":
		return fmt.Errorf("sinceImageTransitioned is not implemented: there is no archive storage class here")
	default:
		return fmt.Errorf("countType %q is not known", s.CountType)
	}
	if s.StorageClass != "" && s.StorageClass != "standard" {
		return fmt.Errorf("the storageClass %q is not implemented; only standard is", s.StorageClass)
	}
	if r.Action.Type != "expire" {
		return fmt.Errorf("the action %q is not implemented; only expire is", r.Action.Type)
	}
	return nil
}

// matches tells whether a rule selects an image: every entry of its list must
// match some tag.
func (s *selection) matches(im *image) bool {
	switch s.TagStatus {
	case "untagged":
		return len(im.Tags) == 0
	case "any":
		return true
	}
	if len(im.Tags) == 0 {
		return false
	}
	for _, prefix := range s.TagPrefixList {
		if !slices.ContainsFunc(im.Tags, func(t string) bool { return strings.HasPrefix(t, prefix) }) {
			return false
		}
	}
	for _, pattern := range s.TagPatternList {
		if !slices.ContainsFunc(im.Tags, func(t string) bool { return glob.Stars(pattern, t) }) {
			return false
		}
	}
	return true
}
