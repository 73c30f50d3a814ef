// Package codebuild is AWS CodeBuild: projects and builds.
//
// # Life of a build
//
//	             StartBuild
//	                 │
//	SUBMITTED ─▶ QUEUED ─▶ PROVISIONING ─▶ DOWNLOAD_SOURCE ─▶ INSTALL ─▶ PRE_BUILD
//	                 │           │                │               │           │
//	                 │           │                └──── failed ───┴───────────┤
//	                 │           │                                            ▼
//	                 │           │      BUILD ─▶ POST_BUILD ─▶ UPLOAD_ARTIFACTS ─▶ FINALIZING
//	                 │           │                                                    │
//	                 └───────────┴── timed out, stopped, no container ───────────▶ COMPLETED
//
// The service owns QUEUED, PROVISIONING and COMPLETED. The phases between are
// run by the build agent (package agent) inside the build's container; it
// writes every log line and every phase change to one journal and sends it.
// The service applies a piece of journal, its log lines and the new offset in
// one transaction, so nothing is lost or doubled, whichever side dies. See
// state.go for the transitions.
//
// # What a project may declare
//
// Everything that AWS takes is kept and returned. What a build cannot do here
// yet fails StartBuild by name (unavailable.go): file systems, fleets, machines
// of another kind, a certificate to install, telling a provider how the build
// went. What is of no consequence on one machine of one account is taken as it
// is: a build with a vpcConfig runs in the engine's network, like the tasks of
// ECS, and the owner of a bucket owns what builds write there.
//
// # Builds that a pipeline starts
//
// CodePipeline calls StartBuild like any caller, in the session of the action's
// role, with overrides that no other caller has a use for:
//
//   - SourceTypeOverride CODEPIPELINE.
//   - SourceVersion: arn:aws:s3:::BUCKET/KEY of the zip that is the primary
//     input artifact. SourceLocationOverride stays empty.
//   - SecondarySourcesOverride: one per further input artifact, with Type
//     CODEPIPELINE, SourceIdentifier the artifact's name, and Location
//     arn:aws:s3:::BUCKET/KEY.
//   - ArtifactsOverride: Type CODEPIPELINE; with exactly one output artifact
//     also Location BUCKET and Path KEY (the whole key of the zip to write) and
//     ArtifactIdentifier the artifact's name. Without output artifacts, or with
//     several, only Type.
//   - SecondaryArtifactsOverride: with several output artifacts one for each,
//     with Type CODEPIPELINE, ArtifactIdentifier the artifact's name, Location
//     BUCKET, Path KEY. The buildspec's secondary-artifacts names them.
//   - EnvironmentVariablesOverride: the action's EnvironmentVariables, and two
//     names that are refused to everybody else (prefix CODEBUILD_):
//     CODEBUILD_INITIATOR = codepipeline/PIPELINE, which becomes the build's
//     initiator, and, when it is known, CODEBUILD_RESOLVED_SOURCE_VERSION = the
//     primary input's revision, which becomes resolvedSourceVersion.
//   - EncryptionKeyOverride: the artifact store's key, if it has one.
//   - IdempotencyToken: something of the action execution's (at most 64
//     characters), so that an attempt that runs again gets the same build.
//
// A pipeline works with a project of any source type, as it does on AWS. The
// objects are read and written with the project's service role. Progress comes
// as "CodeBuild Build State Change" events on the bus (resources: the build's
// ARN); status, phases, logs and exportedEnvironmentVariables through
// BatchGetBuilds.
package codebuild
