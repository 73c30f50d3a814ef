// Package process runs "containers" without an engine: each is a process with
// its descendants on this machine, for builds that need no image.
//
// What is kept of one lives in a directory of its own, so that a new server
// finds it after the death of the old one:
//
//	spec.json   what was asked for
//	start.json  when it was started, and its pid
//	log         its output, a record a line
//	exit.json   how it ended
//	control     the socket of its supervisor
//	work/       its working directory, unless it has another
//
// The supervisor is this same program, started as `slipway process-run DIR` in
// a session of its own. It outlives the server, writes the log, and is the
// subreaper of whatever the process leaves behind, which dies with it. Whoever
// holds a connection to its control socket learns of the end when the
// connection closes; so nothing is polled, and no pid is trusted.
//
// Nothing is isolated beyond that: the process sees the machine's files,
// network and users. What would need more is refused with
// compute.ErrUnsupported, naming it. One server at a time may use a directory:
// events of Watch and the start of a followed container are told within it.
package process
