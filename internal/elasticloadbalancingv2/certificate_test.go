package elbv2_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// selfSigned is a certificate for a name with its key, in PEM.
func selfSigned(t *testing.T, name string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, x, x, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// A listener shows the certificates that it was given, the one whose name the
// client asks for before the default one.
func TestGivenCertificates(t *testing.T) {
	srv := apptest.Start(t)
	w := &world{Client: elb.NewFromConfig(srv.Config()), t: t}
	w.lb = must(w.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("web"), Subnets: []string{zoneA, zoneB}}))(t).LoadBalancers[0]
	w.group = w.target("blue")
	keys := iam.NewFromConfig(srv.Config())
	upload := func(name string) string {
		t.Helper()
		cert, key := selfSigned(t, name)
		return *must(keys.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{ServerCertificateName: &name, CertificateBody: &cert, PrivateKey: &key}))(t).ServerCertificateMetadata.Arn
	}
	first, second := upload("one.example.com"), upload("two.example.com")
	port := freePort(t)
	in := &elb.CreateListenerInput{LoadBalancerArn: w.lb.LoadBalancerArn, Port: &port, Protocol: "HTTPS", DefaultActions: forward(w.group.TargetGroupArn),
		Certificates: []types.Certificate{{CertificateArn: aws.String(first + "-not")}}}
	_, err := w.CreateListener(ctx, in)
	refused(t, err, "CertificateNotFound", "not found")
	in.Certificates[0].CertificateArn = &first
	l := must(w.CreateListener(ctx, in))(t).Listeners[0]
	must(w.AddListenerCertificates(ctx, &elb.AddListenerCertificatesInput{ListenerArn: l.ListenerArn, Certificates: []types.Certificate{{CertificateArn: &second}}}))(t)
	shown := func(name string) string {
		t.Helper()
		c, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port), &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	for name, want := range map[string]string{"one.example.com": "one.example.com", "two.example.com": "two.example.com", "other.example.com": "one.example.com", "": "one.example.com"} {
		if got := shown(name); got != want {
			t.Errorf("%s is shown %s", name, got)
		}
	}
	versions := func(policy string) (oldest, newest bool) {
		t.Helper()
		must(w.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: l.ListenerArn, SslPolicy: &policy}))(t)
		try := func(v uint16) bool {
			c, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port), &tls.Config{InsecureSkipVerify: true, MinVersion: v, MaxVersion: v})
			if err == nil {
				_ = c.Close()
			}
			return err == nil
		}
		return try(tls.VersionTLS10), try(tls.VersionTLS13)
	}
	for policy, want := range map[string][2]bool{"ELBSecurityPolicy-2016-08": {true, false}, "ELBSecurityPolicy-TLS13-1-2-2021-06": {false, true}, "ELBSecurityPolicy-TLS13-1-0-2021-06": {true, true}} {
		if oldest, newest := versions(policy); oldest != want[0] || newest != want[1] {
			t.Errorf("%s: TLS 1.0 %v, TLS 1.3 %v", policy, oldest, newest)
		}
	}
	if oldest, newest := versions("ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"); !oldest && newest {
		c, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		if k := c.ConnectionState().CurveID; k != tls.X25519MLKEM768 {
			t.Errorf("keys are exchanged by %v", k)
		}
		_ = c.Close()
	} else {
		t.Errorf("a policy with PQ: TLS 1.0 %v, TLS 1.3 %v", oldest, newest)
	}
	// A session is resumed, though the listener's settings changed meanwhile.
	resumed := func(c *tls.Config) bool {
		t.Helper()
		k, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port), c)
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		fmt.Fprint(k, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		_, _ = k.Read(make([]byte, 1000)) // the ticket is here
		return k.ConnectionState().DidResume
	}
	sessions := &tls.Config{InsecureSkipVerify: true, ServerName: "one.example.com", ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	if resumed(sessions) || !resumed(sessions) {
		t.Error("the second connection begins from nothing")
	}
	srv.Restart()
	if got := shown("two.example.com"); got != "two.example.com" {
		t.Errorf("after a restart: %s", got)
	}
	_, err = keys.DeleteServerCertificate(ctx, &iam.DeleteServerCertificateInput{ServerCertificateName: aws.String("two.example.com")})
	refused(t, err, "DeleteConflict", "is currently in use by "+*w.lb.LoadBalancerArn)
	must(w.RemoveListenerCertificates(ctx, &elb.RemoveListenerCertificatesInput{ListenerArn: l.ListenerArn, Certificates: []types.Certificate{{CertificateArn: &second}}}))(t)
	must(keys.DeleteServerCertificate(ctx, &iam.DeleteServerCertificateInput{ServerCertificateName: aws.String("two.example.com")}))(t)
	if got := shown("two.example.com"); got != "one.example.com" {
		t.Errorf("after it is gone: %s", got)
	}
	cert, _ := selfSigned(t, "a")
	_, key := selfSigned(t, "b")
	_, err = keys.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{ServerCertificateName: aws.String("x"), CertificateBody: &cert, PrivateKey: &key})
	refused(t, err, "KeyPairMismatch", "do not match")
	_, err = keys.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{ServerCertificateName: aws.String("x"), CertificateBody: aws.String("hello"), PrivateKey: &key})
	refused(t, err, "MalformedCertificate", "Unable to parse certificate")
	_, err = keys.GetServerCertificate(ctx, &iam.GetServerCertificateInput{ServerCertificateName: aws.String("x")})
	refused(t, err, "NoSuchEntity", "The Server Certificate with name x cannot be found.")
	if list := must(keys.ListServerCertificates(ctx, &iam.ListServerCertificatesInput{}))(t).ServerCertificateMetadataList; len(list) != 1 || *list[0].Arn != first {
		t.Errorf("list %v", list)
	}
}

// Targets of a listener are told of a client's TLS in headers of the names that
// the listener has for them, and a client cannot say it itself.
func TestHeadersOfTLS(t *testing.T) {
	w := newWorld(t)
	b := newBackend(t, "b")
	came := make(chan http.Header, 2)
	b.handle = func(_ http.ResponseWriter, r *http.Request) { came <- r.Header }
	w.register(w.group, b)
	port := freePort(t)
	l := must(w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: w.lb.LoadBalancerArn, Port: &port, Protocol: "HTTPS", DefaultActions: forward(w.group.TargetGroupArn),
		Certificates: []types.Certificate{{CertificateArn: aws.String("arn:aws:acm:us-east-1:000000000000:certificate/1")}}}))(t).Listeners[0]
	must(w.ModifyLoadBalancerAttributes(ctx, &elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: w.lb.LoadBalancerArn, Attributes: []types.LoadBalancerAttribute{
		{Key: aws.String("routing.http.x_amzn_tls_version_and_cipher_suite.enabled"), Value: aws.String("true")}}}))(t)
	name := func(value string) error {
		_, err := w.ModifyListenerAttributes(ctx, &elb.ModifyListenerAttributesInput{ListenerArn: l.ListenerArn, Attributes: []types.ListenerAttribute{
			{Key: aws.String("routing.http.request.x_amzn_tls_version.header_name"), Value: &value}}})
		return err
	}
	refused(t, name("X: y\r\nEvil"), "ValidationError", "is not valid for the key")
	if err := name("X-Secured-By"); err != nil {
		t.Fatal(err)
	}
	w.healthy(w.group)
	older := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // HTTP/1.1
	defer older.CloseIdleConnections()
	for _, c := range []*http.Client{older, client} {
		req := must(http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("https://127.0.0.1:%d/", port), nil))(t)
		req.Header.Set("X-Secured-By", "me")
		res := must(c.Do(req))(t)
		_ = res.Body.Close()
		got := <-came
		if v := got["X-Secured-By"]; len(v) != 1 || !strings.HasPrefix(v[0], "TLSv1.") || got.Get("X-Amzn-Tls-Cipher-Suite") == "" || got.Get("X-Amzn-Tls-Version") != "" {
			t.Errorf("%s: %v", res.Proto, got)
		}
	}
}
