package agent

import (
	"bytes"
	"context"
	"os"
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

func (c *children) started(pid int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil {
		c.own = map[int]bool{}
	}
	c.own[pid] = true
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
		if f := bytes.Fields(stat[i+1:]); len(f) > 1 && string(f[0]) == "Z" && string(f[1]) == "1" {
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		}
	}
}
