package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"time"
)

// GitSkew is how old or new a password for git may be. One password serves all
// requests of one git command.
const GitSkew = 15 * time.Minute

const gitTime = "20060102T150405"

// VerifyGit checks a password that the AWS command's credential helper, or
// git-remote-codecommit, made for a repository: timestamp, "Z", signature. path
// is the repository's path as the client was given it (/v1/repos/NAME), host
// the name without port. Any of the regions will do.
func VerifyGit(secret, password, host, path string, regions []string, now time.Time) error {
	if len(password) != len(gitTime)+1+2*sha256.Size || password[len(gitTime)] != 'Z' {
		return fail(Malformed, "the password is no CodeCommit signature")
	}
	stamp, signature := password[:len(gitTime)], password[len(gitTime)+1:]
	t, err := time.Parse(gitTime, stamp)
	if err != nil {
		return fail(Malformed, "the password has no date")
	}
	if d := now.Sub(t); d > GitSkew || d < -GitSkew {
		return fail(Skewed, fmt.Sprintf("the password of %sZ has expired", stamp))
	}
	for _, region := range regions {
		want := signGit(secret, stamp, host, path, region)
		if subtle.ConstantTimeCompare(want, []byte(signature)) == 1 {
			return nil
		}
	}
	return fail(Mismatch, mismatchMessage)
}

func signGit(secret, stamp, host, path, region string) []byte {
	sum := sha256.Sum256([]byte("GIT\n" + path + "\n\nhost:" + host + "\n\nhost\n"))
	date := stamp[:8]
	return SigningKey(secret, date, region, "codecommit").sign(
		Algorithm + "\n" + stamp + "\n" + date + "/" + region + "/codecommit/aws4_request\n" + hex.EncodeToString(sum[:]))
}
