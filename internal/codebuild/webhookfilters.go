package codebuild

import (
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
)

// webhookEvents are what a filter of type EVENT may name.
// https://docs.aws.amazon.com/codebuild/latest/APIReference/API_WebhookFilter.html
var webhookEvents = map[string]bool{
	"PUSH": true, "PULL_REQUEST_CREATED": true, "PULL_REQUEST_UPDATED": true, "PULL_REQUEST_CLOSED": true, "PULL_REQUEST_REOPENED": true,
	"PULL_REQUEST_MERGED": true, "RELEASED": true, "PRERELEASED": true, "WORKFLOW_JOB_QUEUED": true,
}

// checkWebhook looks at the filters of a webhook and fills in what AWS does.
func checkWebhook(hook *types.Webhook) error {
	if hook.BranchFilter != nil && len(hook.FilterGroups) > 0 {
		return invalid("Invalid webhook: branchFilter and filterGroups cannot be used together")
	}
	if b := aws.ToString(hook.BranchFilter); b != "" {
		if _, err := regexp.Compile(b); err != nil {
			return invalid("Invalid webhook branch filter: %s is not a regular expression", b)
		}
	}
	for _, group := range hook.FilterGroups {
		events := false
		for i := range group {
			f := &group[i]
			def(&f.ExcludeMatchedPattern, false)
			events = events || f.Type == types.WebhookFilterTypeEvent
			if err := checkFilter(f); err != nil {
				return err
			}
		}
		if !events {
			return invalid("Invalid webhook filter group: a filter of type EVENT is required in each group")
		}
	}
	if sc := hook.ScopeConfiguration; sc != nil && sc.Scope == types.WebhookScopeTypeGitlabGroup && aws.ToString(sc.Name) == "" {
		return invalid("Invalid webhook scope configuration: name is required")
	}
	return nil
}

func checkFilter(f *types.WebhookFilter) error {
	pattern := aws.ToString(f.Pattern)
	if f.Type == types.WebhookFilterTypeEvent {
		for _, event := range strings.Split(pattern, ",") {
			if event = strings.TrimSpace(event); !webhookEvents[event] {
				return invalid("Invalid webhook filter: %q is not an event", event)
			}
		}
		return nil
	}
	if pattern == "" {
		return invalid("Invalid webhook filter: pattern is required for filter type %s", f.Type)
	}
	if _, err := regexp.Compile(pattern); err != nil {
		return invalid("Invalid webhook filter: %s is not a regular expression", pattern)
	}
	return nil
}
