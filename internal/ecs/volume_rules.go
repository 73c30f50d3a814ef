package ecs

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// checkVolumes checks a definition's volumes and returns their names.
func checkVolumes(volumes []types.Volume, fargate bool) (map[string]bool, error) {
	names := map[string]bool{}
	for _, v := range volumes {
		name := aws.ToString(v.Name)
		if !nameForm.MatchString(name) {
			return nil, clientError("Volume name is invalid.")
		}
		if names[name] {
			return nil, clientError("Duplicate volume name %s.", name)
		}
		names[name] = true
		kinds := 0
		for _, has := range []bool{
			v.Host != nil && aws.ToString(v.Host.SourcePath) != "", v.DockerVolumeConfiguration != nil, v.EfsVolumeConfiguration != nil,
			v.FsxWindowsFileServerVolumeConfiguration != nil, v.S3filesVolumeConfiguration != nil, aws.ToBool(v.ConfiguredAtLaunch),
		} {
			if has {
				kinds++
			}
		}
		switch {
		case kinds > 1:
			return nil, clientError("Only one volume type may be specified for volume %s.", name)
		case fargate && v.Host != nil && aws.ToString(v.Host.SourcePath) != "":
			return nil, clientError("Fargate compatible task definitions do not support host.sourcePath for volumes.")
		case fargate && (v.DockerVolumeConfiguration != nil || v.FsxWindowsFileServerVolumeConfiguration != nil):
			return nil, clientError("Fargate compatible task definitions do not support dockerVolumeConfiguration and fsxWindowsFileServerVolumeConfiguration for volumes.")
		}
		if err := checkEFS(name, v.EfsVolumeConfiguration); err != nil {
			return nil, err
		}
		if d := v.DockerVolumeConfiguration; d != nil && aws.ToBool(d.Autoprovision) && d.Scope != types.ScopeShared {
			return nil, clientError("Autoprovision of volume %s is only for the scope shared.", name)
		}
	}
	return names, nil
}

// checkEFS has the rules of the developer guide's page on EFS volumes.
func checkEFS(name string, e *types.EFSVolumeConfiguration) error {
	if e == nil || e.AuthorizationConfig == nil {
		return nil
	}
	point, iam := aws.ToString(e.AuthorizationConfig.AccessPointId), e.AuthorizationConfig.Iam
	encrypted := e.TransitEncryption == types.EFSTransitEncryptionEnabled
	switch root := aws.ToString(e.RootDirectory); {
	case (point != "" || iam == types.EFSAuthorizationConfigIAMEnabled) && !encrypted:
		return clientError("Transit encryption must be enabled for volume %s, which uses an access point or IAM authorization.", name)
	case point != "" && root != "" && root != "/":
		return clientError("The root directory of volume %s must be / or omitted, because it uses an access point.", name)
	}
	return nil
}
