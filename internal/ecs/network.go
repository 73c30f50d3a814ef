package ecs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/engine"
)

// What the container that holds the network is made of.
const (
	pauseImage  = "slipway/empty:latest"
	pauseBinary = "/slipway"
	pauseRun    = "/run/slipway" // see the pause package's SocketPath
	pauseReady  = "ready"        // the line it prints
)

// makeNetwork starts the container whose network the task's containers join,
// and waits until the gateway and the credentials answer in there. With the
// network mode bridge it also publishes all ports of the task, so there the
// containers share an address, unlike at AWS.
func (s *Service) makeNetwork(ctx context.Context, t *task) error {
	if what := lacking(&t.Definition); what != "" {
		return &startError{"ResourceInitializationError", notImplemented(what)}
	}
	images, ok := s.Compute.(compute.ImageStore)
	if !ok {
		return &startError{"CannotPullContainerError", "tasks run images, which needs a container engine: start the server with --compute docker"}
	}
	if err := images.ImportEmpty(ctx, pauseImage); err != nil {
		return err
	}
	spec := compute.Spec{
		Name:       t.engineName(".pause"),
		Image:      pauseImage,
		Entrypoint: []string{pauseBinary},
		Command:    []string{"pause", "-port", portOf(s.Site.Host)},
		Labels:     t.labels("pause"),
		CapAdd:     []string{"NET_ADMIN"}, // for the address 169.254.170.2
		StopSignal: "SIGTERM",
		// A directory, because each server makes a new socket in it.
		Mounts: []compute.Mount{
			{Source: s.Executable, Target: pauseBinary, ReadOnly: true},
			{Source: s.RunDir, Target: pauseRun, ReadOnly: true},
		},
	}
	spec.Sysctls = map[string]string{}
	for _, c := range t.Definition.ContainerDefinitions {
		maps.Copy(spec.Sysctls, sysctls(&c, true))
	}
	if !t.awsvpc() {
		for _, c := range t.Definition.ContainerDefinitions {
			for _, p := range c.PortMappings {
				spec.Network.Ports = append(spec.Network.Ports, compute.Port{
					Container: int(aws.ToInt32(p.ContainerPort)), Host: int(aws.ToInt32(p.HostPort)), Protocol: string(p.Protocol),
				})
			}
		}
	}
	id, err := s.create(ctx, t, spec)
	if err != nil {
		return err
	}
	if err := s.Compute.Start(ctx, id); err != nil {
		return s.explainStart(err)
	}
	if err := s.awaitReady(ctx, id); err != nil {
		return err
	}
	c, err := s.Compute.Inspect(ctx, id)
	if err != nil {
		return err
	}
	return s.change(ctx, t.key(), func(tx *engine.Tx, t *task) error {
		t.Pause = id
		t.Connectivity, t.ConnectivityAt = types.ConnectivityConnected, aws.Time(tx.Now())
		if !t.stopping() {
			t.LastStatus = aws.String(statusPending)
		}
		t.connected(c)
		return nil
	})
}

// explainStart adds what the engine's words hide: a dynamically linked program
// in an image without libraries "does not exist".
func (s *Service) explainStart(err error) error {
	if errors.Is(err, compute.ErrUnavailable) {
		return err
	}
	return &startError{"CannotStartContainerError", "the container that holds the task's network: " + err.Error() +
		" (the slipway program must be linked statically: CGO_ENABLED=0)"}
}

// awaitReady returns when the process says that everything answers.
func (s *Service) awaitReady(ctx context.Context, id string) error {
	ready, last := false, ""
	err := s.Compute.Logs(ctx, id, time.Time{}, true, func(l compute.Line) bool {
		ready, last = l.Text == pauseReady, l.Text
		return !ready
	})
	if err != nil || ready {
		return err
	}
	return &startError{"CannotStartContainerError", "the container that holds the task's network ended: " + last}
}

// connected notes where the task is reached.
func (t *task) connected(c compute.Container) {
	if t.awsvpc() {
		for i := range t.Attachments {
			a := &t.Attachments[i]
			a.Status = aws.String("ATTACHED")
			a.Details = append(a.Details[:1:1], // subnetId
				types.KeyValuePair{Name: aws.String("networkInterfaceId"), Value: aws.String("eni-" + t.ID[:17])},
				types.KeyValuePair{Name: aws.String("macAddress"), Value: aws.String(macOf(c.IP))},
				types.KeyValuePair{Name: aws.String("privateDnsName"), Value: aws.String(dnsOf(c.IP, t.Region))},
				types.KeyValuePair{Name: aws.String("privateIPv4Address"), Value: aws.String(c.IP)})
			for i := range t.Containers {
				t.Containers[i].NetworkInterfaces = []types.NetworkInterface{{AttachmentId: a.Id, PrivateIpv4Address: aws.String(c.IP)}}
			}
		}
		return
	}
	for i, def := range t.Definition.ContainerDefinitions {
		t.Containers[i].NetworkBindings = []types.NetworkBinding{}
		for _, m := range def.PortMappings {
			for _, p := range c.Ports {
				if p.Container != int(aws.ToInt32(m.ContainerPort)) || p.Protocol != string(m.Protocol) {
					continue
				}
				t.Containers[i].NetworkBindings = append(t.Containers[i].NetworkBindings, types.NetworkBinding{
					BindIP: aws.String(p.HostIP), ContainerPort: m.ContainerPort, HostPort: aws.Int32(int32(p.Host)), Protocol: m.Protocol,
				})
			}
		}
	}
}

// macOf is the address that Docker's bridge derives from an IPv4 address.
func macOf(ip string) string {
	var b [4]byte
	if n, _ := fmt.Sscanf(ip, "%d.%d.%d.%d", &b[0], &b[1], &b[2], &b[3]); n != 4 {
		return ""
	}
	return fmt.Sprintf("02:42:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3])
}

func dnsOf(ip, region string) string {
	domain := region + ".compute.internal"
	if region == "us-east-1" {
		domain = "ec2.internal"
	}
	dashed := []byte(ip)
	for i, c := range dashed {
		if c == '.' {
			dashed[i] = '-'
		}
	}
	return "ip-" + string(dashed) + "." + domain
}
