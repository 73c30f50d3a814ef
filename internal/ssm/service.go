package ssm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/seal/envelope"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// Keys is KMS in the name of the caller.
type Keys interface {
	envelope.Keys
	Encrypt(ctx context.Context, in *kms.EncryptInput, opts ...func(*kms.Options)) (*kms.EncryptOutput, error)
}

// Secrets is Secrets Manager in the name of the caller.
type Secrets interface {
	GetSecretValue(ctx context.Context, in *secretsmanager.GetSecretValueInput, opts ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// Config is what the service needs; all members are required.
type Config struct {
	Engine  *engine.Engine
	Bus     *bus.Bus
	Site    site.Site
	Log     *slog.Logger
	Keys    Keys
	Secrets Secrets
}

// Service is the Parameter Store.
type Service struct{ cfg Config }

// New returns the service and registers its job.
func New(c Config) *Service {
	s := &Service{cfg: c}
	c.Engine.Handle(jobPolicy, engine.Options{}, s.policyDue)
	return s
}

// parameter is what the store keeps of a name: its newest version and what
// belongs to none.
type parameter struct {
	revision
	Name   string
	Region string
	Tags   tag.Set          `json:",omitempty"`
	Labels map[string]int64 `json:",omitempty"` // label → version
	Oldest int64            // version that is kept
}

// revision is one version of a parameter.
type revision struct {
	Version     int64
	Type        types.ParameterType
	Value       string           `json:",omitempty"` // in clear, of all but SecureStrings
	Blob        []byte           `json:",omitempty"` // a standard SecureString, as KMS encrypted it
	Envelope    *envelope.Sealed `json:",omitempty"` // an advanced SecureString, which KMS could not
	KeyID       string           `json:",omitempty"`
	Description string           `json:",omitempty"`
	Pattern     string           `json:",omitempty"` // AllowedPattern
	DataType    string
	Tier        types.ParameterTier
	Policies    []policy `json:",omitempty"`
	Modified    time.Time
	User        string // ARN of who wrote it
}

const (
	// parameters have the parts of their names as keys, so that a path is a
	// range: region, parts …
	parameters store.Table[parameter] = "ssm.parameter"
	// revisions are all versions: region, name, number.
	revisions store.Table[revision] = "ssm.revision"
)

// parts is a name as it is in keys. "/a" is not "a".
func parts(region, name string) []string {
	return append([]string{region}, strings.Split(name, "/")...)
}

func number(version int64) string { return fmt.Sprintf("%012d", version) }

func (p *parameter) put(tx store.Tx) error {
	return parameters.Put(tx, p, parts(p.Region, p.Name)...)
}

func (s *Service) arn(region, name string) string {
	return arn.New("ssm", region, s.cfg.Site.Account, "parameter/"+strings.TrimPrefix(name, "/"))
}

// fail is an error with one of the service's codes.
func fail(code, format string, args ...any) error {
	return &wire.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// errNotFound has no text, as on AWS.
var errNotFound = &wire.Error{Code: "ParameterNotFound"}

func get(r store.Reader, region, name string) (*parameter, error) {
	p, err := parameters.Get(r, parts(region, name)...)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNotFound
	}
	return p, err
}

// announce emits a "Parameter Store Change".
func (s *Service) announce(tx *engine.Tx, p *parameter, operation string) error {
	detail, err := json.Marshal(map[string]string{"operation": operation, "name": p.Name, "type": string(p.Type), "description": p.Description})
	if err != nil {
		return err
	}
	return s.emit(tx, p, "Parameter Store Change", detail)
}

func (s *Service) emit(tx *engine.Tx, p *parameter, detailType string, detail []byte) error {
	return s.cfg.Bus.Emit(tx, bus.Event{DetailType: detailType, Source: "aws.ssm", Account: s.cfg.Site.Account, Region: p.Region,
		Resources: []string{s.arn(p.Region, p.Name)}, Detail: detail})
}
