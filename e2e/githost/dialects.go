package githost

import "strings"

func gitHubCommit(r *Repo, c *commitInfo) any {
	return obj{"sha": c.ID, "html_url": r.host.URL + "/" + r.Name + "/commit/" + c.ID,
		"commit": obj{"message": c.Message, "author": obj{"name": c.Name, "email": c.Email, "date": c.Date}},
		"author": obj{"login": User, "id": 42}}
}

func gitLabCommit(r *Repo, c *commitInfo) any {
	return obj{"id": c.ID, "message": c.Message, "author_name": c.Name, "author_email": c.Email, "authored_date": c.Date,
		"web_url": r.host.URL + "/" + r.Name + "/-/commit/" + c.ID}
}

func bitbucketCommit(r *Repo, c *commitInfo, short bool) obj {
	hash := c.ID
	if short {
		hash = hash[:12]
	}
	return obj{"hash": hash, "date": c.Date, "message": c.Message,
		"author": obj{"raw": c.Name + " <" + c.Email + ">", "user": obj{"account_id": "42", "display_name": c.Name}},
		"links":  obj{"html": obj{"href": r.host.URL + "/" + r.Name + "/commits/" + c.ID}}}
}

// told is a commit as the webhooks of GitHub, Gitea and GitLab list it.
func told(c *commitInfo) obj {
	if c == nil {
		return nil
	}
	return obj{"id": c.ID, "message": c.Message, "timestamp": c.Date, "author": obj{"name": c.Name, "email": c.Email},
		"added": c.Added, "removed": c.Removed, "modified": c.Modified}
}

func allTold(list []*commitInfo) []obj {
	out := []obj{}
	for _, c := range list {
		out = append(out, told(c))
	}
	return out
}

func gitHubPush(r *Repo, e *event) obj {
	p := obj{"ref": e.ref, "before": orZero(e.before), "after": orZero(e.after), "created": e.before == "", "deleted": e.after == "",
		"forced": false, "commits": allTold(e.commits), "repository": obj{"full_name": r.Name}}
	if e.head != nil {
		p["head_commit"] = told(e.head)
	}
	return p
}

func gitHubPull(r *Repo, e *event, action string) obj {
	return obj{"action": action, "number": e.pull.ID, "repository": obj{"full_name": r.Name}, "pull_request": obj{
		"title": e.pull.Title, "merged": e.action == "merged",
		"head": obj{"ref": e.pull.Head, "sha": e.head.ID, "repo": obj{"full_name": e.pull.From}},
		"base": obj{"ref": e.pull.Base, "sha": "", "repo": obj{"full_name": r.Name}}}}
}

func gitHubWebhook(r *Repo, e *event) (string, any) {
	if e.pull == nil {
		return "push", gitHubPush(r, e)
	}
	action := map[string]string{"opened": "opened", "updated": "synchronize", "edited": "edited", "closed": "closed", "merged": "closed"}[e.action]
	return "pull_request", gitHubPull(r, e, action)
}

// giteaWebhook tells of branches that are gone in an event of its own.
func giteaWebhook(r *Repo, e *event) (string, any) {
	if e.pull != nil {
		action := map[string]string{"opened": "opened", "updated": "synchronized", "edited": "edited", "closed": "closed", "merged": "closed"}[e.action]
		return "pull_request", gitHubPull(r, e, action)
	}
	if branch, ok := strings.CutPrefix(e.ref, "refs/heads/"); ok && e.after == "" {
		return "delete", obj{"ref": branch, "ref_type": "branch", "repository": obj{"full_name": r.Name}}
	}
	p := gitHubPush(r, e)
	delete(p, "forced")
	p["total_commits"] = len(e.commits)
	return "push", p
}

func gitLabWebhook(r *Repo, e *event) (string, any) {
	project := obj{"path_with_namespace": r.Name}
	if e.pull != nil {
		a := obj{"iid": e.pull.ID, "title": e.pull.Title, "source_branch": e.pull.Head, "target_branch": e.pull.Base,
			"source_project_id": 1, "target_project_id": 1, "last_commit": told(e.head),
			"action": map[string]string{"opened": "open", "updated": "update", "edited": "update", "closed": "close", "merged": "merge"}[e.action]}
		if e.action == "updated" {
			a["oldrev"] = e.before
		}
		if e.pull.From != r.Name {
			a["source_project_id"] = 2
		}
		return "Merge Request Hook", obj{"object_kind": "merge_request", "project": project, "object_attributes": a}
	}
	p := obj{"object_kind": "push", "ref": e.ref, "before": orZero(e.before), "after": orZero(e.after), "project": project,
		"commits": allTold(e.commits), "total_commits_count": len(e.commits)}
	if e.head != nil {
		p["checkout_sha"] = e.head.ID
	}
	if strings.HasPrefix(e.ref, "refs/tags/") {
		p["object_kind"] = "tag_push"
		return "Tag Push Hook", p
	}
	return "Push Hook", p
}

func bitbucketWebhook(r *Repo, e *event) (string, any) {
	repository := obj{"full_name": r.Name}
	if e.pull != nil {
		side := func(branch, repo string) obj {
			return obj{"branch": obj{"name": branch}, "commit": obj{"hash": e.head.ID[:12]}, "repository": obj{"full_name": repo}}
		}
		key := map[string]string{"opened": "created", "updated": "updated", "edited": "updated", "closed": "rejected", "merged": "fulfilled"}[e.action]
		return "pullrequest:" + key, obj{"repository": repository, "pullrequest": obj{"id": e.pull.ID, "title": e.pull.Title,
			"state":  map[string]string{"opened": "OPEN", "updated": "OPEN", "edited": "OPEN", "closed": "DECLINED", "merged": "MERGED"}[e.action],
			"source": side(e.pull.Head, e.pull.From), "destination": side(e.pull.Base, r.Name)}}
	}
	kind, name := "branch", strings.TrimPrefix(e.ref, "refs/heads/")
	if tag, ok := strings.CutPrefix(e.ref, "refs/tags/"); ok {
		kind, name = "tag", tag
	}
	side := func(object string) any {
		if object == "" {
			return nil
		}
		c, err := r.info(object)
		if err != nil {
			return nil
		}
		return obj{"type": kind, "name": name, "target": bitbucketCommit(r, c, false)}
	}
	return "repo:push", obj{"repository": repository, "push": obj{"changes": []any{obj{"old": side(e.before), "new": side(e.after)}}}}
}
