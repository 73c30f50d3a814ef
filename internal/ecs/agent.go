package ecs

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/store"
)

// AgentPath is where the gateway mounts Agent. The pause process leads
// http://169.254.170.2/v2/credentials/ID to AgentPath+ID+"/credentials", and
// /v4/ID to AgentPath+ID+"/metadata".
const AgentPath = "/_slipway/tasks/"

// Agent serves what ECS's agent offers to tasks: the credentials of their task
// role, and metadata. Only containers get here, by the gateway's unix socket,
// and only with the unguessable id of their task.
func (s *Service) Agent() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		addr, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		id, what, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, AgentPath), "/")
		if addr == nil || addr.Network() != "unix" || r.Method != http.MethodGet {
			http.NotFound(w, r)
			return
		}
		secret, container := id, -1
		if len(id) > 36 {
			secret = id[:36]
			n, err := strconv.Atoi(strings.TrimPrefix(id[36:], "-"))
			if err != nil {
				http.NotFound(w, r)
				return
			}
			container = n
		}
		var t *task
		err := s.Engine.View(r.Context(), func(rd store.Reader) error {
			key, err := credentials.Get(rd, secret)
			if err == nil {
				t, err = tasks.Get(rd, key.Region, key.Cluster, key.ID)
			}
			return err
		})
		switch {
		case errors.Is(err, store.ErrNotFound):
			http.NotFound(w, r)
		case err != nil:
			s.Log.Error("task agent", "err", err)
			http.Error(w, "internal error", http.StatusInternalServerError)
		case what == "credentials" && container < 0:
			s.serveCredentials(w, r, t)
		case what == "metadata" && container >= 0 && container < len(t.Containers):
			answer(w, t.containerMetadata(container))
		case what == "metadata/task" && container >= 0:
			answer(w, t.metadata())
		default:
			http.NotFound(w, r)
		}
	})
}

func answer(w http.ResponseWriter, doc any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(doc)
}

func (s *Service) serveCredentials(w http.ResponseWriter, r *http.Request, t *task) {
	role := aws.ToString(t.Definition.TaskRoleArn)
	if role == "" {
		http.NotFound(w, r)
		return
	}
	c, err := s.Sessions.Credentials(r.Context(), session.Request{RoleARN: role, Name: t.ID, Service: principal, Region: t.Region})
	if err != nil {
		s.Log.Warn("credentials of a task role", "task", t.arn(), "role", role, "err", err)
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]string{"code": "AccessDenied", "message": "The task role cannot be assumed: " + role})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	answer(w, map[string]string{
		"RoleArn": role, "AccessKeyId": c.AccessKeyID, "SecretAccessKey": c.SecretAccessKey,
		"Token": c.SessionToken, "Expiration": c.Expires.UTC().Format(time.RFC3339),
	})
}

// metadataID is the id in ECS_CONTAINER_METADATA_URI_V4.
func (t *task) metadataID(container string) string {
	i := slices.IndexFunc(t.Containers, func(c types.Container) bool { return aws.ToString(c.Name) == container })
	return t.Secret + "-" + strconv.Itoa(i)
}

// containerMetadata has the shape of the metadata endpoint, version 4.
func (t *task) containerMetadata(i int) map[string]any {
	c, def := t.Containers[i], t.Definition.ContainerDefinitions[i]
	m := map[string]any{
		"DockerId": aws.ToString(c.RuntimeId), "Name": c.Name, "DockerName": t.engineName("-" + aws.ToString(c.Name)),
		"Image": c.Image, "ImageID": aws.ToString(c.ImageDigest), "ContainerARN": c.ContainerArn, "Type": "NORMAL",
		"DesiredStatus": t.DesiredStatus, "KnownStatus": c.LastStatus,
		"Limits": map[string]any{"CPU": def.Cpu, "Memory": aws.ToInt32(def.Memory)},
		"Labels": map[string]string{
			"com.amazonaws.ecs.cluster": aws.ToString(t.ClusterArn), "com.amazonaws.ecs.container-name": aws.ToString(c.Name),
			"com.amazonaws.ecs.task-arn": t.arn(), "com.amazonaws.ecs.task-definition-family": aws.ToString(t.Definition.Family),
			"com.amazonaws.ecs.task-definition-version": strconv.Itoa(int(t.Definition.Revision)),
		},
	}
	if at := t.Boxes[i].StartedAt; !at.IsZero() {
		m["StartedAt"] = at
	}
	if c.ExitCode != nil {
		m["ExitCode"] = *c.ExitCode
	}
	for _, n := range c.NetworkInterfaces {
		m["Networks"] = []any{map[string]any{"NetworkMode": "awsvpc", "IPv4Addresses": []string{aws.ToString(n.PrivateIpv4Address)}}}
	}
	return m
}

func (t *task) metadata() map[string]any {
	var containers []any
	for i := range t.Containers {
		containers = append(containers, t.containerMetadata(i))
	}
	m := map[string]any{
		"Cluster": aws.ToString(t.ClusterArn), "TaskARN": t.arn(), "Family": aws.ToString(t.Definition.Family),
		"Revision": strconv.Itoa(int(t.Definition.Revision)), "DesiredStatus": t.DesiredStatus, "KnownStatus": t.LastStatus,
		"LaunchType": t.LaunchType, "AvailabilityZone": aws.ToString(t.AvailabilityZone), "Containers": containers,
		"PullStartedAt": t.PullStartedAt, "PullStoppedAt": t.PullStoppedAt,
	}
	if t.Service != "" {
		m["ServiceName"] = t.Service
	}
	return m
}
