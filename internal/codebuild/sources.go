package codebuild

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
)

var identifier = regexp.MustCompile(`^[A-Za-z0-9_]{1,127}$`)

const badIdentifier = "Invalid input: identifier must contain only alphanumeric characters and underscores and be less than 128 characters in length"

// anyRepository is the location of projects whose webhook is an organization's:
// the repository comes with the event.
const anyRepository = "CODEBUILD_DEFAULT_WEBHOOK_SOURCE_LOCATION"

// hosts are the git providers, with the one host of those that have no others.
var hosts = map[types.SourceType]string{
	types.SourceTypeGithub:            "github.com",
	types.SourceTypeBitbucket:         "bitbucket.org",
	types.SourceTypeGitlab:            "gitlab.com",
	types.SourceTypeGithubEnterprise:  "",
	types.SourceTypeGitlabSelfManaged: "",
}

// hosted tells repositories of git providers.
func hosted(t types.SourceType) bool {
	_, ok := hosts[t]
	return ok
}

// checkSources takes pipeline's secondary sources, too, for a build that a
// pipeline starts.
func checkSources(primary *types.ProjectSource, secondary []types.ProjectSource, pipeline bool) error {
	if err := checkSource(primary); err != nil {
		return err
	}
	if id := aws.ToString(primary.SourceIdentifier); id != "" && !identifier.MatchString(id) {
		return invalid(badIdentifier)
	}
	if len(secondary) > 12 {
		return invalid("Invalid input: at most 12 secondarySources are allowed")
	}
	seen := map[string]bool{}
	for i := range secondary {
		src, id := &secondary[i], aws.ToString(secondary[i].SourceIdentifier)
		switch {
		case pipeline: // artifact names, which may have dashes
		case src.Type == types.SourceTypeCodepipeline:
			return invalid("Invalid input: sourceType CODEPIPELINE is not allowed for secondarySources")
		case src.Type == types.SourceTypeNoSource:
			return invalid("Invalid input: sourceType NO_SOURCE is not allowed for secondarySources")
		case !identifier.MatchString(id):
			return invalid(badIdentifier)
		}
		if seen[id] {
			return invalid("Invalid input: secondarySources has the sourceIdentifier %s twice", id)
		}
		seen[id] = true
		if err := checkSource(src); err != nil {
			return err
		}
	}
	return nil
}

func checkSource(src *types.ProjectSource) error {
	if err := checkLocation(src); err != nil {
		return err
	}
	if !hosted(src.Type) {
		switch {
		case aws.ToBool(src.ReportBuildStatus):
			return invalid("Source type %s does not support ReportBuildStatus", src.Type)
		case src.BuildStatusConfig != nil:
			return invalid("Source type %s does not support BuildStatusConfig", src.Type)
		case src.Auth != nil:
			return invalid("Source type %s does not support Auth", src.Type)
		}
	}
	if src.Auth != nil && src.Auth.Type != types.SourceAuthTypeOauth && aws.ToString(src.Auth.Resource) == "" {
		return invalid("Invalid source auth: resource is required for auth type %s", src.Auth.Type)
	}
	if aws.ToInt32(src.GitCloneDepth) < 0 {
		return invalid("Invalid input: gitCloneDepth must not be negative")
	}
	return nil
}

func checkLocation(src *types.ProjectSource) error {
	location := aws.ToString(src.Location)
	switch src.Type {
	case types.SourceTypeCodepipeline:
		return nil
	case types.SourceTypeNoSource:
		if location != "" {
			return invalid("Invalid input: source type NO_SOURCE should have null location")
		}
		if !inline(aws.ToString(src.Buildspec)) {
			return invalid("Invalid input: a buildspec is required when source type is NO_SOURCE")
		}
		return nil
	}
	if location == "" {
		return invalid("Project source location is required")
	}
	switch {
	case src.Type == types.SourceTypeS3:
		if !strings.Contains(strings.TrimPrefix(location, "arn:aws:s3:::"), "/") {
			return invalid("Invalid project source location: %s, expected bucket/key", location)
		}
	case src.Type == types.SourceTypeCodecommit:
		_, name, ok := strings.Cut(location, "/v1/repos/")
		if !ok || name == "" || strings.ContainsAny(name, "/?#") {
			return invalid("Invalid project source location: %s, expected the clone URL of a repository", location)
		}
	case hosted(src.Type):
		return checkRepository(src.Type, location)
	default:
		return invalid("Invalid type provided: Project source type")
	}
	return nil
}

// checkRepository takes https://HOST/OWNER/REPOSITORY, with or without .git,
// and http where the host is one's own.
func checkRepository(t types.SourceType, location string) error {
	if location == anyRepository {
		return nil
	}
	bad := invalid("Invalid project source location: %s, expected the HTTPS clone URL of a repository of source type %s", printable(location), t)
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "https" && (u.Scheme != "http" || hosts[t] != "") || u.RawQuery != "" || u.Fragment != "" {
		return bad
	}
	if u.User != nil {
		// BITBUCKET shows its clone URLs with a user's name, which AWS takes.
		if _, password := u.User.Password(); password || t != types.SourceTypeBitbucket {
			return invalid("Invalid project source location: it must not contain credentials")
		}
	}
	if host := hosts[t]; host != "" && u.Host != host || u.Host == "" {
		return bad
	}
	if owner, name, ok := strings.Cut(strings.Trim(u.Path, "/"), "/"); !ok || owner == "" || name == "" {
		return bad
	}
	return nil
}

// printable is a location without credentials that may stand in it.
func printable(location string) string {
	if _, rest, ok := strings.Cut(location, "@"); ok {
		return "…@" + rest
	}
	return location
}

// inline tells a buildspec's text from the name of a file: see the agent.
func inline(buildspec string) bool {
	t := strings.TrimSpace(buildspec)
	return strings.Contains(buildspec, "\n") || strings.HasPrefix(t, "{") || strings.HasPrefix(t, "version:")
}
