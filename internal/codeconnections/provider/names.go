package provider

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

var (
	repositoryPattern = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.-]*(/[A-Za-z0-9_.][A-Za-z0-9_.-]*)+$`)
	commitPattern     = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
)

// ValidRepository tells whether name can be a repository's: owner/name with
// any number of groups between. What is let through is safe in a URL's path.
func ValidRepository(name string) bool {
	if len(name) > 500 || !repositoryPattern.MatchString(name) {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "." || part == ".." {
			return false
		}
	}
	return true
}

// ValidCommit tells whether id is a whole commit id.
func ValidCommit(id string) bool { return commitPattern.MatchString(id) }

// Zero tells whether a webhook's commit id stands for no commit.
func Zero(id string) bool { return strings.Trim(id, "0") == "" }

// Given is a webhook's commit id, or "" where it stands for none.
func Given(id string) string {
	if Zero(id) {
		return ""
	}
	return id
}

// Date brings a provider's date into the form of AWS's variables, in UTC:
// 2019-10-29T03:32:21Z.
func Date(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// Ref takes a full ref name apart.
func Ref(ref string) (branch, tag string, err error) {
	if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok && branch != "" {
		return branch, "", nil
	}
	if tag, ok := strings.CutPrefix(ref, "refs/tags/"); ok && tag != "" {
		return "", tag, nil
	}
	return "", "", fmt.Errorf("%.100q is neither a branch nor a tag", ref)
}
