//go:build !linux

package agent

func protect() {}
