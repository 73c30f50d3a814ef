//go:build linux

package process

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/compute"
)

// reportFD is where the supervisor tells whether the process was started.
const reportFD = 3

// report is what it tells.
type report struct{ Error string }

// Main is the supervisor: args is the container's directory. It returns when
// the process and all its descendants are gone.
func Main(args []string) int {
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "process-run: want the directory of a container")
		return 2
	}
	// The process dies with the thread that started it (Pdeathsig).
	runtime.LockOSThread()
	s := &supervisor{box: &box{dir: args[0]}, followers: map[chan struct{}]bool{}}
	out := os.NewFile(reportFD, "report")
	err := s.start()
	var r report
	if err != nil {
		r.Error = err.Error()
	}
	_ = json.NewEncoder(out).Encode(r)
	_ = out.Close()
	if err != nil {
		return 1
	}
	s.run()
	return 0
}

type supervisor struct {
	*box
	control *net.UnixListener
	pid     int
	output  sync.WaitGroup

	mu        sync.Mutex
	log       *os.File
	logErr    error
	latest    time.Time
	gone      bool // the process has been waited for; its pid is not ours
	followers map[chan struct{}]bool
}

func (s *supervisor) start() error {
	unix.CloseOnExec(reportFD)
	if err := load(s.dir, "spec.json", &s.spec); err != nil {
		return err
	}
	cred, home, err := credential(s.spec.User)
	if err != nil {
		return err
	}
	argv, env, dir := s.spec.argv(), s.spec.env(home), s.cwd(cred)
	if fi, err := os.Stat(dir); err != nil || !fi.IsDir() {
		return fmt.Errorf("process: no such directory: %s", dir)
	}
	path, err := lookPath(argv[0], env, dir)
	if err != nil {
		return err
	}
	if s.log, err = os.OpenFile(filepath.Join(s.dir, "log"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err != nil {
		return err
	}
	if err := s.listen(); err != nil {
		return err
	}
	if err := setLimits(s.spec.Ulimits); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("process: subreaper: %w", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		return err
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		return err
	}
	proc, err := os.StartProcess(path, argv, &os.ProcAttr{
		Dir: dir, Env: env, Files: []*os.File{null, outW, errW},
		Sys: &syscall.SysProcAttr{Setsid: true, Credential: cred, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return fmt.Errorf("process: %w", err)
	}
	_, _, _ = null.Close(), outW.Close(), errW.Close()
	s.pid = proc.Pid
	s.output.Go(func() { s.copy(outR, 'o') })
	s.output.Go(func() { s.copy(errR, 'e') })
	if err := save(s.dir, "start.json", started{PID: s.pid, At: time.Now().UTC()}); err != nil {
		_ = syscall.Kill(s.pid, syscall.SIGKILL)
		return err
	}
	go s.serve()
	return nil
}

// run waits for the process, then ends what it left behind and writes down how
// it ended.
func (s *supervisor) run() {
	end := ended{}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			end.Exit = compute.Exit{Code: 137, Error: err.Error()}
			break
		}
		if pid == s.pid { // others were orphans
			end.Exit.Code = status.ExitStatus()
			if status.Signaled() {
				end.Exit.Code = 128 + int(status.Signal())
			}
			break
		}
	}
	s.mu.Lock()
	s.gone = true
	s.mu.Unlock()
	killChildren()
	s.output.Wait()
	end.At = time.Now().UTC()
	if s.logErr != nil {
		end.Exit.Error = "output was lost: " + s.logErr.Error()
	}
	if err := save(s.dir, "exit.json", end); err != nil {
		fmt.Fprintln(os.Stderr, "process-run:", err)
	}
	// The end of this program closes all connections, which tells the end.
	_ = os.Remove(filepath.Join(s.dir, "control"))
}

// killChildren kills until nobody is left: whoever loses its parent becomes
// our child.
func killChildren() {
	for {
		tasks, _ := filepath.Glob("/proc/self/task/*/children")
		for _, t := range tasks {
			list, _ := os.ReadFile(t)
			for _, f := range strings.Fields(string(list)) {
				if pid, err := strconv.Atoi(f); err == nil {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			}
		}
		if _, err := syscall.Wait4(-1, nil, 0, nil); errors.Is(err, syscall.ECHILD) {
			return
		}
	}
}

// listen makes the control socket. Its path may be longer than a socket
// address can be, hence the way through the directory's descriptor.
func (s *supervisor) listen() error {
	_ = os.Remove(filepath.Join(s.dir, "control"))
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	s.control, err = net.ListenUnix("unix", &net.UnixAddr{Name: controlPath(dir), Net: "unix"})
	if err != nil {
		return fmt.Errorf("process: control socket: %w", err)
	}
	return nil
}

func controlPath(dir *os.File) string {
	return "/proc/self/fd/" + strconv.Itoa(int(dir.Fd())) + "/control"
}

func (s *supervisor) serve() {
	for {
		c, err := s.control.Accept()
		if err != nil {
			return
		}
		go s.answer(c)
	}
}

// answer does one request of the control socket:
//
//	""        the connection closes at the end of the process
//	signal N  sends a signal, answers "ok"
//	follow    as "", and a byte comes whenever the log has grown
func (s *supervisor) answer(c net.Conn) {
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		_ = c.Close()
		return
	}
	line = strings.TrimSpace(line)
	if number, ok := strings.CutPrefix(line, "signal "); ok {
		n, err := strconv.Atoi(number)
		if err == nil {
			s.signal(syscall.Signal(n))
			_, _ = c.Write([]byte("ok\n"))
		}
		_ = c.Close()
		return
	}
	if line != "follow" {
		_, _ = io.Copy(io.Discard, c) // until one of us ends
		_ = c.Close()
		return
	}
	grown := make(chan struct{}, 1)
	grown <- struct{}{} // for what came while it was asking
	s.mu.Lock()
	s.followers[grown] = true
	s.mu.Unlock()
	for range grown {
		if _, err := c.Write([]byte{'+'}); err != nil {
			break
		}
	}
	s.mu.Lock()
	delete(s.followers, grown)
	s.mu.Unlock()
	_ = c.Close()
}

// signal reaches the process itself, as in a container; SIGKILL ends it, and
// with it all others.
func (s *supervisor) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.gone {
		_ = syscall.Kill(s.pid, sig)
	}
}

// setLimits sets our own limits, which the process inherits.
func setLimits(ulimits []compute.Ulimit) error {
	for _, u := range ulimits {
		n, ok := limitNames[u.Name]
		if !ok {
			return fmt.Errorf("%w: ulimit %s", compute.ErrUnsupported, u.Name)
		}
		if err := syscall.Setrlimit(n, &syscall.Rlimit{Cur: uint64(u.Soft), Max: uint64(u.Hard)}); err != nil {
			return fmt.Errorf("process: ulimit %s: %w", u.Name, err)
		}
	}
	return nil
}

var limitNames = map[string]int{
	"core": unix.RLIMIT_CORE, "cpu": unix.RLIMIT_CPU, "data": unix.RLIMIT_DATA, "fsize": unix.RLIMIT_FSIZE,
	"locks": unix.RLIMIT_LOCKS, "memlock": unix.RLIMIT_MEMLOCK, "msgqueue": unix.RLIMIT_MSGQUEUE,
	"nice": unix.RLIMIT_NICE, "nofile": unix.RLIMIT_NOFILE, "nproc": unix.RLIMIT_NPROC, "rss": unix.RLIMIT_RSS,
	"rtprio": unix.RLIMIT_RTPRIO, "rttime": unix.RLIMIT_RTTIME, "sigpending": unix.RLIMIT_SIGPENDING, "stack": unix.RLIMIT_STACK,
}
