package lambda

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// What Lambda itself writes into a function's log, as lines of text or, in the
// log format JSON, as objects of the levels that the function wants.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html

// initLine begins what our own bootstraps say of themselves.
const initLine = "INIT_START Runtime Version: "

// systemLevels are in the order of their weight.
var systemLevels = []types.SystemLogLevel{types.SystemLogLevelDebug, types.SystemLogLevelInfo, types.SystemLogLevelWarn}

// platformRecord is the record of a platform event.
type platformRecord struct {
	InitializationType string           `json:"initializationType,omitempty"`
	Phase              string           `json:"phase,omitempty"`
	RuntimeVersion     string           `json:"runtimeVersion,omitempty"`
	FunctionName       string           `json:"functionName,omitempty"`
	FunctionVersion    string           `json:"functionVersion,omitempty"`
	RequestID          string           `json:"requestId,omitempty"`
	Version            string           `json:"version,omitempty"`
	Metrics            *platformMetrics `json:"metrics,omitempty"`
	Status             string           `json:"status,omitempty"`
	ErrorType          string           `json:"errorType,omitempty"`
}

// platformMetrics has times in milliseconds and memory in MB.
type platformMetrics struct {
	Duration      float64 `json:"durationMs"`
	Billed        int     `json:"billedDurationMs,omitempty"`
	MemorySize    int32   `json:"memorySizeMB,omitempty"`
	MaxMemoryUsed int64   `json:"maxMemoryUsedMB,omitempty"`
	InitDuration  float64 `json:"initDurationMs,omitempty"`
	Produced      int     `json:"producedBytes,omitempty"`
}

// structured tells whether the log has objects.
func (i *instance) structured() bool { return i.target.LoggingConfig.LogFormat == types.LogFormatJson }

// say writes a line of Lambda's own; r is nil outside of an event.
func (i *instance) say(r *running, at time.Time, text string) {
	if r != nil {
		i.mu.Lock()
		r.tail.add(text)
		i.mu.Unlock()
	}
	i.journal.add(at.UnixMilli(), text)
}

// plain writes a line that the log format JSON does not have.
func (i *instance) plain(r *running, text string) {
	if !i.structured() {
		i.say(r, time.Now(), text)
	}
}

// platform writes a platform event, if the function wants its level.
func (i *instance) platform(r *running, at time.Time, level types.SystemLogLevel, kind string, rec platformRecord) {
	if slices.Index(systemLevels, level) < slices.Index(systemLevels, i.target.LoggingConfig.SystemLogLevel) {
		return
	}
	b, err := json.Marshal(struct {
		Time   string         `json:"time"`
		Type   string         `json:"type"`
		Record platformRecord `json:"record"`
	}{at.UTC().Format("2006-01-02T15:04:05.000Z"), "platform." + kind, rec})
	if err != nil {
		panic(err) // of strings and numbers
	}
	i.say(r, at, string(b))
}

// starting is written when a runtime begins, runtime being which.
func (i *instance) starting(runtime string) {
	if !i.structured() {
		i.say(nil, time.Now(), initLine+runtime)
		return
	}
	i.platform(nil, time.Now(), types.SystemLogLevelInfo, "initStart", platformRecord{InitializationType: "on-demand", Phase: "init",
		RuntimeVersion: runtime, FunctionName: i.target.Function, FunctionVersion: *i.target.Version})
}

// initialized is written when a runtime waits for its first event.
func (i *instance) initialized() {
	if !i.structured() {
		return
	}
	rec := platformRecord{InitializationType: "on-demand", Phase: "init", Status: "success"}
	i.platform(nil, time.Now(), types.SystemLogLevelDebug, "initRuntimeDone", rec)
	rec.Metrics = &platformMetrics{Duration: millis(i.initTook)}
	i.platform(nil, time.Now(), types.SystemLogLevelDebug, "initReport", rec)
}

// begins is written before an event.
func (i *instance) begins(r *running, at time.Time) {
	if !i.structured() {
		i.say(r, at, "START RequestId: "+r.id+" Version: "+*i.target.Version)
		return
	}
	i.platform(r, at, types.SystemLogLevelInfo, "start", platformRecord{RequestID: r.id, Version: *i.target.Version})
}

// outcome is how an event ended, for the log.
type outcome struct {
	took   time.Duration
	memory int64  // bytes
	status string // success, error, failure or timeout
	kind   string // of the error that Lambda itself tells
	size   int    // of the answer
}

// ends is written after an event.
func (i *instance) ends(r *running, o outcome) {
	now, ms := time.Now(), math.Round(millis(o.took)*100)/100
	m := platformMetrics{Duration: ms, Billed: int(math.Ceil(ms)), MemorySize: *i.target.MemorySize,
		MaxMemoryUsed: (o.memory + 1<<20 - 1) >> 20, InitDuration: math.Round(millis(i.initTook)*100) / 100}
	if i.structured() {
		done, report := types.SystemLogLevelDebug, types.SystemLogLevelInfo
		if o.status != "success" {
			done, report = types.SystemLogLevelWarn, types.SystemLogLevelWarn
		}
		i.platform(r, now, done, "runtimeDone", platformRecord{RequestID: r.id, Status: o.status, ErrorType: o.kind, Metrics: &platformMetrics{Duration: ms, Produced: o.size}})
		i.platform(r, now, report, "report", platformRecord{RequestID: r.id, Metrics: &m, Status: o.status, ErrorType: o.kind})
		return
	}
	i.say(r, now, "END RequestId: "+r.id)
	var line strings.Builder
	fmt.Fprintf(&line, "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB",
		r.id, m.Duration, m.Billed, m.MemorySize, m.MaxMemoryUsed)
	if m.InitDuration > 0 {
		fmt.Fprintf(&line, "\tInit Duration: %.2f ms", m.InitDuration)
	}
	switch {
	case o.status == "timeout":
		line.WriteString("\tStatus: timeout")
	case o.kind != "":
		line.WriteString("\tStatus: error\tError Type: " + o.kind)
	}
	i.say(r, now, line.String())
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
