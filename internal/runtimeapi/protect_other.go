//go:build !linux

package runtimeapi

func protect() {}
