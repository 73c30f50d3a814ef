package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// row is one line of the table.
type row struct {
	what     string
	slipway  string
	baseline string
	versus   string  // what the baseline is
	ratio    float64 // as the aim counts it; NaN or 0 for none
	aim      string
	met      bool
	note     string // instead of figures
}

func (r row) cells() []string {
	if r.note != "" {
		return []string{r.what, r.note, "", "", "", ""}
	}
	verdict := "met"
	if !r.met {
		verdict = "missed"
	}
	ratio := "-"
	if r.ratio > 0 && !math.IsInf(r.ratio, 0) {
		digits := 2
		if r.ratio < 0.1 {
			digits = 3
		}
		ratio = fmt.Sprintf("%.*f×", digits, r.ratio)
	}
	return []string{r.what, r.slipway, r.baseline + " (" + r.versus + ")", ratio, r.aim, verdict}
}

var header = []string{"figure", "Slipway", "baseline", "ratio", "aim", ""}

func print(w io.Writer, rows []row, markdown bool) {
	table := [][]string{header}
	for _, r := range rows {
		table = append(table, r.cells())
	}
	if markdown {
		for i, cells := range table {
			fmt.Fprintln(w, "| "+strings.Join(cells, " | ")+" |")
			if i == 0 {
				fmt.Fprintln(w, "|"+strings.Repeat("---|", len(cells)))
			}
		}
		return
	}
	widths := make([]int, len(header))
	for _, cells := range table {
		for i, c := range cells {
			if cells[2] != "" || i == 0 { // a note may be as long as it likes
				widths[i] = max(widths[i], len([]rune(c)))
			}
		}
	}
	for _, cells := range table {
		var b strings.Builder
		for i, c := range cells {
			b.WriteString(c + strings.Repeat(" ", max(0, widths[i]-len([]rune(c)))+2))
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

func median[T int | int64 | float64 | time.Duration](values []T) T {
	s := slices.Sorted(slices.Values(values))
	return s[len(s)/2]
}

// ms writes a duration in milliseconds.
func ms(d time.Duration) string {
	v := float64(d) / float64(time.Millisecond)
	if v < 10 {
		return fmt.Sprintf("%.2f ms", v)
	}
	return fmt.Sprintf("%.0f ms", v)
}

// loadAverage is the last minute's, "" where it cannot be read.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	return strings.Fields(string(b))[0]
}

// machine is where the figures come from.
func machine(ctx context.Context, e *environment, load string) string {
	parts := []string{fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())}
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				parts = append(parts, strings.TrimSpace(v))
				break
			}
		}
	}
	if load != "" {
		parts = append(parts, "load "+load+" at the beginning")
	}
	if e.docker {
		if out, err := exec.CommandContext(ctx, "docker", "version", "-f", "{{.Server.Version}}").Output(); err == nil {
			parts = append(parts, "Docker Engine "+strings.TrimSpace(string(out)))
		}
	}
	if out, err := exec.CommandContext(ctx, e.program, "version").Output(); err == nil {
		first, _, _ := strings.Cut(string(out), "\n")
		parts = append(parts, strings.TrimSpace(first))
	}
	return strings.Join(parts, "; ")
}
