// Package app puts Slipway together: the only place that knows every service
// and every adapter. Each service is wired in a file of its own, named after
// it, by one function that parts lists.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/blob"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/cloudwatch"
	"github.com/slipway-dev/slipway/internal/codecommit"
	"github.com/slipway-dev/slipway/internal/codeconnections"
	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/ec2"
	"github.com/slipway-dev/slipway/internal/ecr"
	elbv2 "github.com/slipway-dev/slipway/internal/elasticloadbalancingv2"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/gateway"
	"github.com/slipway-dev/slipway/internal/iam"
	"github.com/slipway-dev/slipway/internal/kms"
	"github.com/slipway-dev/slipway/internal/lambda"
	"github.com/slipway-dev/slipway/internal/logs"
	"github.com/slipway-dev/slipway/internal/s3"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/secretsmanager"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/sns"
	"github.com/slipway-dev/slipway/internal/store"
)

// part adds a service, or something the services need, to an App.
type part struct {
	name string
	add  func(*App) error
}

// parts in the order they are made: one may use what an earlier one left in
// the App. A service that is not written yet is not in the list.
func parts() []part {
	return []part{
		{"compute", addCompute},
		{"blobs", addBlobs},
		{"bus", addBus},
		{"identity", addIdentity}, // iam, sts, the gateway
		{"kms", addKMS},
		{"secretsmanager", addSecretsManager},
		{"ssm", addSSM},
		{"cloudwatch", addCloudWatch},
		{"sns", addSNS},
		{"s3", addS3},
		{"logs", addLogs},
		{"eventbridge", addEventBridge},
		{"ec2", addEC2},
		{"elasticloadbalancingv2", addELB},
		{"ecr", addECR},
		{"codecommit", addCodeCommit},
		{"codeconnections", addCodeConnections},
		{"codebuild", addCodeBuild},
		{"lambda", addLambda},
		{"ecs", addECS},
		{"codedeploy", addCodeDeploy},
		{"codepipeline", addCodePipeline},
		{"console", addConsole},
		{"codestarnotifications", addCodeStarNotifications},
	}
}

// App is one Slipway. The members are for the parts.
type App struct {
	Config
	site   site.Site
	keys   *seal.Key // the installation's master key
	store  store.Store
	engine *engine.Engine // takes handlers until Start
	bus    *bus.Bus       // takes subscribers until Start
	blobs  blob.Store
	logs   *logs.Service
	// cloudwatch counts what services do.
	cloudwatch *cloudwatch.Service
	topics     *sns.Service
	lambda     *lambda.Service
	kms        *kms.Service
	// images is ECR.
	images *ecr.Service
	// objects is S3.
	objects *s3.Service
	// secrets reads for callers of other services.
	secrets secretsmanager.Reader
	ec2     *ec2.Service
	// balancers are Elastic Load Balancing's.
	balancers *elbv2.Service
	git       *codecommit.Service
	// connections are to other providers' repositories.
	connections *codeconnections.Service
	// compute may also be a compute.ImageStore.
	compute compute.Compute
	// bridge is how compute's containers reach this machine.
	bridge bridge
	// iam, sessions, credentials and authorizer are identity's.
	iam         *iam.Service
	sessions    session.Source
	credentials auth.Keys
	authorizer  auth.Authorizer
	gateway     *gateway.Gateway
	inside      *gateway.Transport // calls the gateway without a socket
	metrics     *prometheus.Registry
	root        rootKey

	listener net.Listener
	socket   net.Listener
	server   *http.Server
	lock     *os.File
	started  time.Time
	cancel   context.CancelFunc
	serving  sync.WaitGroup

	starts []func(context.Context) error
	stops  []func()
	closed sync.Once
}

// New prepares a Slipway: it takes the data directory, opens the database,
// makes every part and listens, but answers and runs nothing before Start.
func New(cfg Config) (_ *App, err error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	a := &App{Config: cfg, metrics: prometheus.NewRegistry(), started: cfg.Clock.Now()}
	defer func() {
		if err != nil {
			a.release()
		}
	}()
	if err := a.openData(); err != nil {
		return nil, err
	}
	if err := a.listen(); err != nil {
		return nil, err
	}
	if err := a.openStore(); err != nil {
		return nil, err
	}
	a.engine = engine.New(engine.Config{Store: a.store, Clock: a.Clock, IDs: a.IDs, Log: a.Log.With("part", "engine")})
	a.inside = &gateway.Transport{}
	for _, p := range parts() {
		if err := p.add(a); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	a.addOperations()
	return a, nil
}

// serve registers a service's operations with the gateway.
func (a *App) serve(s wire.Service) error { return a.gateway.Register(s) }

// onStart adds something to do after the engine has started, in order. ctx
// ends when the App closes.
func (a *App) onStart(f func(ctx context.Context) error) { a.starts = append(a.starts, f) }

// onStop adds something to do on Close after the context of onStart ended, in
// reverse order. It must wait for what it started.
func (a *App) onStop(f func()) { a.stops = append(a.stops, f) }

// dir makes and returns a subdirectory of the data directory.
func (a *App) dir(name string) (string, error) {
	d := filepath.Join(a.Data, name)
	return d, os.MkdirAll(d, 0o700)
}

// Start begins to run jobs and to answer. It returns when requests are being
// accepted.
func (a *App) Start(ctx context.Context) error {
	ctx, a.cancel = context.WithCancel(ctx)
	if err := a.engine.Start(ctx); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	for _, f := range a.starts {
		if err := f(ctx); errors.Is(err, syscall.ENOSPC) {
			a.serving.Go(func() { a.startLate(ctx, f) })
		} else if err != nil {
			return err
		}
	}
	a.server = &http.Server{
		Handler:           a.gateway,
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          quietLog(a.Log),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	for _, l := range []net.Listener{a.listener, a.socket} {
		a.serving.Go(func() {
			if err := a.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				a.Log.Error("server ended", "err", err)
			}
		})
	}
	return nil
}

// startLate starts what could not start because the disk is full: meanwhile
// load balancers carry their traffic, and whoever only reads is answered.
func (a *App) startLate(ctx context.Context, f func(context.Context) error) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Second):
		}
		if err := f(ctx); err == nil {
			return
		} else if !errors.Is(err, syscall.ENOSPC) {
			a.Log.Error("a part of the server did not start; it needs another start", "err", err)
			return
		}
	}
}

// URL is the endpoint for clients.
func (a *App) URL() string { return a.site.URL }

// RootKeys are the root user's.
func (a *App) RootKeys() (accessKeyID, secret string) { return a.root.ID, a.root.Secret }

// Close ends answers and jobs, waits for what runs here, and lets go of the
// data directory. Containers go on running: the next start finds them again.
func (a *App) Close() error {
	a.closed.Do(func() {
		if a.cancel != nil {
			a.cancel()
		}
		if a.server != nil {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			if a.server.Shutdown(ctx) != nil {
				_ = a.server.Close()
			}
			cancel()
			a.serving.Wait()
			a.engine.Wait()
		}
		a.release()
	})
	return nil
}

// Kill is Close without the courtesy: connections break, nobody is told. It is
// the nearest to kill -9 that a test inside the process can have.
func (a *App) Kill() {
	a.closed.Do(func() {
		if a.server != nil {
			_ = a.server.Close()
		}
		if a.cancel != nil {
			a.cancel()
			a.serving.Wait()
			a.engine.Wait()
		}
		a.release()
	})
}

// release undoes New.
func (a *App) release() {
	for i := len(a.stops) - 1; i >= 0; i-- {
		a.stops[i]()
	}
	a.stops = nil
	closers := []io.Closer{}
	if a.listener != nil {
		closers = append(closers, a.listener)
	}
	if a.socket != nil {
		closers = append(closers, a.socket)
	}
	if a.store != nil {
		closers = append(closers, a.store)
	}
	if a.lock != nil {
		closers = append(closers, a.lock) // ends the flock
	}
	for _, c := range closers {
		if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			a.Log.Warn("close", "err", err)
		}
	}
}
