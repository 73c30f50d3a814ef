# commit.sh REPOSITORY BRANCH…: pushes a commit to the branches of a repository
# with git and AWS's credential helper.
set -eu
repository=$1
shift
aws=/usr/bin/aws
[ -x $aws ] || aws=aws
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GIT_AUTHOR_NAME=Story GIT_AUTHOR_EMAIL=story@example.com GIT_COMMITTER_NAME=Story GIT_COMMITTER_EMAIL=story@example.com
git init -q -b "$1"
git config credential.helper "!$aws codecommit credential-helper --ignore-host-check \$@"
git config credential.UseHttpPath true
git commit -q --allow-empty -m first
for branch; do
	git push -q "$AWS_ENDPOINT_URL/v1/repos/$repository" "HEAD:refs/heads/$branch"
done
