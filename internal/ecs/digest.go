package ecs

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// All tasks of a deployment run the same image, whatever its tag means by then:
// the first one that pulls it settles the digest, which goes with the deployment
// when a later one is rolled back to it. A new deployment looks at the tag again.
// An image that is in no registry has no digest, and is what it is by its name.

// image is what a container of the task is made from.
func (t *task) image(i int) string {
	if pinned := t.Boxes[i].Pinned; pinned != "" {
		return pinned
	}
	return aws.ToString(t.Definition.ContainerDefinitions[i].Image)
}

// settleImage notes the digest of a container's image for the deployment, unless
// there is one or the container asks for none.
func (s *Service) settleImage(tx *engine.Tx, t *task, i int, digest string) error {
	c := &t.Definition.ContainerDefinitions[i]
	name := aws.ToString(c.Name)
	if t.Service == "" || c.VersionConsistency == types.VersionConsistencyDisabled || t.Boxes[i].Pinned != "" {
		return nil
	}
	svc, err := services.Get(tx, t.Region, t.Cluster, t.Service)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	r := svc.rollout(t.Deployment)
	if r == nil || r.Images[name] != "" {
		return nil
	}
	if r.Images == nil {
		r.Images = map[string]string{}
	}
	r.Images[name] = repositoryOf(*c.Image) + "@" + digest
	if err := services.Put(tx, svc, t.Region, t.Cluster, t.Service); err != nil || r.Revision == "" {
		return err
	}
	rev, err := revisions.Get(tx, t.Region, t.Cluster, t.Service, r.Revision)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range rev.ContainerImages {
		if aws.ToString(rev.ContainerImages[i].ContainerName) == name {
			rev.ContainerImages[i].ImageDigest = aws.String(digest)
		}
	}
	return revisions.Put(tx, rev, t.Region, t.Cluster, t.Service, r.Revision)
}
