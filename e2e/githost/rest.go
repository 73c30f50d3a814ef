package githost

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// obj is a JSON object.
type obj = map[string]any

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// rest answers a REST call of any dialect; path is what follows the API's.
func (h *Host) rest(w http.ResponseWriter, r *http.Request, dialect, path string) {
	if dialect == Gitea && path == "version" {
		answer(w, 200, obj{"version": "1.22.0"})
		return
	}
	if path == "user" && h.known(r) {
		answer(w, 200, obj{"login": User, "username": User, "nickname": User, "type": "user", "account_id": "42", "id": 42})
		return
	}
	if !h.known(r) {
		refuse(w, http.StatusUnauthorized, "Bad credentials")
		return
	}
	name, rest, ok := split(dialect, path)
	if !ok {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	if h.redirect(w, r, name, false) {
		return
	}
	repo := h.repo(name)
	if repo == nil {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	switch {
	case len(rest) == 0:
		answer(w, 200, obj{"full_name": repo.Name, "path_with_namespace": repo.Name})
	case len(rest) >= 2 && (slices.Contains(rest, "commits") || rest[0] == "commit"):
		info, err := repo.info(rest[len(rest)-1])
		if err != nil {
			refuse(w, http.StatusNotFound, "Not Found")
			return
		}
		answer(w, 200, commits[dialect](repo, info))
	case rest[0] == "hooks":
		h.serveHooks(w, r, dialect, repo, rest[1:])
	case len(rest) == 3:
		h.serveFiles(w, dialect, repo, rest[1])
	default:
		refuse(w, http.StatusNotFound, "Not Found")
	}
}

// commits are how dialects describe a commit.
var commits = map[string]func(*Repo, *commitInfo) any{
	GitHub: gitHubCommit, Gitea: gitHubCommit, GitLab: gitLabCommit,
	Bitbucket: func(r *Repo, c *commitInfo) any { return bitbucketCommit(r, c, false) },
}

// split takes the repository off a path: two segments, or GitLab's one.
func split(dialect, path string) (name string, rest []string, ok bool) {
	parts := strings.Split(path, "/")
	for i := range parts {
		parts[i], _ = url.PathUnescape(parts[i])
	}
	switch {
	case dialect == GitLab && parts[0] == "projects" && len(parts) >= 2:
		return parts[1], parts[2:], true
	case dialect != GitLab && (parts[0] == "repos" || parts[0] == "repositories") && len(parts) >= 3:
		return parts[1] + "/" + parts[2], parts[3:], true
	}
	return "", nil, false
}

func (h *Host) serveHooks(w http.ResponseWriter, r *http.Request, dialect string, repo *Repo, rest []string) {
	show := func(k *hook) obj {
		id := strconv.FormatInt(k.id, 10)
		return obj{"id": k.id, "uuid": "{" + id + "}", "url": k.url, "config": obj{"url": k.url}}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch r.Method {
	case http.MethodGet:
		list := []obj{}
		for _, k := range h.hooks {
			if k.repo == repo {
				list = append(list, show(k))
			}
		}
		if dialect == Bitbucket {
			answer(w, 200, obj{"values": list})
			return
		}
		answer(w, 200, list)
	case http.MethodPost:
		var in struct {
			URL, Token, Secret string
			Config             struct{ URL, Secret string }
		}
		if json.NewDecoder(r.Body).Decode(&in) != nil {
			refuse(w, 422, "Validation Failed")
			return
		}
		h.next++
		k := &hook{id: h.next, dialect: dialect, repo: repo, url: in.URL + in.Config.URL, secret: in.Token + in.Secret + in.Config.Secret}
		h.hooks = append(h.hooks, k)
		answer(w, 201, show(k))
	case http.MethodDelete:
		h.hooks = slices.DeleteFunc(h.hooks, func(k *hook) bool {
			return len(rest) == 1 && strings.Trim(rest[0], "{}") == strconv.FormatInt(k.id, 10)
		})
		w.WriteHeader(http.StatusNoContent)
	}
}

// serveFiles lists the files of a pull request.
func (h *Host) serveFiles(w http.ResponseWriter, dialect string, repo *Repo, id string) {
	for _, p := range repo.pulls {
		if strconv.FormatInt(p.ID, 10) != id {
			continue
		}
		list := []obj{}
		for _, path := range repo.changed("refs/heads/"+p.Base, "refs/heads/"+p.Head) {
			list = append(list, obj{"filename": path, "old_path": path, "new_path": path, "old": obj{"path": path}, "new": obj{"path": path}})
		}
		if dialect == Bitbucket {
			answer(w, 200, obj{"values": list})
			return
		}
		answer(w, 200, list)
		return
	}
	refuse(w, http.StatusNotFound, "Not Found")
}
