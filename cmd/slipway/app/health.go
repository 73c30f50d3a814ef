package app

import (
	"encoding/json"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// addOperations mounts what those who run Slipway look at.
func (a *App) addOperations() {
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.gateway.Mount("/_slipway/health", http.HandlerFunc(a.health))
	a.gateway.Mount("/metrics", promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{}))
}

func (a *App) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"version":  a.Version,
		"uptime":   a.Clock.Now().Sub(a.started).Seconds(),
		"compute":  a.Compute,
		"database": "sqlite",
		"iam":      a.IAM,
		"account":  a.Account,
		"region":   a.Region,
	})
}
