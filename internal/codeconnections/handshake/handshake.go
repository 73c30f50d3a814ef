// Package handshake is how the command line and the console ask for the
// handshake of a connection: a signed request, as any client of AWS makes one,
// for an operation that AWS keeps to its own console.
package handshake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
)

// Path is where the operation is on the gateway, and Signing the service that
// requests for it are signed for.
const (
	Path    = "/_slipway/connections/installation"
	Signing = "codeconnections"
)

// Input asks for the handshake of a connection.
type Input struct {
	ConnectionArn string
	// BaseURL is the provider's, e.g. https://github.com; "" is that of the
	// connection's host, or the provider's own service.
	BaseURL string
	// Dialect is how the provider speaks: github, gitlab, bitbucket or gitea
	// (for Forgejo, too); "" finds out.
	Dialect string
	Token   string
}

// Output tells what the handshake came to.
type Output struct {
	ConnectionStatus string
	Account          string // who the token belongs to, as the provider says
	BaseURL, Dialect string
}

// direct follows no redirects: the request has a token in it.
var direct = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Complete makes the request with the endpoint, region, credentials and client of
// cfg. An answer of the server that is an error is a smithy.APIError.
func Complete(ctx context.Context, cfg aws.Config, in *Input) (*Output, error) {
	endpoint := strings.TrimSuffix(aws.ToString(cfg.BaseEndpoint), "/")
	if endpoint == "" { // a token must not go to AWS
		return nil, errors.New("handshake: there is no endpoint; set AWS_ENDPOINT_URL to the server's")
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+Path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	keys, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), Signing, cfg.Region, time.Now()); err != nil {
		return nil, err
	}
	var client aws.HTTPClient = direct
	if cfg.HTTPClient != nil {
		client = cfg.HTTPClient
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		var told struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		if json.Unmarshal(answer, &told) != nil || told.Type == "" {
			return nil, fmt.Errorf("%s answers %s", r.URL.Host, resp.Status)
		}
		return nil, &smithy.GenericAPIError{Code: told.Type, Message: told.Message}
	}
	out := &Output{}
	return out, json.Unmarshal(answer, out)
}
