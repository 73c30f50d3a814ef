//go:build !linux

package pause

import (
	"errors"
	"net/netip"
)

func addLoopbackAddress(netip.Addr) error { return errors.ErrUnsupported }

func redirect(netip.AddrPort, uint16) error { return errors.ErrUnsupported }
