package codepipeline

// standardProviders are the action providers that exist, by category and name.
// imageTag is the tag an ECR source looks at.
func imageTag(configuration map[string]string) string {
	if t := configuration["ImageTag"]; t != "" {
		return t
	}
	return "latest"
}

func (s *Service) standardProviders() map[string]Action {
	return map[string]Action{
		"Approval/Manual": approval{},
	}
}
