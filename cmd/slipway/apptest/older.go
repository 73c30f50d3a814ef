package apptest

import (
	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/session"
)

// Older is for clients of the SDK for Go of version 1, of the root user.
func (s *Server) Older() *session.Session {
	s.t.Helper()
	id, secret := s.Keys()
	older, err := session.NewSession(&aws.Config{
		Region: aws.String("us-east-1"), Endpoint: &s.URL, Credentials: credentials.NewStaticCredentials(id, secret, ""),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return older
}
