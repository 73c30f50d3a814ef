// Package site holds what every service knows of the installation it is in.
package site

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/url"
	"time"
)

// Site is one installation of Slipway.
type Site struct {
	// Installation is the id that labels everything it makes outside.
	Installation string
	Account      string // 12 digits
	Region       string // the default region
	// URL is the endpoint as clients and containers use it: http://localhost:4566.
	URL string
	// Host is URL's host and port, also the registry's name: localhost:4566.
	Host string
	// DeploymentMinute is how long what AWS counts in minutes lasts while traffic
	// shifts: the intervals of canary and linear shifts, bake times, and the waits
	// of a deployment. Zero is a minute.
	DeploymentMinute time.Duration
}

// AddressURL is URL with the address in place of the name localhost, for clients
// of S3: SDKs put a bucket before a name, and many a machine, and every container,
// does not know names under localhost.
func (s Site) AddressURL() string {
	u, err := url.Parse(s.URL)
	if err != nil || u.Hostname() != "localhost" {
		return s.URL
	}
	u.Host = net.JoinHostPort("127.0.0.1", u.Port())
	return u.String()
}

// Minutes is how long n minutes of a deployment last here.
func (s Site) Minutes(n int32) time.Duration {
	if s.DeploymentMinute == 0 {
		return time.Duration(n) * time.Minute
	}
	return time.Duration(n) * s.DeploymentMinute
}

// Instance is the id of this machine as an instance of EC2, the only one: what
// tasks that share its ports are registered as in target groups of the type
// instance. EC2 does not list it.
func (s Site) Instance() string {
	sum := sha256.Sum256([]byte("instance of " + s.Installation))
	return "i-0" + hex.EncodeToString(sum[:8])
}
