package codecommit

import (
	"regexp"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// exceptions of a member: one for its absence, one for a value that the model
// forbids. "" means there is none of the kind.
type exceptions struct{ missing, wrong string }

// byMember are CodeCommit's own exceptions for what a request lacks, by the
// member's path without the indexes of lists.
var byMember = map[string]exceptions{
	"repositoryName":                  {"RepositoryNameRequired", "InvalidRepositoryName"},
	"repositoryNames":                 {"RepositoryNamesRequired", "InvalidRepositoryName"},
	"oldName":                         {"RepositoryNameRequired", "InvalidRepositoryName"},
	"newName":                         {"RepositoryNameRequired", "InvalidRepositoryName"},
	"repositoryDescription":           {"", "InvalidRepositoryDescription"},
	"kmsKeyId":                        {"EncryptionKeyRequired", "EncryptionKeyInvalidId"},
	"branchName":                      {"BranchNameRequired", "InvalidBranchName"},
	"defaultBranchName":               {"BranchNameRequired", "InvalidBranchName"},
	"commitId":                        {"CommitIdRequired", "InvalidCommitId"},
	"commitIds":                       {"CommitIdsListRequired", "InvalidCommitId"},
	"parentCommitId":                  {"ParentCommitIdRequired", "InvalidParentCommitId"},
	"commitSpecifier":                 {"CommitRequired", "InvalidCommit"},
	"afterCommitSpecifier":            {"CommitRequired", "InvalidCommit"},
	"beforeCommitSpecifier":           {"CommitRequired", "InvalidCommit"},
	"blobId":                          {"BlobIdRequired", "InvalidBlobId"},
	"filePath":                        {"PathRequired", "InvalidPath"},
	"folderPath":                      {"PathRequired", "InvalidPath"},
	"afterPath":                       {"PathRequired", "InvalidPath"},
	"beforePath":                      {"PathRequired", "InvalidPath"},
	"fileContent":                     {"FileContentRequired", "FileContentSizeLimitExceeded"},
	"fileMode":                        {"FileModeRequired", "InvalidFileMode"},
	"email":                           {"", "InvalidEmail"},
	"putFiles.filePath":               {"PathRequired", "InvalidPath"},
	"putFiles.fileMode":               {"FileModeRequired", "InvalidFileMode"},
	"putFiles.fileContent":            {"FileContentRequired", "FileContentSizeLimitExceeded"},
	"putFiles.sourceFile.filePath":    {"PathRequired", "InvalidPath"},
	"deleteFiles.filePath":            {"PathRequired", "InvalidPath"},
	"setFileModes.filePath":           {"PathRequired", "InvalidPath"},
	"setFileModes.fileMode":           {"FileModeRequired", "InvalidFileMode"},
	"resourceArn":                     {"ResourceArnRequired", "InvalidResourceArn"},
	"tags":                            {"TagsMapRequired", "InvalidTagsMap"},
	"tagKeys":                         {"TagKeysListRequired", "InvalidTagKeysList"},
	"nextToken":                       {"", "InvalidContinuationToken"},
	"maxResults":                      {"", "InvalidMaxResults"},
	"sortBy":                          {"", "InvalidSortBy"},
	"order":                           {"", "InvalidOrder"},
	"triggers":                        {"RepositoryTriggersListRequired", ""},
	"triggers.name":                   {"RepositoryTriggerNameRequired", "InvalidRepositoryTriggerName"},
	"triggers.destinationArn":         {"RepositoryTriggerDestinationArnRequired", "InvalidRepositoryTriggerDestinationArn"},
	"triggers.branches":               {"RepositoryTriggerBranchNameListRequired", "InvalidRepositoryTriggerBranchName"},
	"triggers.events":                 {"RepositoryTriggerEventsListRequired", "InvalidRepositoryTriggerEvents"},
	"approvalRuleTemplateName":        {"ApprovalRuleTemplateNameRequired", "InvalidApprovalRuleTemplateName"},
	"oldApprovalRuleTemplateName":     {"ApprovalRuleTemplateNameRequired", "InvalidApprovalRuleTemplateName"},
	"newApprovalRuleTemplateName":     {"ApprovalRuleTemplateNameRequired", "InvalidApprovalRuleTemplateName"},
	"approvalRuleTemplateContent":     {"ApprovalRuleTemplateContentRequired", "InvalidApprovalRuleTemplateContent"},
	"newRuleContent":                  {"ApprovalRuleTemplateContentRequired", "InvalidApprovalRuleTemplateContent"},
	"approvalRuleTemplateDescription": {"", "InvalidApprovalRuleTemplateDescription"},
	"existingRuleContentSha256":       {"", "InvalidRuleContentSha256"},
}

var indexes = regexp.MustCompile(`\.[0-9]+\.member`)

// invalid turns what the model forbids into CodeCommit's own exceptions.
func invalid(v wire.Violation) error {
	e := byMember[memberOf(v.Path)]
	code := e.wrong
	// An empty value is a missing one; of a content that is too long (max) no
	// value is told.
	if v.Rule == "required" || v.Value == "" && v.Rule != "max" && e.missing != "" {
		code = e.missing
	}
	if code == "" {
		return &wire.Error{Code: "ValidationException", Message: v.Message}
	}
	return &wire.Error{Code: code + "Exception", Message: v.Message}
}

// memberOf is a path without indexes, in the spelling of byMember: some of
// CodeCommit's members begin with a capital.
func memberOf(path string) string {
	path = indexes.ReplaceAllString(path, "")
	if path == "" {
		return ""
	}
	return string(path[0]|0x20) + path[1:]
}
