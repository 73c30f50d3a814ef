package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const startRuns = 7

// start measures from the start of the process to the first answered, signed
// call, on a data directory that was used before, and what the server's memory
// is a few seconds after some calls.
func start(ctx context.Context, e *environment) ([]row, error) {
	args := []string{"--warm", "0"}
	if !e.docker {
		args = append(args, "--compute", "process")
	}
	first, err := e.serve(ctx, args...)
	if err != nil {
		return nil, err
	}
	first.stop()
	args = append(args, "--listen", first.host()) // as people have it: the same port again
	var ours, theirs []time.Duration
	var rss, bareRSS []int64
	for i := range startRuns {
		s, err := e.serveIn(ctx, first.data, args...)
		if err != nil {
			return nil, err
		}
		if err := call(ctx, s.cfg); err != nil {
			s.stop()
			return nil, err
		}
		ours = append(ours, time.Since(s.started))
		var kib int64
		if i == 0 {
			kib, err = idle(ctx, s)
		}
		s.stop()
		if err != nil {
			return nil, err
		}
		if i == 0 {
			rss = append(rss, kib)
		}

		began := time.Now()
		cmd, address, stop, err := e.bare(ctx, []byte("{}"))
		if err != nil {
			return nil, err
		}
		_, err = once(address, []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
		theirs = append(theirs, time.Since(began))
		if err == nil && i == 0 {
			kib, err = resident(cmd.Process.Pid)
			bareRSS = append(bareRSS, kib)
		}
		stop()
		if err != nil {
			return nil, err
		}
	}
	d, b := median(ours), median(theirs)
	m, n := median(rss), median(bareRSS)
	return []row{{
		what: "start to first answered call", slipway: ms(d), baseline: ms(b), versus: "bare net/http program",
		ratio: float64(d) / float64(b), aim: "< 150 ms", met: d < 150*time.Millisecond,
	}, {
		what: "idle memory (RSS)", slipway: mib(m), baseline: mib(n), versus: "bare net/http program",
		ratio: float64(m) / float64(n), aim: "< 80 MiB", met: m < 80<<10,
	}}, nil
}

func call(ctx context.Context, cfg aws.Config) error {
	_, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	return err
}

// idle is the memory, in KiB, after calls of several services and a rest.
func idle(ctx context.Context, s *server) (int64, error) {
	objects := s3.NewFromConfig(s.cfg, func(o *s3.Options) { o.UsePathStyle = true })
	if err := pipeline(ctx, s.cfg, "idle", approval("Approve")); err != nil {
		return 0, err
	}
	for range 20 {
		if err := call(ctx, s.cfg); err != nil {
			return 0, err
		}
		if _, err := codepipeline.NewFromConfig(s.cfg).ListPipelines(ctx, &codepipeline.ListPipelinesInput{}); err != nil {
			return 0, err
		}
		_, err := objects.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bench-artifacts"), Key: aws.String("key"), Body: bytes.NewReader(make([]byte, 1<<20))})
		if err != nil {
			return 0, err
		}
	}
	select {
	case <-time.After(3 * time.Second):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return resident(s.cmd.Process.Pid)
}

// resident reads VmRSS of a process, in KiB.
func resident(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, errSkip("memory is read from /proc, which is not here")
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.ParseInt(strings.Fields(v)[0], 10, 64)
		}
	}
	return 0, fmt.Errorf("no VmRSS of process %d", pid)
}

func mib(kib int64) string { return fmt.Sprintf("%.0f MiB", float64(kib)/1024) }
