package codepipeline

import (
	"context"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// mustCarry reports whether inputs of an action lie in the artifact store of
// another region than its own. Which bucket an artifact lies in tells it.
func (s *Service) mustCarry(p *Pipeline, a *ActionRecord) bool {
	if a.Carried || len(p.Declaration.ArtifactStores) < 2 {
		return false
	}
	for _, in := range a.Inputs {
		if in.Bucket != aws.ToString(storeOf(p, a.region()).Location) {
			return true
		}
	}
	return false
}

// carry is the first step of such an action: it copies the inputs into the
// store of the action's region, in the action's role. Done twice, it leaves a
// copy that nobody reads.
func (s *Service) carry(ctx context.Context, p *Pipeline, a *ActionRecord) (*Result, error) {
	cfg, err := s.session(ctx, p, a)
	if err != nil {
		return nil, err
	}
	st := s.own.artifacts(cfg)
	home := storeOf(p, a.region())
	r := &Result{Again: true}
	for _, in := range a.Inputs {
		if in.Bucket != aws.ToString(home.Location) {
			to := s.place(p, &a.Declaration, in.Name)
			to.Revision = in.Revision
			if to.VersionID, err = st.copy(ctx, in, to, keyID(home.EncryptionKey)); err != nil {
				return nil, err
			}
			in = to
		}
		r.Inputs = append(r.Inputs, in)
	}
	return r, nil
}

// copy copies an artifact to its place in another store and returns the version
// that it has there.
func (st artifactStore) copy(ctx context.Context, from, to Artifact, key *string) (version string, err error) {
	source := from.Bucket + "/" + escapeKey(from.Key)
	if from.VersionID != "" {
		source += "?versionId=" + url.QueryEscape(from.VersionID)
	}
	in := &s3.CopyObjectInput{Bucket: aws.String(to.Bucket), Key: aws.String(to.Key), CopySource: aws.String(source),
		ServerSideEncryption: s3types.ServerSideEncryptionAwsKms, SSEKMSKeyId: key}
	out, err := st.client.CopyObject(ctx, in)
	if err != nil {
		return "", st.writeFailure(err, to)
	}
	return aws.ToString(out.VersionId), nil
}
