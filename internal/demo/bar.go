package demo

import (
	"fmt"
	"os"
	"strings"

	"github.com/slipway-dev/slipway/internal/load"
)

// barWidth is in characters.
const barWidth = 32

// split draws the measured part that green has of the answers.
func split(weight int32, green float64, c load.Counts) string {
	filled := min(int(green*barWidth+0.5), barWidth)
	return fmt.Sprintf("   %3d %% wanted  %s%s  %5.1f %% measured  %6d requests  %d failed", weight,
		strings.Repeat("█", filled), strings.Repeat("░", barWidth-filled), green*100, c.Requests, c.Failed)
}

// redraw replaces the line that a terminal shows last; other outputs get a line
// only when it is kept.
func (d *Demo) redraw(line string) {
	if d.terminal() {
		fmt.Fprintf(d.Out, "\r%s\x1b[K", line)
	}
}

// keep ends the line that redraw shows with its last form.
func (d *Demo) keep(line string) {
	if d.terminal() {
		fmt.Fprintf(d.Out, "\r%s\x1b[K\n", line)
		return
	}
	d.say("%s", line)
}

func (d *Demo) terminal() bool {
	f, ok := d.Out.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
