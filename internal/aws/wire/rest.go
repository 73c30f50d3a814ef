package wire

import (
	"net/http"
	"reflect"
)

type restPlan struct{ streamIn bool }
type route struct{}
type routeMatch struct{ name string }

func compileREST(p *opPlan) *restPlan                                                    { return &restPlan{} }
func (b *bound) compileRoutes() ([]route, error)                                         { return nil, nil }
func (b *bound) match(r *http.Request) (*routeMatch, error)                              { return nil, b.unknown("", RESTXML) }
func (c *call) decodeREST(r *http.Request, body []byte, v reflect.Value) error           { return nil }
func (c *call) encodeREST(w http.ResponseWriter, r *http.Request, v reflect.Value) error { return nil }
func (c *call) invalidS3(v Violation) error                                              { return nil }
func hostID(id string) string                                                            { return id }
func writeS3Fault(w http.ResponseWriter, r *http.Request, f *fault)                      {}
