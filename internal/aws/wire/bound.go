package wire

import (
	"errors"
	"net/http"
)

type bound struct {
	model struct{ Name, SigningName, TargetPrefix, APIVersion string }
}

type call struct{}

var errNotYet = errors.New("wire: not yet")

func bind(s Service) (*bound, error)                             { return nil, errNotYet }
func (b *bound) protocol(r *http.Request) Protocol               { return JSON }
func (b *bound) find(r *http.Request, body []byte) (*Call, error) { return nil, errNotYet }
func (b *bound) operations() []OperationStatus                   { return nil }
func (c *call) streaming() bool                                  { return false }
func (c *call) decode(r *http.Request, body []byte) (any, error) { return nil, errNotYet }
func (c *call) encode(w http.ResponseWriter, r *http.Request, out any) error {
	return errNotYet
}
func (b *bound) encodeError(w http.ResponseWriter, r *http.Request, err error) Failure {
	return Failure{}
}
func encodeUnbound(w http.ResponseWriter, r *http.Request, err error) Failure { return Failure{} }
