package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

// connectionPath is where the server passes git on to the providers behind
// connections; region, connection and repository follow.
const connectionPath = "/_slipway/git-http/"

// sourceReferred is the type of a source to which a pipeline's artifact refers.
const sourceReferred = "reference"

// reference is what a source action with the output format CODEBUILD_CLONE_REF
// leaves in place of a zip: JSON, by which it is told from one.
type reference struct {
	Repository string `json:"fullRepositoryId"`
	CloneURL   string `json:"cloneUrl"`
	CommitID   string `json:"commitId"`
}

const maxReference = 64 << 10

// readReference reads an artifact that is no zip; nil if it is one.
func readReference(file string) (*reference, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxReference))
	if err != nil || !bytes.HasPrefix(b, []byte("{")) {
		return nil, err
	}
	r := &reference{}
	if json.Unmarshal(b, r) != nil || !fullCommit.MatchString(r.CommitID) {
		return nil, fmt.Errorf("the pipeline's source is neither a zip nor a reference to a repository")
	}
	return r, nil
}

// cloneReferred clones the repository to which a pipeline's source refers, with
// all of its history, in the build's role.
func (b *running) cloneReferred(ctx context.Context, r *reference, dir string) error {
	_, err := b.clone(ctx, job.Source{Type: sourceReferred, Location: r.CloneURL, Version: r.CommitID}, dir)
	if err != nil {
		return fmt.Errorf("repository %s: %w", r.Repository, err)
	}
	return nil
}

// referred logs in to a repository on this server. The reference was made by
// another role than the build's, so it must not name another server: that would
// be sent a signature of the build's role.
func (b *running) referred(ctx context.Context, location string) (*url.URL, job.Login, error) {
	if rest, ok := strings.CutPrefix(location, b.cfg.Endpoint+connectionPath); ok {
		parts := strings.SplitN(rest, "/", 3) // API, region, the rest
		address, err := url.Parse(location)
		if err == nil && len(parts) == 3 {
			login, err := b.roleLogin(ctx, address, parts[1])
			return address, login, err
		}
	}
	return nil, job.Login{}, fmt.Errorf("%q is not the URL of a connection's repository", location)
}

// roleLogin is how AWS's credential helper logs in to a repository in the
// build's role.
func (b *running) roleLogin(ctx context.Context, address *url.URL, region string) (job.Login, error) {
	creds, err := b.creds.get(ctx)
	if err != nil {
		return job.Login{}, fmt.Errorf("credentials of the service role: %w", err)
	}
	user := creds.AccessKeyID
	if creds.Token != "" {
		user += "%" + creds.Token
	}
	return job.Login{User: user, Token: gitPassword(creds.SecretAccessKey, region, address.Hostname(), address.EscapedPath(), time.Now())}, nil
}
