//go:build !linux

package pause

import "errors"

func addLoopbackAddress(string) error { return errors.ErrUnsupported }
