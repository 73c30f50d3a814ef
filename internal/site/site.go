// Package site holds what every service knows of the installation it is in.
package site

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
}
