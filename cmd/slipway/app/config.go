package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/id"
)

// Config is what the command line says. Zero values mean the defaults that the
// comments give; New fills them in.
type Config struct {
	Listen   string // 127.0.0.1:4566; port 0 lets the system choose
	Data     string // directory; ~/.slipway
	Database string // "" is SQLite in the data directory
	// MasterKey is the file with the key that wraps all others; master.key in
	// the data directory, which is made at the first start.
	MasterKey string
	Compute   string // docker
	IAM       string // audit, or enforce
	Account   string // 000000000000
	Region    string // us-east-1
	// PublicURL is where browsers and git providers reach this server, if that
	// is not where it listens: https://ci.example.com.
	PublicURL string
	// Images maps the names of build images to references the engine has.
	// A name may end in *; the longest match wins.
	Images map[string]string
	// Warm is how many containers wait for builds; negative means none.
	Warm int
	// Executable is the slipway program that containers and processes run;
	// the running program.
	Executable string
	Version    string
	Commit     string
	// DeploymentMinute is how long a minute of a traffic shift, a bake time or a
	// wait of a deployment lasts; a minute.
	DeploymentMinute time.Duration

	// supervised says that Executable was given.
	supervised bool

	Log   *slog.Logger // discards
	Clock clock.Clock  // the system's
	IDs   id.Source    // random
}

// The values that members with a choice may have.
const (
	Docker     = "docker"
	Process    = "process"
	Kubernetes = "kubernetes"
	Audit      = "audit"
	Enforce    = "enforce"
)

// StandardImage is what AWS's own names of build images stand for unless
// Images says otherwise.
const StandardImage = "slipway/standard:7.0"

var (
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	regionPattern  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
)

// complete fills in defaults and refuses what cannot work.
func (c *Config) complete() error {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&c.Listen, "127.0.0.1:4566")
	def(&c.Compute, Docker)
	def(&c.IAM, Audit)
	def(&c.Account, "000000000000")
	def(&c.Region, "us-east-1")
	def(&c.Version, "dev")
	if c.Data == "" {
		dir, err := DefaultData()
		if err != nil {
			return err
		}
		c.Data = dir
	}
	var err error
	if c.Data, err = filepath.Abs(c.Data); err != nil {
		return err
	}
	c.supervised = c.Executable != ""
	if !c.supervised {
		if c.Executable, err = os.Executable(); err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
	}
	// Families of names that AWS has; a misspelt one must not run in anything.
	images := map[string]string{
		"aws/codebuild/standard:*":             StandardImage,
		"aws/codebuild/amazonlinux-x86_64-*":   StandardImage,
		"aws/codebuild/amazonlinux2-x86_64-*":  StandardImage,
		"aws/codebuild/amazonlinux-aarch64-*":  StandardImage,
		"aws/codebuild/amazonlinux2-aarch64-*": StandardImage,
	}
	for name, ref := range c.Images {
		images[name] = ref
	}
	c.Images = images
	if c.Warm == 0 {
		c.Warm = 1
	}
	if c.DeploymentMinute == 0 {
		c.DeploymentMinute = time.Minute
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = clock.System
	}
	if c.IDs == nil {
		c.IDs = id.Random
	}
	return c.check()
}

func (c *Config) check() error {
	switch c.Compute {
	case Docker, Process:
	case Kubernetes:
		return errors.New("--compute kubernetes is not implemented yet; use docker or process")
	default:
		return fmt.Errorf("--compute %q: use docker or process", c.Compute)
	}
	switch {
	case c.Database == "":
	case strings.HasPrefix(c.Database, "postgres://"), strings.HasPrefix(c.Database, "postgresql://"):
		return errors.New("--database postgres:// is not implemented yet; leave it out for SQLite in the data directory")
	default:
		return errors.New("--database: not a URL this program knows; leave it out for SQLite in the data directory")
	}
	if c.DeploymentMinute < 0 {
		return fmt.Errorf("--deployment-minute %v: want a duration above zero, like 1m or 2s", c.DeploymentMinute)
	}
	if !accountPattern.MatchString(c.Account) {
		return fmt.Errorf("--account %q: an account has twelve digits", c.Account)
	}
	if !regionPattern.MatchString(c.Region) {
		return fmt.Errorf("--region %q: not the name of a region", c.Region)
	}
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" &&
		(err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "") {
		return fmt.Errorf("--public-url %q: want a URL without a path, like https://ci.example.com", c.PublicURL)
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("--listen %q: want HOST:PORT", c.Listen)
	}
	switch c.IAM {
	case Enforce:
	case Audit:
		// Audit mode lets everyone with a key do everything.
		if !loopback(host) {
			return fmt.Errorf("--iam audit is for loopback addresses only; with --listen %s use --iam enforce", c.Listen)
		}
	default:
		return fmt.Errorf("--iam %q: use audit or enforce", c.IAM)
	}
	return nil
}

// loopback tells whether host names this machine only. Names other than
// localhost are not looked up: they may change.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// DefaultData is ~/.slipway.
func DefaultData() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no home directory; use --data: %w", err)
	}
	return filepath.Join(home, ".slipway"), nil
}
