package model

// amend corrects a model where its service takes more than the model says.
func amend(s *Service) *Service {
	if s.Name == "s3" {
		// The list of access for buckets that keep logs is missing in the model:
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
		acl := s.Shapes["BucketCannedACL"]
		acl.Enum = append(acl.Enum, "log-delivery-write")
		// The value must be URL-encoded, and clients may encode its slashes too.
		s.Shapes["CopySource"].Pattern = ""
	}
	return s
}
