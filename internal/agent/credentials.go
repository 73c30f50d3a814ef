package agent

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/agent/job"
	"github.com/slipway-dev/slipway/internal/agent/mask"
)

// credentials are the build's role session: fetched from the service when they
// are first asked for, renewed before they expire, and masked in the log.
type credentials struct {
	client  *client
	secrets *mask.Secrets

	mu   sync.Mutex
	have job.Credentials
	till time.Time
}

// renewBefore is when a session is renewed; a server that is away then has this
// long to come back.
const renewBefore = 15 * time.Minute

func (c *credentials) get(ctx context.Context) (job.Credentials, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Until(c.till) > renewBefore {
		return c.have, nil
	}
	fresh, err := c.client.credentials(ctx)
	if err != nil {
		if time.Until(c.till) > 0 {
			return c.have, nil
		}
		return job.Credentials{}, err
	}
	till, err := time.Parse(time.RFC3339, fresh.Expiration)
	if err != nil {
		return job.Credentials{}, err
	}
	c.secrets.Add(fresh.AccessKeyID, fresh.SecretAccessKey, fresh.Token)
	c.have, c.till = fresh, till
	return fresh, nil
}

// Retrieve is the SDK's credentials provider.
func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	got, err := c.get(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return aws.Credentials{
		AccessKeyID: got.AccessKeyID, SecretAccessKey: got.SecretAccessKey, SessionToken: got.Token,
		CanExpire: true, Expires: c.till, Source: "slipway",
	}, nil
}
