// Package runtimeapi is the first process of a Lambda function's container. It
// serves Lambda's Runtime API (version 2018-06-01) on the loopback interface,
// starts the function's runtime, and carries invocations, answers and log lines
// over one connection to the server:
//
//	server ── unix socket, upgraded ──▶ runtimeapi ── 127.0.0.1 ──▶ runtime
//	 start, invoke                       next, response, error
//	 ◀── ready, log, response, error, exited
//
// The connection is the instance: when it ends, so do the runtime and the
// container, and a server that was restarted starts new ones.
package runtimeapi
