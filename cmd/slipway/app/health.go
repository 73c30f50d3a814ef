package app

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// addOperations mounts what those who run Slipway look at.
func (a *App) addOperations() {
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.gateway.Mount("/_slipway/health", http.HandlerFunc(a.health))
	a.gateway.Mount("/metrics", promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{}))
}

// engineTimeout is how long health waits for the container engine's answer.
const engineTimeout = 2 * time.Second

// health is 200 whenever requests are answered. compute_error is there while
// the container engine does not answer: builds and tasks wait for it.
func (a *App) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	answer := map[string]any{
		"version":  a.Version,
		"uptime":   a.Clock.Now().Sub(a.started).Seconds(),
		"compute":  a.Compute,
		"database": "sqlite",
		"iam":      a.IAM,
		"account":  a.Account,
		"region":   a.Region,
	}
	ctx, cancel := context.WithTimeout(r.Context(), engineTimeout)
	defer cancel()
	if _, err := a.compute.Info(ctx); err != nil {
		answer["compute_error"] = err.Error()
	}
	_ = json.NewEncoder(w).Encode(answer)
}
