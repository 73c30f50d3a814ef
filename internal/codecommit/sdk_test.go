package codecommit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	"github.com/aws/aws-sdk-go-v2/service/codecommit/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// code is an error's without "Exception".
func code(err error) string { return strings.TrimSuffix(apptest.Code(err), "Exception") }

func client(t *testing.T, repositories ...string) *codecommit.Client {
	t.Helper()
	c := codecommit.NewFromConfig(apptest.Start(t).Config())
	for _, name := range repositories {
		if _, err := c.CreateRepository(context.Background(), &codecommit.CreateRepositoryInput{RepositoryName: &name}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// The calls of aws_codecommit_repository, in their order.
func TestRepository(t *testing.T) {
	ctx := context.Background()
	srv := apptest.Start(t)
	c := codecommit.NewFromConfig(srv.Config())
	made, err := c.CreateRepository(ctx, &codecommit.CreateRepositoryInput{RepositoryName: aws.String("site"), RepositoryDescription: aws.String("the site"),
		Tags: map[string]string{"team": "a b"}})
	if err != nil {
		t.Fatal(err)
	}
	get := func(name string) *types.RepositoryMetadata {
		t.Helper()
		out, err := c.GetRepository(ctx, &codecommit.GetRepositoryInput{RepositoryName: &name})
		if err != nil {
			t.Fatal(err)
		}
		return out.RepositoryMetadata
	}
	r := get("site")
	if *r.Arn != "arn:aws:codecommit:us-east-1:000000000000:site" || *r.CloneUrlHttp != srv.URL+"/v1/repos/site" || *r.RepositoryDescription != "the site" ||
		*r.RepositoryId != *made.RepositoryMetadata.RepositoryId || r.DefaultBranch != nil || !strings.HasPrefix(*r.KmsKeyId, "arn:aws:kms:us-east-1:000000000000:") ||
		!r.CreationDate.Equal(*made.RepositoryMetadata.CreationDate) {
		t.Errorf("read %+v", r)
	}
	// Without branches the provider sets no default one.
	if l, err := c.ListBranches(ctx, &codecommit.ListBranchesInput{RepositoryName: aws.String("site")}); err != nil || len(l.Branches) != 0 {
		t.Errorf("branches %v %v", l, err)
	}
	if _, err := c.UpdateDefaultBranch(ctx, &codecommit.UpdateDefaultBranchInput{RepositoryName: aws.String("site"), DefaultBranchName: aws.String("main")}); code(err) != "BranchDoesNotExist" {
		t.Errorf("no such branch: %v", err)
	}

	// In place, the name first.
	if _, err := c.UpdateRepositoryName(ctx, &codecommit.UpdateRepositoryNameInput{OldName: aws.String("site"), NewName: aws.String("page")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UpdateRepositoryDescription(ctx, &codecommit.UpdateRepositoryDescriptionInput{RepositoryName: aws.String("page"), RepositoryDescription: aws.String("")}); err != nil {
		t.Error(err)
	}
	kc := kms.NewFromConfig(srv.Config())
	newKey, err := kc.CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	key := *newKey.KeyMetadata.Arn
	const none = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	for id, want := range map[string]string{none: "EncryptionKeyNotFound", "": "EncryptionKeyRequired", "a b": "EncryptionKeyInvalidId", "arn:aws:s3:::x": "EncryptionKeyInvalidId"} {
		if _, err := c.UpdateRepositoryEncryptionKey(ctx, &codecommit.UpdateRepositoryEncryptionKeyInput{RepositoryName: aws.String("page"), KmsKeyId: &id}); code(err) != want {
			t.Errorf("key %q: %v, want %s", id, err, want)
		}
	}
	if _, err := c.CreateRepository(ctx, &codecommit.CreateRepositoryInput{RepositoryName: aws.String("sealed"), KmsKeyId: aws.String(none)}); code(err) != "EncryptionKeyNotFound" {
		t.Errorf("created with no key: %v", err)
	}
	if out, err := c.UpdateRepositoryEncryptionKey(ctx, &codecommit.UpdateRepositoryEncryptionKeyInput{RepositoryName: aws.String("page"), KmsKeyId: aws.String(key)}); err != nil || *out.KmsKeyId != key || *out.OriginalKmsKeyId != *r.KmsKeyId {
		t.Errorf("key %v %v", out, err)
	}
	n := get("page")
	if *n.Arn != "arn:aws:codecommit:us-east-1:000000000000:page" || *n.RepositoryId != *r.RepositoryId || n.RepositoryDescription != nil || *n.KmsKeyId != key || *n.CloneUrlHttp != srv.URL+"/v1/repos/page" {
		t.Errorf("after the change %+v", n)
	}
	if _, err := c.TagResource(ctx, &codecommit.TagResourceInput{ResourceArn: n.Arn, Tags: map[string]string{"stage": ""}}); err != nil {
		t.Error(err)
	}
	if _, err := c.UntagResource(ctx, &codecommit.UntagResourceInput{ResourceArn: n.Arn, TagKeys: []string{"team"}}); err != nil {
		t.Error(err)
	}
	if tags, err := c.ListTagsForResource(ctx, &codecommit.ListTagsForResourceInput{ResourceArn: n.Arn}); err != nil || fmt.Sprint(tags.Tags) != "map[stage:]" {
		t.Errorf("tags %v %v", tags, err)
	}
	for range 2 {
		if _, err := c.DeleteRepository(ctx, &codecommit.DeleteRepositoryInput{RepositoryName: aws.String("page")}); err != nil {
			t.Fatal(err)
		}
	}
	var missing *types.RepositoryDoesNotExistException
	if _, err := c.GetRepository(ctx, &codecommit.GetRepositoryInput{RepositoryName: aws.String("page")}); !errors.As(err, &missing) {
		t.Errorf("after delete: %v", err)
	}
}

// The calls of aws_codecommit_trigger.
func TestTriggers(t *testing.T) {
	ctx := context.Background()
	c := client(t, "site")
	name := aws.String("site")
	if out, err := c.GetRepositoryTriggers(ctx, &codecommit.GetRepositoryTriggersInput{RepositoryName: name}); err != nil || len(out.Triggers) != 0 {
		t.Errorf("before: %v %v", out, err)
	}
	one := types.RepositoryTrigger{Name: aws.String("all"), DestinationArn: aws.String("arn:aws:sns:us-east-1:000000000000:deploys"), Branches: []string{}, Events: []types.RepositoryTriggerEventEnum{"all"}}
	two := types.RepositoryTrigger{Name: aws.String("main"), DestinationArn: aws.String("arn:aws:lambda:us-east-1:000000000000:function:f"), CustomData: aws.String("x"),
		Branches: []string{"main", "release/1"}, Events: []types.RepositoryTriggerEventEnum{"updateReference", "createReference"}}
	put := func(list ...types.RepositoryTrigger) (*codecommit.PutRepositoryTriggersOutput, error) {
		return c.PutRepositoryTriggers(ctx, &codecommit.PutRepositoryTriggersInput{RepositoryName: name, Triggers: append([]types.RepositoryTrigger{}, list...)})
	}
	made, err := put(one, two)
	if err != nil {
		t.Fatal(err)
	}
	read, err := c.GetRepositoryTriggers(ctx, &codecommit.GetRepositoryTriggersInput{RepositoryName: name})
	if err != nil || *read.ConfigurationId != *made.ConfigurationId || len(read.Triggers) != 2 || *read.Triggers[1].CustomData != "x" ||
		!slices.Equal(read.Triggers[1].Branches, two.Branches) || !slices.Equal(read.Triggers[1].Events, two.Events) || read.Triggers[0].Branches == nil {
		t.Errorf("read %+v %v", read, err)
	}
	// They are not run, and nothing says that they were.
	if _, err := c.TestRepositoryTriggers(ctx, &codecommit.TestRepositoryTriggersInput{RepositoryName: name, Triggers: []types.RepositoryTrigger{one}}); code(err) != "UnknownOperation" || !strings.Contains(err.Error(), "TestRepositoryTriggers") {
		t.Errorf("test: %v", err)
	}
	for want, change := range map[string]func(*types.RepositoryTrigger){
		"InvalidRepositoryTriggerName":           func(r *types.RepositoryTrigger) { r.Name = aws.String("a b") },
		"InvalidRepositoryTriggerDestinationArn": func(r *types.RepositoryTrigger) { r.DestinationArn = aws.String("arn:aws:sqs:us-east-1:0:q") },
		"InvalidRepositoryTriggerRegion": func(r *types.RepositoryTrigger) {
			r.DestinationArn = aws.String("arn:aws:sns:eu-west-1:000000000000:t")
		},
		"InvalidRepositoryTriggerCustomData":      func(r *types.RepositoryTrigger) { r.CustomData = aws.String(strings.Repeat("x", 1001)) },
		"RepositoryTriggerBranchNameListRequired": func(r *types.RepositoryTrigger) { r.Branches = nil },
		"InvalidRepositoryTriggerBranchName":      func(r *types.RepositoryTrigger) { r.Branches = []string{"a..b"} },
		"MaximumBranchesExceeded":                 func(r *types.RepositoryTrigger) { r.Branches = strings.Split(strings.Repeat("b,", 10)+"b", ",") },
		"RepositoryTriggerEventsListRequired":     func(r *types.RepositoryTrigger) { r.Events = []types.RepositoryTriggerEventEnum{} },
		"InvalidRepositoryTriggerEvents":          func(r *types.RepositoryTrigger) { r.Events = append(r.Events, "all") },
	} {
		bad := two
		bad.Events = slices.Clone(two.Events)
		change(&bad)
		if _, err := put(bad); code(err) != want {
			t.Errorf("want %s, got %v", want, err)
		}
	}
	if _, err := put(one, one); code(err) != "InvalidRepositoryTriggerName" {
		t.Errorf("the same name twice: %v", err)
	}
	if _, err := put(slices.Repeat([]types.RepositoryTrigger{one}, 11)...); code(err) != "MaximumRepositoryTriggersExceeded" {
		t.Errorf("eleven: %v", err)
	}
	if again, err := c.GetRepositoryTriggers(ctx, &codecommit.GetRepositoryTriggersInput{RepositoryName: name}); err != nil || len(again.Triggers) != 2 {
		t.Errorf("bad ones changed the good: %v %v", again, err)
	}
	if _, err := put(); err != nil { // deleting is an empty list
		t.Error(err)
	}
	if out, err := c.GetRepositoryTriggers(ctx, &codecommit.GetRepositoryTriggersInput{RepositoryName: name}); err != nil || len(out.Triggers) != 0 {
		t.Errorf("after delete: %v %v", out, err)
	}
}

const (
	rule  = `{"Version":"2018-11-08","DestinationReferences":["refs/heads/main"],"Statements":[{"Type":"Approvers","NumberOfApprovalsNeeded":2,"ApprovalPoolMembers":["arn:aws:sts::000000000000:assumed-role/Reviewers/*"]}]}`
	rule2 = `{"Version":"2018-11-08","Statements":[{"Type":"Approvers","NumberOfApprovalsNeeded":1}]}`
)

// The calls of aws_codecommit_approval_rule_template and its association.
func TestApprovalRuleTemplates(t *testing.T) {
	ctx := context.Background()
	c := client(t, "site", "api")
	name := aws.String("two-of-us")
	made, err := c.CreateApprovalRuleTemplate(ctx, &codecommit.CreateApprovalRuleTemplateInput{ApprovalRuleTemplateName: name, ApprovalRuleTemplateContent: aws.String(rule)})
	if err != nil {
		t.Fatal(err)
	}
	read, err := c.GetApprovalRuleTemplate(ctx, &codecommit.GetApprovalRuleTemplateInput{ApprovalRuleTemplateName: name})
	if err != nil {
		t.Fatal(err)
	}
	r := read.ApprovalRuleTemplate
	if *r.ApprovalRuleTemplateContent != rule || *r.ApprovalRuleTemplateId != *made.ApprovalRuleTemplate.ApprovalRuleTemplateId || r.ApprovalRuleTemplateDescription != nil ||
		len(*r.RuleContentSha256) != 64 || r.LastModifiedDate == nil || !strings.HasSuffix(*r.LastModifiedUser, ":root") {
		t.Errorf("read %+v", r)
	}
	if _, err := c.CreateApprovalRuleTemplate(ctx, &codecommit.CreateApprovalRuleTemplateInput{ApprovalRuleTemplateName: name, ApprovalRuleTemplateContent: aws.String(rule)}); code(err) != "ApprovalRuleTemplateNameAlreadyExists" {
		t.Errorf("twice: %v", err)
	}
	for _, bad := range []string{"{", "[]", `{"Version":"2012-10-17","Statements":[]}`, strings.Replace(rule, "refs/heads/", "", 1), strings.Replace(rule, `:2`, `:0`, 1), strings.Replace(rule, "Approvers", "Readers", 1), strings.Replace(rule, "Type", "Kind", 1)} {
		if _, err := c.CreateApprovalRuleTemplate(ctx, &codecommit.CreateApprovalRuleTemplateInput{ApprovalRuleTemplateName: aws.String("bad"), ApprovalRuleTemplateContent: &bad}); code(err) != "InvalidApprovalRuleTemplateContent" {
			t.Errorf("%s: %v", bad, err)
		}
	}

	// Associated, renamed, and still so.
	for _, repo := range []string{"site", "site", "api"} {
		if _, err := c.AssociateApprovalRuleTemplateWithRepository(ctx, &codecommit.AssociateApprovalRuleTemplateWithRepositoryInput{ApprovalRuleTemplateName: name, RepositoryName: &repo}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.UpdateApprovalRuleTemplateDescription(ctx, &codecommit.UpdateApprovalRuleTemplateDescriptionInput{ApprovalRuleTemplateName: name, ApprovalRuleTemplateDescription: aws.String("two")}); err != nil {
		t.Error(err)
	}
	if _, err := c.UpdateApprovalRuleTemplateContent(ctx, &codecommit.UpdateApprovalRuleTemplateContentInput{ApprovalRuleTemplateName: name, NewRuleContent: aws.String(rule2), ExistingRuleContentSha256: aws.String("0" + (*r.RuleContentSha256)[1:])}); code(err) != "InvalidRuleContentSha256" && (*r.RuleContentSha256)[0] != '0' {
		t.Errorf("another's change: %v", err)
	}
	if _, err := c.UpdateApprovalRuleTemplateContent(ctx, &codecommit.UpdateApprovalRuleTemplateContentInput{ApprovalRuleTemplateName: name, NewRuleContent: aws.String(rule2), ExistingRuleContentSha256: r.RuleContentSha256}); err != nil {
		t.Error(err)
	}
	renamed := aws.String("one-of-us")
	out, err := c.UpdateApprovalRuleTemplateName(ctx, &codecommit.UpdateApprovalRuleTemplateNameInput{OldApprovalRuleTemplateName: name, NewApprovalRuleTemplateName: renamed})
	if err != nil || *out.ApprovalRuleTemplate.ApprovalRuleTemplateContent != rule2 || *out.ApprovalRuleTemplate.ApprovalRuleTemplateDescription != "two" || *out.ApprovalRuleTemplate.RuleContentSha256 == *r.RuleContentSha256 {
		t.Errorf("renamed %+v %v", out, err)
	}
	if _, err := c.UpdateRepositoryName(ctx, &codecommit.UpdateRepositoryNameInput{OldName: aws.String("api"), NewName: aws.String("zed")}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for p := codecommit.NewListRepositoriesForApprovalRuleTemplatePaginator(c, &codecommit.ListRepositoriesForApprovalRuleTemplateInput{ApprovalRuleTemplateName: renamed, MaxResults: aws.Int32(1)}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page.RepositoryNames...)
	}
	if !slices.Equal(got, []string{"site", "zed"}) {
		t.Errorf("repositories %v", got)
	}
	if l, err := c.ListAssociatedApprovalRuleTemplatesForRepository(ctx, &codecommit.ListAssociatedApprovalRuleTemplatesForRepositoryInput{RepositoryName: aws.String("zed")}); err != nil || !slices.Equal(l.ApprovalRuleTemplateNames, []string{"one-of-us"}) {
		t.Errorf("templates %v %v", l, err)
	}
	if _, err := c.DeleteApprovalRuleTemplate(ctx, &codecommit.DeleteApprovalRuleTemplateInput{ApprovalRuleTemplateName: renamed}); code(err) != "ApprovalRuleTemplateInUse" {
		t.Errorf("deleted in use: %v", err)
	}
	batch, err := c.BatchDisassociateApprovalRuleTemplateFromRepositories(ctx, &codecommit.BatchDisassociateApprovalRuleTemplateFromRepositoriesInput{ApprovalRuleTemplateName: renamed, RepositoryNames: []string{"zed", "none"}})
	if err != nil || !slices.Equal(batch.DisassociatedRepositoryNames, []string{"zed"}) || len(batch.Errors) != 1 || *batch.Errors[0].ErrorCode != "RepositoryDoesNotExistException" {
		t.Errorf("batch %+v %v", batch, err)
	}
	// A repository that goes lets go of its templates.
	if _, err := c.DeleteRepository(ctx, &codecommit.DeleteRepositoryInput{RepositoryName: aws.String("site")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DisassociateApprovalRuleTemplateFromRepository(ctx, &codecommit.DisassociateApprovalRuleTemplateFromRepositoryInput{ApprovalRuleTemplateName: renamed, RepositoryName: aws.String("site")}); code(err) != "RepositoryDoesNotExist" {
		t.Errorf("of no repository: %v", err)
	}
	if d, err := c.DeleteApprovalRuleTemplate(ctx, &codecommit.DeleteApprovalRuleTemplateInput{ApprovalRuleTemplateName: renamed}); err != nil || *d.ApprovalRuleTemplateId != *r.ApprovalRuleTemplateId {
		t.Errorf("deleted %v %v", d, err)
	}
	var missing *types.ApprovalRuleTemplateDoesNotExistException
	if _, err := c.GetApprovalRuleTemplate(ctx, &codecommit.GetApprovalRuleTemplateInput{ApprovalRuleTemplateName: renamed}); !errors.As(err, &missing) {
		t.Errorf("after delete: %v", err)
	}
	if _, err := c.ListRepositoriesForApprovalRuleTemplate(ctx, &codecommit.ListRepositoriesForApprovalRuleTemplateInput{ApprovalRuleTemplateName: renamed}); !errors.As(err, &missing) {
		t.Errorf("association after delete: %v", err)
	}
}
