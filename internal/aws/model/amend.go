package model

// amend corrects a model where its service takes more than the model says.
func amend(s *Service) *Service {
	switch s.Name {
	case "codedeploy":
		// People write these in lower case, too:
		// https://github.com/aws/aws-cli/issues/6267
		kinds := s.Shapes["BundleType"]
		kinds.Enum = append(kinds.Enum, "yaml", "json")
	case "s3":
		// The list of access for buckets that keep logs is missing in the model:
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
		acl := s.Shapes["BucketCannedACL"]
		acl.Enum = append(acl.Enum, "log-delivery-write")
		// The value must be URL-encoded, and clients may encode its slashes too.
		s.Shapes["CopySource"].Pattern = ""
	}
	return s
}
