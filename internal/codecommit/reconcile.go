package codecommit

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// change of a ref between what was announced and what git has.
type refChange struct{ event, ref, from, to string }

// compare lists what happened to refs, in the order of their names.
func compare(was, is map[string]string) []refChange {
	var changes []refChange
	for _, ref := range slices.Sorted(maps.Keys(is)) {
		switch old, ok := was[ref]; {
		case !ok:
			changes = append(changes, refChange{"referenceCreated", ref, "", is[ref]})
		case old != is[ref]:
			changes = append(changes, refChange{"referenceUpdated", ref, old, is[ref]})
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(was)) {
		if _, ok := is[ref]; !ok {
			changes = append(changes, refChange{"referenceDeleted", ref, was[ref], ""})
		}
	}
	return changes
}

// defaultBranch is the branch that becomes the default of a repository that
// had none: the first push names it, nothing is assumed to be main.
func defaultBranch(is map[string]string) string {
	first := ""
	for _, ref := range slices.Sorted(maps.Keys(is)) {
		branch, ok := strings.CutPrefix(ref, heads)
		switch {
		case !ok:
		case branch == "main":
			return branch // of several in one push
		case first == "":
			first = branch
		}
	}
	return first
}

// detail is that of the event "CodeCommit Repository State Change".
type detail struct {
	CallerUserArn     string `json:"callerUserArn,omitempty"`
	Event             string `json:"event"`
	ReferenceType     string `json:"referenceType"`
	ReferenceName     string `json:"referenceName"`
	ReferenceFullName string `json:"referenceFullName"`
	RepositoryID      string `json:"repositoryId"`
	RepositoryName    string `json:"repositoryName"`
	CommitID          string `json:"commitId,omitempty"`
	OldCommitID       string `json:"oldCommitId,omitempty"`
}

// reconcile makes the store agree with git and announces what moved. The
// caller of ctx, if any, is named as the one who moved it. Callers hold the
// repository's lock.
func (s *Service) reconcile(ctx context.Context, region, name string) error {
	// From here on git has changed: the caller going away must not lose that.
	ctx = context.WithoutCancel(ctx)
	repo, err := s.find(identity.WithRegion(ctx, region), &name)
	if err != nil {
		return err
	}
	id := repo.id()
	is, err := s.Repositories.Refs(ctx, id) // before the transaction, which others wait for
	if err != nil {
		return err
	}
	var head string
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		repo, err := named(tx, region, &name)
		if err != nil {
			return err
		}
		was, err := refsOf(tx, id)
		if err != nil {
			return err
		}
		changes := compare(was, is)
		if len(changes) == 0 {
			return nil
		}
		now := s.Engine.Now()
		repo.LastModifiedDate = &now
		if repo.DefaultBranch == nil {
			if head = defaultBranch(is); head != "" {
				repo.DefaultBranch = aws.String(head)
			}
		}
		if err := s.put(tx, repo); err != nil {
			return err
		}
		if err := refs.Put(tx, &is, id); err != nil {
			return err
		}
		if err := s.undelivered(tx, repo); err != nil {
			return err
		}
		for _, c := range changes {
			if err := s.announce(ctx, tx, repo, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || head == "" {
		return err
	}
	return s.Repositories.SetHead(ctx, id, head)
}

func (s *Service) announce(ctx context.Context, tx *engine.Tx, repo *repository, c refChange) error {
	d := detail{
		Event: c.event, ReferenceFullName: c.ref, ReferenceType: "branch",
		RepositoryID: repo.id(), RepositoryName: repo.name(), CommitID: c.to, OldCommitID: c.from,
	}
	var tag bool
	if d.ReferenceName, tag = strings.CutPrefix(c.ref, "refs/tags/"); tag {
		d.ReferenceType = "tag"
	} else {
		d.ReferenceName = strings.TrimPrefix(c.ref, heads)
	}
	if caller, ok := identity.Maybe(ctx); ok {
		d.CallerUserArn = caller.ARN
	}
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return s.Bus.Emit(tx, bus.Event{
		DetailType: "CodeCommit Repository State Change", Source: "aws.codecommit",
		Account: s.Site.Account, Region: repo.Region, Resources: []string{aws.ToString(repo.Arn)}, Detail: body,
	})
}

// Start announces what git learned before a crash could be answered, and
// removes directories that no repository names.
func (s *Service) Start(ctx context.Context) error {
	var known []*repository
	err := s.Engine.View(ctx, func(r store.Reader) error {
		for repo, err := range repositories.All(r) {
			if err != nil {
				return err
			}
			known = append(known, repo)
		}
		return nil
	})
	if err != nil {
		return err
	}
	ids := map[string]bool{}
	for _, repo := range known {
		ids[repo.id()] = true
		unlock := s.lock(repo.id())
		err := s.reconcile(ctx, repo.Region, repo.name())
		unlock()
		if err != nil {
			s.Log.Error("cannot read a repository", "repository", repo.name(), "error", err)
		}
	}
	present, err := s.Repositories.IDs()
	if err != nil {
		return err
	}
	for _, id := range present {
		if !ids[id] {
			if err := s.Repositories.Remove(id); err != nil {
				return err
			}
		}
	}
	return nil
}
