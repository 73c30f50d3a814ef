package agent

import (
	"os/exec"
	"sync"
	"testing"
)

// Commands that end at once must not be buried by those who look for orphans:
// their exit status would be lost.
func TestOwnChildrenAreNotBuried(t *testing.T) {
	if _, err := exec.LookPath("true"); err != nil {
		t.Skip(err)
	}
	c := &children{}
	stop := make(chan struct{})
	var burying sync.WaitGroup
	burying.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				c.bury()
			}
		}
	})
	for range 100 {
		cmd := exec.Command("true")
		if err := c.start(cmd); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		c.ended(cmd.Process.Pid)
	}
	close(stop)
	burying.Wait()
}
