package source

// Place is a repository behind a connection, and a branch of it.
type Place struct {
	ConnectionARN string
	Repository    string // owner/name
	Branch        string // "" if it does not matter
}

// Commit is what a provider tells of one.
type Commit struct {
	ID      string
	Message string
	// AuthorDate is RFC 3339 in UTC. AuthorID is the provider's id of the
	// author, "" if it knows nobody by the commit's address.
	AuthorDate, AuthorEmail, AuthorDisplayName, AuthorID string
	URL                                                  string // of its page
	ProviderType                                         string // of the connection
}

// CloneReference is the artifact of a source that hands over a full clone
// (CODEBUILD_CLONE_REF): JSON in place of a zip, for builds alone to read. How
// AWS writes its own is not known.
type CloneReference struct {
	Provider      string `json:"provider"`
	ConnectionARN string `json:"connectionArn,omitempty"`
	Repository    string `json:"fullRepositoryId"`
	// CloneURL is on this server, for those who sign with the credentials of a
	// role that may read the repository.
	CloneURL string `json:"cloneUrl"`
	Branch   string `json:"branch,omitempty"`
	CommitID string `json:"commitId"`
}
