package codebuild

import (
	"runtime"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
)

// unavailable names what a project may declare and a build cannot do here yet:
// StartBuild fails with it, rather than that a build leaves it out.
func unavailable(p *project) error {
	for _, src := range append([]types.ProjectSource{*p.Source}, p.SecondarySources...) {
		if err := unavailableSource(&src); err != nil {
			return err
		}
	}
	e := p.Environment
	switch {
	case len(p.FileSystemLocations) > 0:
		return notYet("fileSystemLocations (EFS)")
	case e.Fleet != nil && aws.ToString(e.Fleet.FleetArn) != "":
		return notYet("environment.fleet")
	case !runsHere(e.Type):
		return notYet("environment type " + string(e.Type) + " on this machine")
	case aws.ToString(e.Certificate) != "":
		return notYet("environment.certificate")
	case e.ComputeConfiguration != nil:
		return notYet("environment.computeConfiguration")
	case e.DockerServer != nil:
		return notYet("environment.dockerServer")
	}
	if _, ok := computeTypes[e.ComputeType]; !ok {
		return notYet("compute type " + string(e.ComputeType))
	}
	return nil
}

func unavailableSource(src *types.ProjectSource) error {
	switch {
	case aws.ToBool(src.ReportBuildStatus):
		return notYet("source.reportBuildStatus (telling " + providerNames[src.Type] + " how the build went)")
	case aws.ToString(src.Location) == anyRepository:
		return invalid("Invalid project source location: the project is started by its webhook, which says the repository")
	}
	return nil
}

// computeTypes are those of LINUX_CONTAINER, with their memory in GiB and vCPUs.
var computeTypes = map[types.ComputeType][2]int64{
	types.ComputeTypeBuildGeneral1Small:   {4, 2},
	types.ComputeTypeBuildGeneral1Medium:  {8, 4},
	types.ComputeTypeBuildGeneral1Large:   {16, 8},
	types.ComputeTypeBuildGeneral1Xlarge:  {72, 36},
	types.ComputeTypeBuildGeneral12xlarge: {144, 72},
}

// runsHere tells the environments that this machine can be. An ARM machine also
// takes LINUX_CONTAINER, so that a project need not be changed for it.
func runsHere(t types.EnvironmentType) bool {
	return t == types.EnvironmentTypeLinuxContainer || t == types.EnvironmentTypeArmContainer && runtime.GOARCH == "arm64"
}

// warmable tells whether containers of an environment may wait for builds.
func warmable(e *types.ProjectEnvironment) bool {
	_, known := computeTypes[e.ComputeType]
	return known && runsHere(e.Type) && curated(aws.ToString(e.Image)) && !strings.HasPrefix(aws.ToString(e.Image), "aws/codebuild/windows")
}
