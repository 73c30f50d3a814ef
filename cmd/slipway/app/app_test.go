package app_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/cmd/slipway/app"
	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  app.Config
		text string
	}{
		{"kubernetes", app.Config{Compute: "kubernetes"}, "kubernetes is not implemented yet"},
		{"compute", app.Config{Compute: "podman"}, "use docker or process"},
		{"postgres", app.Config{Database: "postgres://db"}, "postgres:// is not implemented yet"},
		{"database", app.Config{Database: "mysql://db"}, "not a URL this program knows"},
		{"audit in public", app.Config{Listen: "0.0.0.0:0"}, "--iam audit is for loopback addresses only"},
		{"audit on all", app.Config{Listen: ":0"}, "--iam audit is for loopback addresses only"},
		{"audit by a name", app.Config{Listen: "example.com:0"}, "--iam audit is for loopback addresses only"},
		{"iam", app.Config{IAM: "off"}, "use audit or enforce"},
		{"account", app.Config{Account: "42"}, "twelve digits"},
		{"region", app.Config{Region: "Mars"}, "not the name of a region"},
		{"listen", app.Config{Listen: "4566"}, "want HOST:PORT"},
	} {
		tt.cfg.Data = t.TempDir()
		if tt.cfg.Listen == "" {
			tt.cfg.Listen = "127.0.0.1:0"
		}
		a, err := app.New(tt.cfg)
		if err == nil {
			_ = a.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestDataDirectory(t *testing.T) {
	srv := apptest.Start(t)
	_, err := app.New(app.Config{Listen: "127.0.0.1:0", Data: srv.Data(), Compute: app.Process})
	if err == nil || !strings.Contains(err.Error(), "is in use by another slipway server") {
		t.Errorf("a second server: %v", err)
	}
	for _, f := range []string{"credentials", "master.key", "installation.json"} {
		info, err := os.Stat(filepath.Join(srv.Data(), f))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
	id, secret := srv.Keys()
	env := strings.Join(srv.Environment(), "\n")
	for _, want := range []string{"AWS_ENDPOINT_URL=" + srv.URL, "AWS_ENDPOINT_URL_S3=http://127.0.0.1:", "AWS_ACCESS_KEY_ID=" + id, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1"} {
		if !strings.Contains(env, want) {
			t.Errorf("%s is not in\n%s", want, env)
		}
	}
	url := srv.URL
	srv.Restart()
	if again, _ := srv.Keys(); again != id || srv.URL != url {
		t.Errorf("after a restart: key %s at %s", again, srv.URL)
	}
}

func TestAnotherAccountsData(t *testing.T) {
	cfg := app.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Compute: app.Process}
	a, err := app.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.Account = "111111111111"
	if _, err := app.New(cfg); err == nil || !strings.Contains(err.Error(), "belongs to account 000000000000") {
		t.Errorf("got %v", err)
	}
}

func TestHealth(t *testing.T) {
	srv := apptest.Start(t)
	resp, err := http.Get(srv.URL + "/_slipway/health")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct {
		Version, Compute, Database string
		Uptime                     *float64
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || resp.StatusCode != 200 ||
		body.Version != "test" || body.Compute != "process" || body.Database != "sqlite" || body.Uptime == nil {
		t.Errorf("%d %+v, %v", resp.StatusCode, body, err)
	}
}

func TestStopsCleanly(t *testing.T) {
	a, err := app.New(app.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Compute: app.Process})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get(a.URL()); err == nil {
		t.Error("it answers after Close")
	}
}
