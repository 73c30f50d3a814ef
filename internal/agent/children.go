package agent

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// children knows the processes that the agent waits for itself. As first
// process of a container it inherits all orphans, and must bury those too.
type children struct {
	mu  sync.Mutex
	own map[int]bool
}

// start starts cmd as a child of the agent's own. A child that ends at once is
// no orphan either: nothing is buried between its start and the note of it.
func (c *children) start(cmd *exec.Cmd) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	if c.own == nil {
		c.own = map[int]bool{}
	}
	c.own[cmd.Process.Pid] = true
	return nil
}

func (c *children) ended(pid int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.own, pid)
}

// reap buries orphans until ctx ends, if this is the first process.
func (c *children) reap(ctx context.Context) {
	if os.Getpid() != 1 {
		return
	}
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	defer signal.Stop(died)
	for {
		select {
		case <-ctx.Done():
			return
		case <-died:
		}
		c.bury()
		// Many children may die at once; one look a second is enough.
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
		c.bury()
	}
}

func (c *children) bury() {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	me := strconv.Itoa(os.Getpid())
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || c.own[pid] {
			continue
		}
		// pid (name) state ppid …; the name may contain anything.
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		i := bytes.LastIndexByte(stat, ')')
		if err != nil || i < 0 {
			continue
		}
		if f := bytes.Fields(stat[i+1:]); len(f) > 1 && string(f[0]) == "Z" && string(f[1]) == me {
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		}
	}
}
