package agent

import (
	"bytes"
	"fmt"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/slipway-dev/slipway/internal/agent/job"
	"github.com/slipway-dev/slipway/internal/agent/mask"
)

// buildLog turns output and the agent's own lines into records of the journal.
type buildLog struct {
	journal *journal
	secrets *mask.Secrets
	now     func() time.Time

	mu      sync.Mutex
	masked  *mask.Writer
	partial []byte
	output  bool // the last line was of a command
}

func newBuildLog(j *journal, now func() time.Time) *buildLog {
	l := &buildLog{journal: j, secrets: &mask.Secrets{}, now: now}
	l.masked = mask.NewWriter(lineWriter{l}, l.secrets)
	return l
}

// say logs a line of the agent's own, in the form of CodeBuild's. A blank line
// sets it apart from output before it.
func (l *buildLog) say(format string, args ...any) {
	text := l.secrets.Text(fmt.Sprintf(format, args...))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
	records := make([]job.Record, 0, 2)
	if l.output {
		records = append(records, job.Record{Log: "\n"})
	}
	l.output = false
	prefix := "[Container] " + l.now().UTC().Format("2006/01/02 15:04:05.000000") + " "
	for len(text) > job.MaxLine {
		n := cut([]byte(text))
		records = append(records, job.Record{Log: prefix + text[:n] + "\n"})
		text, prefix = text[n:], ""
	}
	l.journal.add(append(records, job.Record{Log: prefix + text + "\n"})...)
}

// Write takes output of commands.
func (l *buildLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.masked.Write(p)
}

// Flush logs what has no newline yet.
func (l *buildLog) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
}

func (l *buildLog) flush() {
	_ = l.masked.Flush()
	if len(l.partial) > 0 {
		l.journal.add(job.Record{Log: valid(l.partial) + "\n"})
		l.partial, l.output = nil, true
	}
}

type lineWriter struct{ *buildLog }

// Write cuts masked output into lines and keeps them in one step.
func (l lineWriter) Write(p []byte) (int, error) {
	l.partial = append(l.partial, p...)
	var records []job.Record
	for {
		i := bytes.IndexByte(l.partial, '\n')
		end := i + 1
		if i < 0 || end > job.MaxLine {
			if len(l.partial) <= job.MaxLine {
				break
			}
			end = cut(l.partial)
		}
		line := valid(l.partial[:end])
		if i < 0 || i >= end {
			line += "\n"
		}
		records = append(records, job.Record{Log: line})
		l.partial = l.partial[end:]
	}
	l.partial = bytes.Clone(l.partial)
	if len(records) > 0 {
		l.output = true
		l.journal.add(records...)
	}
	return len(p), nil
}

// cut is where a line that is too long is cut: not within a character.
func cut(b []byte) int {
	n := job.MaxLine
	for n > job.MaxLine-utf8.UTFMax && !utf8.RuneStart(b[n]) {
		n--
	}
	return n
}

func valid(b []byte) string { return string(bytes.ToValidUTF8(b, []byte("\uFFFD"))) }
