// Package codestarnotifications is AWS CodeStar Notifications: the rules that
// say of which events of a repository, build project, deployment application or
// pipeline somebody wants to hear, and where.
//
// An event of the bus that a rule is about becomes a message to the rule's
// topics:
//
//	event ──▶ event types, resource ──▶ enabled rules ──▶ SNS, one transaction a rule
//
// A target is PENDING until the first message: then it is ACTIVE, or UNREACHABLE
// if it took none, like chat configurations, which are not implemented. Events
// that no service here has (comments, approvals and pull requests of CodeCommit)
// never come.
package codestarnotifications

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codestarnotifications/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// Config is what the service needs; every member is required.
type Config struct {
	Engine *engine.Engine
	Bus    *bus.Bus
	Site   site.Site
	IDs    id.Source
	Log    *slog.Logger
	Topics Topics
}

// Service implements the API.
type Service struct {
	Config
	memo *engine.Memo[watching]
}

// New returns the service, which hears of every event.
func New(c Config) *Service {
	s := &Service{Config: c, memo: engine.NewMemo[watching](string(rules))}
	c.Bus.Subscribe("codestarnotifications", ours, s.received)
	return s
}

// rule is what the store keeps of a notification rule.
type rule struct {
	ID, Region, Name, Resource string
	EventTypes                 []string // ids
	Targets                    []types.Target
	Detail                     types.DetailType
	Status                     types.NotificationRuleStatus
	CreatedBy                  string // ARN
	Created, Modified          time.Time
	Tags                       tag.Set
	// Token and Request make its creation happen once: see CreateNotificationRule.
	Token, Request string `json:",omitempty"`
}

// target is an address that was once subscribed. It stays when no rule names it
// any more, until DeleteTarget.
type target struct {
	Address, Type string
	Status        types.TargetStatus `json:",omitempty"` // "" is pending
}

// The tables; keys begin with the region.
const (
	rules         store.Table[rule]   = "codestarnotifications.rule"         // id
	names         store.Table[string] = "codestarnotifications.name"         // name → id
	tokens        store.Table[string] = "codestarnotifications.token"        // token → id
	targets       store.Table[target] = "codestarnotifications.target"       // address
	subscriptions store.Table[string] = "codestarnotifications.subscription" // address, id → id
)

func (s *Service) arn(region, id string) string {
	return arn.New("codestar-notifications", region, s.Site.Account, "notificationrule/"+id)
}

// rule reads the rule that an ARN names.
//
// Errors: ResourceNotFoundException.
func (s *Service) rule(r store.Reader, region string, name *string) (*rule, error) {
	missing := &types.ResourceNotFoundException{Message: aws.String("The notification rule " + aws.ToString(name) + " was not found.")}
	a, ok := arn.Parse(aws.ToString(name))
	id, rest := strings.CutPrefix(a.Resource, "notificationrule/")
	if !ok || !rest || id == "" || a.Region != region || a.Account != s.Site.Account {
		return nil, missing
	}
	found, err := rules.Get(r, region, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, missing
	}
	return found, err
}

func invalid(format string, a ...any) error {
	return &types.ValidationException{Message: aws.String(fmt.Sprintf(format, a...))}
}

// pageOf is page.Of with this API's error and its alphabet of tokens, which
// lacks the hyphen.
func pageOf[D, T any](r store.Reader, t store.Table[D], scope string, token *string, max *int32, make func(*D) (T, bool, error), region string) ([]T, *string, error) {
	in := page.Request{Scope: scope + "/" + region, Max: page.Limit(max, maxPage)}
	if max == nil {
		in.Max = defaultPage
	}
	if token != nil {
		in.Token = aws.String(strings.ReplaceAll(*token, "+", "-"))
	}
	items, next, err := page.Of(r, t, in, make, region)
	if errors.Is(err, page.ErrToken) {
		return nil, nil, badToken()
	}
	if next != nil {
		next = aws.String(strings.ReplaceAll(*next, "-", "+"))
	}
	return items, next, err
}

// Sizes of a page.
const (
	defaultPage = 50
	maxPage     = 100
)

func badToken() error {
	return &types.InvalidNextTokenException{Message: aws.String("The next token is not valid for this request.")}
}
