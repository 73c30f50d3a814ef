package lambda

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/runtimeapi"
)

// Labels of our containers besides compute's.
const (
	labelService  = "slipway.service"
	labelInstance = "slipway.instance"
	service       = "lambda"
)

// Where a container has what is mounted, and what AWS's has too.
const (
	inBin    = "/var/slipway/slipway"
	inConfig = "/var/slipway/instance"
	inSocket = "/var/slipway/run"
	taskRoot = "/var/task"
	runDir   = "/var/runtime"
	optRoot  = "/opt"
)

const configName = "instance.json"

// overhead is what our own process needs beside the function, in MiB.
const overhead = 64

// maxProcesses is how many processes and threads an instance may have: AWS's
// 1024 for the function's, and some for our own.
const maxProcesses = 1024 + 64

func (i *instance) dir() string { return filepath.Join(i.s.Dir, "instances", i.id) }

func (i *instance) clear() { _ = os.RemoveAll(i.dir()) }

// launch makes and starts the container. What it answers is for its first
// process, which asks for it.
func (i *instance) launch(ctx context.Context) (*runtimeapi.Start, error) {
	s, t := i.s, i.target
	info, err := s.Compute.Info(ctx)
	if err != nil {
		return nil, err
	}
	env, err := i.environment(ctx)
	if err != nil {
		return nil, err
	}
	task, err := s.taskDir(t.Code.SHA)
	if err != nil {
		return nil, err
	}
	opt, err := s.taskDir(t.Opt)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(i.dir(), 0o700); err != nil {
		return nil, err
	}
	cfg := runtimeapi.Config{Endpoint: s.Site.URL, Token: s.Tokens.Seal([]byte(i.id))}
	first := &runtimeapi.Start{Env: env, Dir: task}
	spec := compute.Spec{Labels: map[string]string{compute.LabelInstallation: s.Site.Installation, compute.LabelOwner: *t.FunctionArn,
		compute.LabelRole: "instance", labelService: service, labelInstance: i.id}}
	root := task
	if info.Images {
		root = taskRoot
		if opt != "" {
			spec.Mounts = append(spec.Mounts, compute.Mount{Source: opt, Target: optRoot, ReadOnly: true})
		}
		cfg.Socket, cfg.Contained, cfg.Dir = inSocket+"/"+filepath.Base(s.Socket), true, runDir
		if err := i.contain(ctx, &spec, first, task); err != nil {
			return nil, err
		}
	} else {
		if task == "" {
			return nil, fmt.Errorf("%w: functions of images need a container engine: start the server with --compute docker", compute.ErrUnsupported)
		}
		cfg.Socket, cfg.Dir = s.Socket, i.dir()
		spec.Command = []string{s.Executable, "lambda-instance", "--config", filepath.Join(i.dir(), configName)}
		spec.Env, spec.WorkingDir = []string{"PATH=" + s.Path}, task
	}
	if task != "" {
		first.Env = append(first.Env, "LAMBDA_TASK_ROOT="+root)
		first.Dir, first.Opt = root, opt
		if info.Images {
			first.Opt = optRoot
		}
		if m, ok := managed[t.Runtime]; ok {
			first.Managed = m.kind
		} else {
			first.Command = []string{root + "/bootstrap"}
			if !runs(task) && runs(opt) {
				first.Command = []string{first.Opt + "/bootstrap"}
			}
		}
	}
	b, err := json.Marshal(cfg)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(i.dir(), configName), b, 0o600); err != nil {
		return nil, err
	}
	cid, err := s.Compute.Create(ctx, spec)
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	i.container = cid
	i.mu.Unlock()
	if err := s.Compute.Start(ctx, cid); err != nil {
		return nil, err
	}
	s.busy.Go(func() { i.follow(cid) })
	return first, nil
}

// runs tells whether a directory has a runtime.
func runs(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "bootstrap"))
	return dir != "" && err == nil
}

// contain describes the container.
func (i *instance) contain(ctx context.Context, spec *compute.Spec, first *runtimeapi.Start, task string) error {
	s, t := i.s, i.target
	spec.Name = "slipway-lambda-" + i.id[:12]
	spec.Image, spec.User = s.imageOf(t.version), "0:0"
	image, err := s.pull(ctx, spec.Image, false)
	if err != nil {
		return err
	}
	spec.Entrypoint = []string{inBin}
	spec.Command = []string{"lambda-instance", "--config", inConfig + "/" + configName}
	spec.Resources = compute.Resources{Memory: int64(*t.MemorySize+overhead) << 20, Processes: maxProcesses}
	spec.Mounts = append(spec.Mounts,
		compute.Mount{Source: s.Executable, Target: inBin, ReadOnly: true},
		compute.Mount{Source: filepath.Dir(s.Socket), Target: inSocket, ReadOnly: true},
		compute.Mount{Source: i.dir(), Target: inConfig, ReadOnly: true})
	if task != "" {
		spec.Mounts = append(spec.Mounts, compute.Mount{Source: task, Target: taskRoot, ReadOnly: true})
		return nil
	}
	entry, command := image.Entry, image.Cmd
	if r := t.ImageConfigResponse; r != nil && r.ImageConfig != nil {
		c := r.ImageConfig
		if len(c.EntryPoint) > 0 {
			entry = c.EntryPoint
		}
		if len(c.Command) > 0 {
			command = c.Command
		}
		spec.WorkingDir = aws.ToString(c.WorkingDirectory)
	}
	first.Command = append(append([]string{}, entry...), command...)
	first.Dir, first.Own = "", true
	return nil
}

// imageOf is the image that a version runs in.
func (s *Service) imageOf(v *version) string { return cmp.Or(v.Code.Resolved, v.Code.Image, s.Image) }

// environment is what the function sees, but for where its files are.
func (i *instance) environment(ctx context.Context) ([]string, error) {
	s, t := i.s, i.target
	c, err := s.Sessions.Credentials(ctx, s.sessionOf(t.version))
	if err != nil {
		return nil, fail("AccessDenied", "The role defined for the function cannot be assumed by Lambda.")
	}
	i.expires = c.Expires
	own, err := s.environment(t.version)
	if err != nil {
		return nil, err
	}
	env := []string{"LANG=en_US.UTF-8", "TZ=:UTC", "AWS_XRAY_CONTEXT_MISSING=LOG_ERROR"}
	if managed[t.Runtime].kind == node { // the version is the build image's, and nothing that the function could change
		env = append(env, "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED=true")
	}
	for k, v := range own {
		env = append(env, k+"="+v)
	}
	env = append(env,
		"AWS_LAMBDA_FUNCTION_NAME="+t.Function, "AWS_LAMBDA_FUNCTION_VERSION="+*t.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE="+strconv.Itoa(int(*t.MemorySize)),
		"AWS_LAMBDA_LOG_GROUP_NAME="+*t.LoggingConfig.LogGroup, "AWS_LAMBDA_LOG_STREAM_NAME="+i.stream,
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand", "LAMBDA_RUNTIME_DIR="+runDir,
		"AWS_REGION="+t.Region, "AWS_DEFAULT_REGION="+t.Region,
		"AWS_ACCESS_KEY_ID="+c.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+c.SecretAccessKey, "AWS_SESSION_TOKEN="+c.SessionToken)
	if t.Handler != nil {
		env = append(env, "_HANDLER="+*t.Handler)
	}
	if t.LoggingConfig.LogFormat == types.LogFormatJson {
		env = append(env, "AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL="+string(t.LoggingConfig.ApplicationLogLevel))
	}
	if t.Runtime != "" {
		env = append(env, "AWS_EXECUTION_ENV=AWS_Lambda_"+string(t.Runtime))
	}
	if _, ok := own["AWS_ENDPOINT_URL"]; !ok {
		env = append(env, "AWS_ENDPOINT_URL="+s.Site.URL)
		if _, ok := own["AWS_ENDPOINT_URL_S3"]; !ok {
			env = append(env, "AWS_ENDPOINT_URL_S3="+s.Site.AddressURL())
		}
	}
	return env, nil
}

// follow notices the end of a container, above all one that never called.
func (i *instance) follow(cid string) {
	ctx, cancel := context.WithCancel(i.s.ending)
	defer cancel()
	go func() {
		select {
		case <-i.dead:
			cancel()
		case <-ctx.Done():
		}
	}()
	exit, err := i.s.Compute.Wait(ctx, cid)
	if err != nil {
		return
	}
	why := fmt.Sprintf("exit status %d", exit.Code)
	if exit.Error != "" {
		why = exit.Error
	}
	select {
	case <-i.attached: // the connection tells, and has more to say
		return
	default:
	}
	look, done := context.WithTimeout(i.s.ending, removal)
	defer done()
	_ = i.s.Compute.Logs(look, cid, time.Time{}, false, func(l compute.Line) bool {
		why = l.Text
		return true
	})
	i.end(runtimeapi.Frame{Kind: runtimeapi.KindExited, ErrorType: "Runtime.InvalidEntrypoint", Text: why})
}

// Instances takes the connections of the first processes of containers, by the
// gateway's unix socket only.
func (s *Service) Instances() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sealed, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		id, err := s.Tokens.Open(sealed)
		addr, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		i := (*instance)(nil)
		if ok && err == nil && addr != nil && addr.Network() == "unix" {
			i = s.pool.find(string(id))
		}
		if i == nil || r.Header.Get("Upgrade") != runtimeapi.Protocol {
			http.Error(w, "unknown instance", http.StatusUnauthorized)
			return
		}
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			s.Log.Error("connection of an instance", "err", err)
			return
		}
		_ = c.SetDeadline(time.Time{})
		if _, err := io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+runtimeapi.Protocol+"\r\n\r\n"); err != nil {
			_ = c.Close()
			return
		}
		s.busy.Go(func() { i.attach(runtimeapi.NewConn(c, bufio.NewReaderSize(rw, 64<<10))) })
	})
}
