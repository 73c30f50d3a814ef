package codestarnotifications

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codestarnotifications"
	"github.com/aws/aws-sdk-go-v2/service/codestarnotifications/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// topic is a group of event types that differ in their last words.
type topic struct {
	service, resource string // as ListEventTypes shows them
	id, name          string
	kinds             []string
}

// topics are all event types, from "Events for notification rules" in the
// developer tools' user guide.
var topics = []topic{
	{"CodeCommit", "Repository", "comments", "Comments", []string{"On commits", "On pull requests"}},
	{"CodeCommit", "Repository", "approvals", "Approvals", []string{"Status changed", "Rule override"}},
	{"CodeCommit", "Repository", "pull-request", "Pull request", []string{"Created", "Source updated", "Status changed", "Merged"}},
	{"CodeCommit", "Repository", "branches-and-tags", "Branches and tags", []string{"Created", "Deleted", "Updated"}},
	{"CodeBuild", "Project", "build-state", "Build state", []string{"Failed", "Succeeded", "In-progress", "Stopped"}},
	{"CodeBuild", "Project", "build-phase", "Build phase", []string{"Failure", "Success"}},
	{"CodeDeploy", "Application", "deployment", "Deployment", []string{"Failed", "Succeeded", "Started"}},
	{"CodePipeline", "Pipeline", "action-execution", "Action execution", []string{"Succeeded", "Failed", "Canceled", "Started"}},
	{"CodePipeline", "Pipeline", "stage-execution", "Stage execution", []string{"Started", "Succeeded", "Resumed", "Canceled", "Failed"}},
	{"CodePipeline", "Pipeline", "pipeline-execution", "Pipeline execution",
		[]string{"Failed", "Canceled", "Started", "Resumed", "Succeeded", "Superseded"}},
	{"CodePipeline", "Pipeline", "manual-approval", "Manual approval", []string{"Failed", "Needed", "Succeeded"}},
}

// eventTypes are the topics' types in order; eventType finds one by id.
var eventTypes, eventType = func() (list []types.EventTypeSummary, by map[string]types.EventTypeSummary) {
	by = map[string]types.EventTypeSummary{}
	for _, t := range topics {
		for _, kind := range t.kinds {
			id := strings.ToLower(fmt.Sprintf("%s-%s-%s-%s", t.service, t.resource, t.id, strings.ReplaceAll(kind, " ", "-")))
			e := types.EventTypeSummary{EventTypeId: aws.String(id), ServiceName: aws.String(t.service),
				ResourceType: aws.String(t.resource), EventTypeName: aws.String(t.name + ": " + kind)}
			list = append(list, e)
			by[id] = e
		}
	}
	return list, by
}()

// serviceOf is the service whose events a resource has, "" if it has none.
func serviceOf(a arn.ARN) string {
	name, tail, hasType := strings.Cut(a.Resource, "/")
	if !hasType {
		name, tail, _ = strings.Cut(a.Resource, ":")
	}
	switch {
	case a.Service == "codecommit" && tail == "":
		return "CodeCommit"
	case a.Service == "codepipeline" && tail == "":
		return "CodePipeline"
	case a.Service == "codebuild" && name == "project" && tail != "":
		return "CodeBuild"
	case a.Service == "codedeploy" && name == "application" && tail != "":
		return "CodeDeploy"
	}
	return ""
}

// checkEvents checks that a resource can have events and that the event types
// are its own.
//
// Errors: ValidationException.
func (s *Service) checkEvents(region, resource string, ids []string) error {
	a, ok := arn.Parse(resource)
	service := serviceOf(a)
	if !ok || service == "" {
		return invalid("The resource %s cannot have notification rules: it must be a repository in CodeCommit, a build project in CodeBuild, "+
			"an application in CodeDeploy or a pipeline in CodePipeline.", resource)
	}
	if a.Region != region || a.Account != s.Site.Account {
		return invalid("The resource %s must be in the account and region of its notification rule.", resource)
	}
	for _, id := range ids {
		e, ok := eventType[id]
		if !ok {
			return invalid("The event type ID %s is not valid. ListEventTypes shows the valid ones.", id)
		}
		if *e.ServiceName != service {
			return invalid("The event type ID %s is not valid for the resource %s.", id, resource)
		}
	}
	return nil
}

// ListEventTypes shows the events that rules can be about.
//
// Errors: InvalidNextTokenException.
func (s *Service) ListEventTypes(_ context.Context, in *codestarnotifications.ListEventTypesInput, _ ...func(*codestarnotifications.Options)) (*codestarnotifications.ListEventTypesOutput, error) {
	out := &codestarnotifications.ListEventTypesOutput{EventTypes: []types.EventTypeSummary{}}
	want := filter{}
	for _, f := range in.Filters {
		want.add(string(f.Name), strings.ToLower(aws.ToString(f.Value)))
	}
	scope, from := fmt.Sprint("ListEventTypes/", want), ""
	if in.NextToken != nil {
		var ok bool
		if from, ok = wire.DecodeToken(scope, strings.ReplaceAll(*in.NextToken, "+", "-")); !ok {
			return nil, badToken()
		}
	}
	most := defaultPage
	if in.MaxResults != nil {
		most = int(*in.MaxResults)
	}
	for _, e := range eventTypes {
		if from != "" && *e.EventTypeId != from {
			continue
		}
		from = ""
		if !want.has(string(types.ListEventTypesFilterNameServiceName), strings.ToLower(*e.ServiceName)) ||
			!want.has(string(types.ListEventTypesFilterNameResourceType), strings.ToLower(*e.ResourceType)) {
			continue
		}
		if len(out.EventTypes) == most {
			out.NextToken = aws.String(strings.ReplaceAll(wire.EncodeToken(scope, *e.EventTypeId), "-", "+"))
			break
		}
		out.EventTypes = append(out.EventTypes, e)
	}
	return out, nil
}

// filter holds the values that each named attribute may have: filters of one
// name are alternatives, those of different names must all hold.
type filter map[string][]string

func (f filter) add(name, value string) { f[name] = append(f[name], value) }

// has reports whether one of an attribute's values passes.
func (f filter) has(name string, values ...string) bool {
	allowed, ok := f[name]
	if !ok {
		return true
	}
	for _, a := range allowed {
		for _, v := range values {
			if a == v {
				return true
			}
		}
	}
	return false
}
