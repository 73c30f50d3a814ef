package pause

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// addLoopbackAddress gives lo a further IPv4 address, under a label of its own
// so that the first stays. It needs CAP_NET_ADMIN.
func addLoopbackAddress(ip netip.Addr) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for _, set := range []struct {
		request uint
		value   [4]byte
	}{
		{unix.SIOCSIFADDR, ip.As4()},
		{unix.SIOCSIFNETMASK, [4]byte{255, 255, 255, 255}},
	} {
		req, err := unix.NewIfreq("lo:slipway")
		if err != nil {
			return err
		}
		if err := req.SetInet4Addr(set.value[:]); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(fd, set.request, req); err != nil {
			return err
		}
	}
	return nil
}
