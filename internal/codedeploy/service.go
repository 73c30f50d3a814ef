package codedeploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// Config is what the service needs; every member but Roles is required.
type Config struct {
	Engine   *engine.Engine // takes handlers until it starts
	Bus      *bus.Bus       // takes subscribers until then
	Site     site.Site
	IDs      id.Source
	Log      *slog.Logger
	Sessions session.Source
	// Roles tells whether a role exists, so that deployments can say whether
	// theirs is missing or does not let CodeDeploy in.
	Roles func(ctx context.Context, arn string) bool
}

// Service implements CodeDeploy's API.
type Service struct {
	Config
	connect func(aws.Config) *clients
}

// New returns the service. Its deployments go on after Resume.
func New(c Config) *Service {
	s := &Service{c, connect}
	c.Engine.Handle(jobStep, engine.Options{}, s.step)
	c.Engine.Handle(jobTimer, engine.Options{}, s.timer)
	c.Engine.Handle(jobTrigger, engine.Options{}, s.publish)
	c.Bus.Subscribe("codedeploy", func(ev *bus.Event) bool { return cause(ev) != "" }, s.woken)
	return s
}

// principal is who assumes the service roles of deployment groups.
const principal = "codedeploy.amazonaws.com"

// application is what the store keeps of one.
type application struct {
	ID, Name string
	Platform types.ComputePlatform
	Created  time.Time
	Tags     tag.Set
}

// group is what the store keeps of a deployment group. Its document has no
// names: an application and a group can be renamed.
type group struct {
	types.DeploymentGroupInfo
	Created time.Time
	Tags    tag.Set
}

// The tables; keys begin with the region.
const (
	applications store.Table[application]                = "codedeploy.application" // name
	configs      store.Table[types.DeploymentConfigInfo] = "codedeploy.config"      // name
	groups       store.Table[group]                      = "codedeploy.group"       // application's id, name
	// mapped finds the group that deploys a service of ECS.
	mapped store.Table[string] = "codedeploy.service" // cluster, service → group's id
)

// Quotas of an account in a region, as AWS has them.
const (
	maxApplications = 1000
	maxGroups       = 1000 // of an application
	maxConfigs      = 50   // not counting AWS's own
	pageSize        = 100
)

func (s *Service) arn(region, resource string) string {
	return arn.New("codedeploy", region, s.Site.Account, resource)
}

// nameForm is that of applications, groups and configurations.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9._+=,@-]{1,100}$`)

// text is an exception's message.
func text(format string, args ...any) *string { return aws.String(fmt.Sprintf(format, args...)) }

func checkApplicationName(name *string) error {
	switch {
	case aws.ToString(name) == "":
		return &types.ApplicationNameRequiredException{Message: text("An application name must be specified.")}
	case !nameForm.MatchString(*name):
		return &types.InvalidApplicationNameException{Message: text("The application name is not valid: it has 1 to 100 letters, digits and characters of ._+=,@-")}
	}
	return nil
}

func checkGroupName(name *string) error {
	switch {
	case aws.ToString(name) == "":
		return &types.DeploymentGroupNameRequiredException{Message: text("A deployment group name must be specified.")}
	case !nameForm.MatchString(*name):
		return &types.InvalidDeploymentGroupNameException{Message: text("The deployment group name is not valid: it has 1 to 100 letters, digits and characters of ._+=,@-")}
	}
	return nil
}

func checkConfigName(name *string) error {
	switch {
	case aws.ToString(name) == "":
		return &types.DeploymentConfigNameRequiredException{Message: text("A deployment configuration name must be specified.")}
	case !nameForm.MatchString(*name):
		return &types.InvalidDeploymentConfigNameException{Message: text("The deployment configuration name is not valid: it has 1 to 100 letters, digits and characters of ._+=,@-")}
	}
	return nil
}

// application reads one by name.
//
// Errors: ApplicationNameRequiredException, InvalidApplicationNameException,
// ApplicationDoesNotExistException.
func findApplication(r store.Reader, region string, name *string) (*application, error) {
	if err := checkApplicationName(name); err != nil {
		return nil, err
	}
	a, err := applications.Get(r, region, *name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &types.ApplicationDoesNotExistException{Message: text("No application found for name: %s", *name)}
	}
	return a, err
}

// findGroup reads one by the names of its application and itself.
//
// Errors: those of findApplication, and the same three of groups.
func findGroup(r store.Reader, region string, app, name *string) (*application, *group, error) {
	a, err := findApplication(r, region, app)
	if err != nil {
		return nil, nil, err
	}
	if err := checkGroupName(name); err != nil {
		return nil, nil, err
	}
	g, err := groups.Get(r, region, a.ID, *name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, &types.DeploymentGroupDoesNotExistException{Message: text("No Deployment Group found for name: %s", *name)}
	}
	return a, g, err
}

// list is one page of a table; CodeDeploy's lists have no page size to ask for.
//
// Errors: InvalidNextTokenException.
func list[D, T any](ctx context.Context, s *Service, t store.Table[D], scope string, token *string, make func(*D) T, parts ...string) (items []T, next *string, err error) {
	err = s.Engine.View(ctx, func(r store.Reader) error {
		in := page.Request{Scope: scope, Token: token, Max: pageSize}
		items, next, err = page.Of(r, t, in, func(d *D) (T, bool, error) { return make(d), true, nil }, parts...)
		return err
	})
	if errors.Is(err, page.ErrToken) {
		err = badToken()
	}
	return items, next, err
}

func badToken() error {
	return &types.InvalidNextTokenException{Message: text("The next token was specified in an invalid format.")}
}

func count[D any](r store.Reader, t store.Table[D], parts ...string) (n int, err error) {
	for _, err := range t.All(r, parts...) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
