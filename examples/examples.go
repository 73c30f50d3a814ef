// Package examples holds what the tutorial pushes, so that the program can
// show the main job wherever it runs.
package examples

import "embed"

// Hello is the sample application with its buildspec and Dockerfile, in the
// folder hello. A go.mod is written beside it when it becomes a repository of
// its own; here the folder belongs to this module.
//
//go:embed hello
var Hello embed.FS

// HelloModule is the go.mod of the application as a repository of its own.
const HelloModule = "module example.com/hello\n\ngo 1.22\n"

// BlueGreen is what a repository needs besides for production behind a load
// balancer, in the folder blue-green: the files of a CodeDeployToECS action, and
// the buildspec that hands them on.
//
//go:embed blue-green
var BlueGreen embed.FS
