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

// managed are the runtimes whose interpreter the image has, with what it says
// for its version. provided ones bring their own.
var managed = map[types.Runtime]struct{ kind, command, version string }{
	types.RuntimePython313: {python, "python3", "Python 3.13."},
	types.RuntimeNodejs20x: {node, "node", "v20."},
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

// checkRuntime refuses what cannot run here: another version of an interpreter
// is not taken for the one that was asked for.
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
		return invalid("The runtime %s needs %s, which this machine has not: start the server with --compute docker", r, strings.TrimSuffix(m.version, "."))
	}
	return nil
}
