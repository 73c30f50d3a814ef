package ecs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// Config is what the service needs; members are required unless they say
// otherwise.
type Config struct {
	Engine   *engine.Engine
	Bus      *bus.Bus
	Site     site.Site
	IDs      id.Source
	Log      *slog.Logger
	Sessions session.Source
	// Compute runs the tasks. Images are pulled if it is a compute.ImageStore;
	// without that, tasks fail to start and say so.
	Compute compute.Compute
	// Balancers has the target groups that services name, and that their tasks
	// join.
	Balancers Balancers
	// Networks has the subnets and security groups that tasks name.
	Networks Networks
	// Alarms are those that deployments watch.
	Alarms Alarms
	// Logs takes the output of containers with the awslogs driver.
	Logs Logs
	// Executable is the statically linked slipway program for the containers
	// that hold the tasks' networks.
	Executable string
	// RunDir is the directory of the gateway's unix socket on the host.
	RunDir string
	// Scratch is a directory for the volumes that live as long as a task.
	Scratch string
	// StableAfter is how long a task without a health check must have been
	// RUNNING to count as healthy. AWS waits 40 seconds; on a machine of one's
	// own a second tells as much. 0 means 1 s.
	StableAfter time.Duration
	// KeepStopped is how long stopped tasks can be described. 0 means 1 h.
	KeepStopped time.Duration
}

// Logs is CloudWatch Logs as far as containers write to it.
type Logs interface {
	// Append adds events to a stream in the caller's transition.
	Append(tx *engine.Tx, region, group, stream string, events []logstypes.InputLogEvent) error
}

// Service implements ECS's API.
type Service struct {
	Config

	watching sync.WaitGroup

	mu     sync.Mutex
	cancel map[string]context.CancelFunc // by task id: the pull that runs
}

// The jobs of the engine.
const (
	jobTask    = "ecs.task"    // carries one task forward
	jobService = "ecs.service" // carries one service forward
	jobLogs    = "ecs.logs"    // ships one container's output
	jobHealth  = "ecs.health"  // checks one container's health
	jobForget  = "ecs.forget"  // drops a stopped task
	jobShift   = "ecs.shift"   // shifts a deployment's traffic, or looks at its alarms
	jobHook    = "ecs.hook"    // invokes a lifecycle hook
	jobPast    = "ecs.past"    // drops a former service deployment
)

// New returns the service and registers its jobs.
func New(c Config) *Service {
	if c.StableAfter == 0 {
		c.StableAfter = time.Second
	}
	if c.KeepStopped == 0 {
		c.KeepStopped = time.Hour
	}
	s := &Service{Config: c, cancel: map[string]context.CancelFunc{}}
	c.Engine.Handle(jobTask, engine.Options{Concurrency: 256}, s.runTask)
	c.Engine.Handle(jobService, engine.Options{}, s.reconcile)
	// One for every container that runs.
	c.Engine.Handle(jobLogs, engine.Options{Concurrency: 4096}, s.shipLogs)
	c.Engine.Handle(jobHealth, engine.Options{Concurrency: 256}, s.checkHealth)
	c.Engine.Handle(jobForget, engine.Options{}, s.forget)
	c.Engine.Handle(jobShift, engine.Options{}, s.runErrand)
	c.Engine.Handle(jobHook, engine.Options{}, s.runErrand)
	c.Engine.Handle(jobPast, engine.Options{}, s.dropPast)
	s.followTargets()
	s.followAlarms()
	return s
}

// Tables. Every key begins with the region.
const (
	clusters    store.Table[cluster]            = "ecs.cluster"    // name
	families    store.Table[family]             = "ecs.family"     // family
	definitions store.Table[definition]         = "ecs.definition" // family, revision in 10 digits
	services    store.Table[service]            = "ecs.service"    // cluster, name
	events      store.Table[types.ServiceEvent] = "ecs.event"      // cluster, service, countdown
	tasks       store.Table[task]               = "ecs.task"       // cluster, id
	// live lists the tasks that are not STOPPED.
	live store.Table[struct{}] = "ecs.live" // cluster, service or "", id
	// members find the task that is a target; no region.
	members store.Table[taskKey] = "ecs.member" // target group, address, port
	// credentials find a task by what is in its environment; no region.
	credentials store.Table[taskKey]  = "ecs.credential" // id
	runTokens   store.Table[runToken] = "ecs.token"      // cluster, client token
)

type cluster struct {
	types.Cluster
	Region string
}

// family counts revisions; numbers are never used again.
type family struct{ Revision int32 }

type definition struct {
	types.TaskDefinition
	Tags []types.Tag `json:",omitempty"`
}

type taskKey struct{ Region, Cluster, ID string }

type runToken struct {
	Hash  string
	Tasks []string // ids
}

func revisionKey(n int32) string { return fmt.Sprintf("%010d", n) }

func (s *Service) arn(region, resource string) string {
	return arn.New("ecs", region, s.Site.Account, resource)
}

// Errors by AWS's names.
func clientError(format string, args ...any) error {
	return &types.ClientException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func invalidParameter(format string, args ...any) error {
	return &types.InvalidParameterException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func notImplemented(what string) string { return what + " is not implemented by Slipway." }

// unsupported refuses a feature of ECS that is not implemented here.
func unsupported(what string) error {
	return &types.UnsupportedFeatureException{Message: aws.String(notImplemented(what))}
}

func noCluster() error {
	return &types.ClusterNotFoundException{Message: aws.String("Cluster not found.")}
}

// clusterName is the name in a parameter that may be nothing, a name or an ARN.
func clusterName(p *string) string {
	name := aws.ToString(p)
	if name == "" {
		return "default"
	}
	if a, ok := arn.Parse(name); ok {
		return strings.TrimPrefix(a.Resource, "cluster/")
	}
	return name
}

// lastPart is the name in a parameter that may be a name or an ARN, long or
// short: service/NAME, service/CLUSTER/NAME, task/CLUSTER/ID.
func lastPart(p string) string {
	return p[strings.LastIndexByte(p, '/')+1:]
}

// inCluster is lastPart of the reference to a service or task, which must be in
// the cluster that the request names.
func inCluster(ref, cluster string) (string, error) {
	if a, ok := arn.Parse(ref); ok {
		if part := strings.Split(a.Resource, "/"); len(part) == 3 && part[1] != cluster {
			return "", invalidParameter("Invalid identifier: Identifier is for cluster %s. Your cluster is %s", part[1], cluster)
		}
	}
	return lastPart(ref), nil
}

// activeCluster reads a cluster or answers that there is none.
func activeCluster(r store.Reader, region string, p *string) (*cluster, error) {
	c, err := clusters.Get(r, region, clusterName(p))
	if errors.Is(err, store.ErrNotFound) {
		return nil, noCluster()
	}
	if err != nil {
		return nil, err
	}
	if aws.ToString(c.Status) != "ACTIVE" {
		return nil, noCluster()
	}
	return c, nil
}

func (c *cluster) name() string { return aws.ToString(c.ClusterName) }

// liveTasks are the tasks that are not STOPPED, of one service if it is given.
func liveTasks(r store.Reader, region, cluster string, service ...string) ([]*task, error) {
	var all []*task
	prefix := store.Prefix(append([]string{string(live), region, cluster}, service...)...)
	for e, err := range r.Scan(store.Range{Prefix: prefix}) {
		if err != nil {
			return nil, err
		}
		t, err := tasks.Get(r, region, cluster, e.Key[strings.LastIndex(e.Key, store.Separator)+1:])
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// Start finds again what was running when the server ended, and follows what
// happens to containers. Call it once the engine has started.
func (s *Service) Start(ctx context.Context) error {
	s.watching.Go(func() { s.watch(ctx) })
	return nil
}

// Stop waits for what Start began, after its context has ended.
func (s *Service) Stop() { s.watching.Wait() }
