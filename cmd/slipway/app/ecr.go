package app

import (
	"context"
	"errors"
	"net/http"

	"github.com/slipway-dev/slipway/internal/ecr"
	"github.com/slipway-dev/slipway/internal/registry"
)

func addECR(a *App) error {
	dir, err := a.dir("registry")
	if err != nil {
		return err
	}
	images, err := registry.Open(context.Background(), dir)
	if err != nil {
		return err
	}
	a.onStop(func() { _ = images.Close() })
	service := ecr.New(ecr.Config{
		Engine: a.engine, Bus: a.bus, Site: a.site, IDs: a.IDs, Log: a.Log.With("part", "ecr"),
		Registry: images, Tokens: a.keys.For("ecr.token"), Keys: a.credentials, Authorizer: a.authorizer, KMS: a.kms,
	})
	a.images = service
	a.onStart(service.Start)
	a.gateway.Mount("/v2/", &registry.Handler{
		Registry: images, Backend: registryClients{service}, Realm: a.site.URL + "/", Service: "ecr.amazonaws.com",
		Log: a.Log.With("part", "registry"),
	})
	return a.serve(service.Wire())
}

// registryClients makes ECR's clients the registry's: neither package knows
// the other's types.
type registryClients struct{ ecr *ecr.Service }

func (c registryClients) Client(r *http.Request) (registry.Client, error) {
	client, err := c.ecr.Client(r)
	if err != nil {
		return nil, refused(err)
	}
	return registryClient{client}, nil
}

type registryClient struct{ *ecr.Client }

func refused(err error) error {
	var d *ecr.Denied
	if errors.As(err, &d) {
		return &registry.Refusal{Status: d.Status, Code: d.Code, Message: d.Message}
	}
	return err
}

func (c registryClient) Repository(name string, action registry.Action) (string, error) {
	id, err := c.Client.Repository(name, string(action))
	return id, refused(err)
}

func (c registryClient) Tag(id, tag string) (string, error) {
	digest, err := c.Client.Tag(id, tag)
	return digest, refused(err)
}

func (c registryClient) Put(id, tag, digest, mediaType string, body []byte, store func() error) error {
	return refused(c.Client.Put(id, tag, digest, mediaType, body, store))
}

func (c registryClient) Delete(id, reference string) error {
	return refused(c.Client.Delete(id, reference))
}

func (c registryClient) Names(last string, n int) ([]string, bool, error) {
	names, more, err := c.Client.Names(last, n)
	return names, more, refused(err)
}
