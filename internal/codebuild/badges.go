package codebuild

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// PathBadges is where projects' badges are.
const PathBadges = "/_slipway/badges"

// badge turns a project's badge on or off. Its address stays the same.
func (s *Service) badge(region string, p *project) {
	if p.Badge == nil || !p.Badge.BadgeEnabled {
		p.Badge = &types.ProjectBadge{}
		return
	}
	if p.BadgeURL == "" {
		p.BadgeURL = s.PublicURL + PathBadges + "?uuid=" + s.URLs.Seal([]byte(region+"/"+aws.ToString(p.Name))) + "&branch=master"
	}
	p.Badge = &types.ProjectBadge{BadgeEnabled: true, BadgeRequestUrl: aws.String(p.BadgeURL)}
}

// Badges is the handler of PathBadges: a picture of how the last build of a
// branch or tag ended. Whoever knows the address may see it.
// https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-badges.html
func (s *Service) Badges() http.Handler { return http.HandlerFunc(s.serveBadge) }

func (s *Service) serveBadge(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	target, err := s.URLs.Open(q.Get("uuid"))
	region, name, ok := strings.Cut(string(target), "/")
	if err != nil || !ok {
		http.NotFound(w, r)
		return
	}
	word, colour := "unknown", "#999"
	err = s.Engine.View(r.Context(), func(r store.Reader) error {
		p, err := get(projects, r, region, name)
		if err != nil || p == nil || !p.Badge.BadgeEnabled {
			return err
		}
		b, err := lastOf(r, region, name, q.Get("branch"), q.Get("tag"))
		if err == nil && b != nil {
			word, colour = badgeOf(b.BuildStatus)
		}
		return err
	})
	if err != nil {
		s.tryAgain(w, err)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="110" height="20" role="img" aria-label="build: %[1]s">`+
		`<rect width="40" height="20" fill="#555"/><rect x="40" width="70" height="20" fill="%[2]s"/>`+
		`<g fill="#fff" text-anchor="middle" font-family="sans-serif" font-size="11"><text x="20" y="14">build</text><text x="75" y="14">%[1]s</text></g></svg>`+"\n", word, colour)
}

func badgeOf(status types.StatusType) (word, colour string) {
	switch status {
	case types.StatusTypeSucceeded:
		return "passing", "#2a0"
	case types.StatusTypeInProgress:
		return "in progress", "#07a"
	}
	return "failing", "#c33"
}

// badgeDepth is how many builds are looked at for one of the branch.
const badgeDepth = 100

// lastOf is the last build of a branch or tag, nil if there is none among the
// latest. A build without a source version is of the default branch, whichever
// that is.
func lastOf(r store.Reader, region, name, branch, tag string) (*build, error) {
	for e, err := range r.Scan(store.Range{Prefix: store.Prefix(string(numbers), region, name), Reverse: true, Limit: badgeDepth}) {
		if err != nil {
			return nil, err
		}
		b, err := get(builds, r, region, e.Key[strings.LastIndex(e.Key, store.Separator)+1:])
		if err != nil {
			return nil, err
		}
		if b == nil {
			continue
		}
		version, _, _ := strings.Cut(aws.ToString(b.SourceVersion), "^{")
		if tag != "" && strings.TrimPrefix(version, "refs/tags/") == tag ||
			tag == "" && (branch == "" || version == "" || strings.TrimPrefix(version, "refs/heads/") == branch) {
			return b, nil
		}
	}
	return nil, nil
}
