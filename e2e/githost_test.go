package e2e

import (
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/slipway-dev/slipway/e2e/githost"
)

type gitHosts struct{}

// gitHostCommand is
//
//	githost start NAME [DIALECT…]        a git provider; sets $NAME to its URL and $TOKEN
//	githost create NAME OWNER/REPO       an empty repository there
//	githost silence NAME on|off          loses webhooks, or not any more
//	githost redirect NAME OWNER/REPO URL sends who asks for the repository elsewhere
//	githost trusted NAME                 fails if anybody sent a credential there
//	githost send NAME again|renamed|forged|large
//	                                     the first webhook once more: the same; under another id;
//	                                     with a signature that is off by a byte; with 30 MB.
//	                                     prints the status of the answer
func gitHostCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: githost start|create|silence|redirect|trusted|send NAME …")
	}
	hosts := ts.Value(gitHosts{}).(map[string]*githost.Host)
	name, rest := args[1], args[2:]
	if args[0] == "start" {
		h, err := githost.Start(rest...)
		ts.Check(err)
		hosts[name] = h
		ts.Defer(h.Close)
		ts.Setenv(name, h.URL)
		ts.Setenv("TOKEN", githost.Token)
		return
	}
	h := hosts[name]
	if h == nil {
		ts.Fatalf("no git host %s", name)
	}
	switch args[0] {
	case "create":
		_, err := h.Create(rest[0])
		ts.Check(err)
	case "silence":
		h.Silence(rest[0] == "on")
	case "redirect":
		h.Redirect(rest[0], rest[1])
	case "trusted":
		if seen := h.Seen(); (len(seen) > 0) != neg {
			ts.Fatalf("credentials that came: %q", seen)
		}
	case "send":
		sendWebhook(ts, h, rest[0])
	default:
		ts.Fatalf("githost %s?", args[0])
	}
}

func sendWebhook(ts *testscript.TestScript, h *githost.Host, how string) {
	sent := h.Deliveries()
	if len(sent) == 0 {
		ts.Fatalf("no webhook was sent yet")
	}
	d := *sent[0]
	d.Header = d.Header.Clone()
	switch how {
	case "again":
	case "renamed":
		d.Header.Set("X-GitHub-Delivery", "another-delivery")
	case "forged":
		s := d.Header.Get("X-Hub-Signature-256")
		last := map[bool]string{true: "1", false: "0"}[strings.HasSuffix(s, "0")]
		d.Header.Set("X-Hub-Signature-256", s[:len(s)-1]+last)
		d.Header.Set("X-GitHub-Delivery", "forged-delivery")
	case "large":
		d.Body = make([]byte, 30<<20)
	default:
		ts.Fatalf("githost send %s?", how)
	}
	status, err := d.Send()
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), status)
}
