package lambda

import (
	"os/exec"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// kinds of managed runtimes, as runtimeapi knows them.
const (
	python = "python"
	node   = "node"
)

// interpreter runs the functions of managed runtimes.
type interpreter struct{ kind, command, version string }

var (
	pythons = interpreter{python, "python3", "Python 3."}
	nodes   = interpreter{node, "node", "v"}
)

// managed are the runtimes of the interpreters that the build image has, one of
// each: as builds for any of CodeBuild's images run in it, functions for another
// version of Python or Node run with its own, and their logs begin with which
// that is. provided runtimes bring their own.
var managed = map[types.Runtime]interpreter{
	types.RuntimePython39:  pythons,
	types.RuntimePython310: pythons,
	types.RuntimePython311: pythons,
	types.RuntimePython312: pythons,
	types.RuntimePython313: pythons,
	types.RuntimePython314: pythons,
	types.RuntimeNodejs18x: nodes,
	types.RuntimeNodejs20x: nodes,
	types.RuntimeNodejs22x: nodes,
	types.RuntimeNodejs24x: nodes,
}

var provided = []types.Runtime{types.RuntimeProvidedal2023, types.RuntimeProvidedal2}

// offered names the runtimes that can be had.
func offered() string {
	names := []string{}
	for r := range managed {
		names = append(names, string(r))
	}
	for _, r := range provided {
		names = append(names, string(r))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// checkRuntime refuses what cannot run here.
func (s *Service) checkRuntime(r types.Runtime) error {
	m, ok := managed[r]
	switch {
	case slices.Contains(provided, r):
		return nil
	case !ok:
		return invalid("The runtime parameter of %s is not implemented by Slipway; the runtimes are: %s", r, offered())
	case s.contained():
		return nil
	}
	// Without a container engine it is this machine's interpreter.
	out, err := exec.Command(m.command, "--version").Output()
	if err != nil || !strings.HasPrefix(string(out), m.version) {
		return invalid("The runtime %s needs %s, which this machine has not: start the server with --compute docker", r, m.command)
	}
	return nil
}
