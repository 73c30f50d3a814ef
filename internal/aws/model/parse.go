package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// file is a model as it is written.
type file struct {
	Metadata struct {
		APIVersion         string          `json:"apiVersion"`
		EndpointPrefix     string          `json:"endpointPrefix"`
		JSONVersion        string          `json:"jsonVersion"`
		Protocol           string          `json:"protocol"`
		Protocols          []string        `json:"protocols"`
		ServiceID          string          `json:"serviceId"`
		SigningName        string          `json:"signingName"`
		TargetPrefix       string          `json:"targetPrefix"`
		XMLNamespace       string          `json:"xmlNamespace"`
		AWSQueryCompatible json.RawMessage `json:"awsQueryCompatible"`
	} `json:"metadata"`
	Operations map[string]fileOperation `json:"operations"`
	Shapes     map[string]fileShape     `json:"shapes"`
}

type fileOperation struct {
	HTTP struct {
		Method       string `json:"method"`
		RequestURI   string `json:"requestUri"`
		ResponseCode int    `json:"responseCode"`
	} `json:"http"`
	Input    *fileRef  `json:"input"`
	Output   *fileRef  `json:"output"`
	Errors   []fileRef `json:"errors"`
	Auth     []string  `json:"auth"`
	Endpoint struct {
		HostPrefix string `json:"hostPrefix"`
	} `json:"endpoint"`
}

type fileShape struct {
	Type            string             `json:"type"`
	Members         map[string]fileRef `json:"members"`
	Required        []string           `json:"required"`
	Member          *fileRef           `json:"member"`
	Key             *fileRef           `json:"key"`
	Value           *fileRef           `json:"value"`
	Min             *float64           `json:"min"`
	Max             *float64           `json:"max"`
	Pattern         string             `json:"pattern"`
	Enum            []string           `json:"enum"`
	Sensitive       bool               `json:"sensitive"`
	Flattened       bool               `json:"flattened"`
	Streaming       bool               `json:"streaming"`
	Payload         string             `json:"payload"`
	LocationName    string             `json:"locationName"`
	TimestampFormat string             `json:"timestampFormat"`
	XMLNamespace    namespace          `json:"xmlNamespace"`
	Union           bool               `json:"union"`
	Document        bool               `json:"document"`
	EventStream     bool               `json:"eventstream"`
	Event           bool               `json:"event"`
	Exception       bool               `json:"exception"`
	Fault           bool               `json:"fault"`
	Error           struct {
		Code           string `json:"code"`
		HTTPStatusCode int    `json:"httpStatusCode"`
	} `json:"error"`
}

type fileRef struct {
	Shape            string    `json:"shape"`
	Location         string    `json:"location"`
	LocationName     string    `json:"locationName"`
	Flattened        bool      `json:"flattened"`
	Streaming        bool      `json:"streaming"`
	XMLAttribute     bool      `json:"xmlAttribute"`
	XMLNamespace     namespace `json:"xmlNamespace"`
	IdempotencyToken bool      `json:"idempotencyToken"`
	JSONValue        bool      `json:"jsonvalue"`
	EventPayload     bool      `json:"eventpayload"`
	TimestampFormat  string    `json:"timestampFormat"`
	ResultWrapper    string    `json:"resultWrapper"`
}

// namespace is a string or an object in the models.
type namespace struct{ Namespace }

func (n *namespace) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &n.URI)
	}
	return json.Unmarshal(b, &n.Namespace)
}

// Parse reads a model.
func Parse(name string, data []byte) (*Service, error) {
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("model %s: %w", name, err)
	}
	s := &Service{
		Info:       f.info(name),
		Operations: make(map[string]*Operation, len(f.Operations)),
		Shapes:     make(map[string]*Shape, len(f.Shapes)),
	}
	for n := range f.Shapes {
		s.Shapes[n] = &Shape{Name: n}
	}
	for n, fs := range f.Shapes {
		if err := s.link(s.Shapes[n], fs); err != nil {
			return nil, fmt.Errorf("model %s: shape %s: %w", name, n, err)
		}
	}
	for n, fo := range f.Operations {
		o := &Operation{Name: n, Method: fo.HTTP.Method, URI: fo.HTTP.RequestURI,
			Status: fo.HTTP.ResponseCode, HostPrefix: fo.Endpoint.HostPrefix,
			Unauthorized: slices.Contains(fo.Auth, "smithy.api#noAuth")}
		if fo.Input != nil {
			o.Input, o.InputName = s.Shapes[fo.Input.Shape], fo.Input.LocationName
		}
		if fo.Output != nil {
			o.Output, o.ResultWrapper = s.Shapes[fo.Output.Shape], fo.Output.ResultWrapper
		}
		for _, e := range fo.Errors {
			o.Errors = append(o.Errors, s.Shapes[e.Shape])
		}
		s.Operations[n] = o
	}
	return s, nil
}

func (f *file) info(name string) Info {
	i := Info{Name: name, ServiceID: f.Metadata.ServiceID, APIVersion: f.Metadata.APIVersion,
		EndpointPrefix: f.Metadata.EndpointPrefix, SigningName: f.Metadata.SigningName,
		TargetPrefix: f.Metadata.TargetPrefix, JSONVersion: f.Metadata.JSONVersion,
		XMLNamespace: f.Metadata.XMLNamespace, Protocols: f.Metadata.Protocols,
		QueryCompat: f.Metadata.AWSQueryCompatible != nil}
	if i.SigningName == "" {
		i.SigningName = i.EndpointPrefix
	}
	if len(i.Protocols) == 0 {
		i.Protocols = []string{f.Metadata.Protocol}
	}
	for n := range f.Operations {
		i.OperationNames = append(i.OperationNames, n)
	}
	slices.Sort(i.OperationNames)
	return i
}

func (s *Service) link(to *Shape, f fileShape) error {
	kind, ok := kinds[f.Type]
	if !ok {
		return fmt.Errorf("unknown type %q", f.Type)
	}
	*to = Shape{Name: to.Name, Kind: kind, Min: f.Min, Max: f.Max, Pattern: f.Pattern,
		Enum: f.Enum, Sensitive: f.Sensitive, Flattened: f.Flattened, Streaming: f.Streaming,
		Payload: f.Payload, LocationName: f.LocationName, TimestampFormat: f.TimestampFormat,
		XMLNamespace: f.XMLNamespace.Namespace, Union: f.Union, EventStream: f.EventStream,
		Event: f.Event, Exception: f.Exception, Fault: f.Fault, ErrorCode: f.Error.Code,
		ErrorStatus: f.Error.HTTPStatusCode, Required: f.Required}
	if f.Document {
		to.Kind = Document
	}
	var err error
	ref := func(name string, r *fileRef) *Member {
		if r == nil {
			return nil
		}
		shape := s.Shapes[r.Shape]
		if shape == nil && err == nil {
			err = fmt.Errorf("unknown shape %q", r.Shape)
		}
		return &Member{Name: name, Shape: shape, Location: r.Location, LocationName: r.LocationName,
			Flattened: r.Flattened, Streaming: r.Streaming, XMLAttribute: r.XMLAttribute,
			XMLNamespace: r.XMLNamespace.Namespace, IdempotencyToken: r.IdempotencyToken,
			JSONValue: r.JSONValue, EventPayload: r.EventPayload, TimestampFormat: r.TimestampFormat}
	}
	to.Element, to.Key, to.Value = ref("", f.Member), ref("", f.Key), ref("", f.Value)
	for n, r := range f.Members {
		m := ref(n, &r)
		m.Required = slices.Contains(f.Required, n)
		to.Members = append(to.Members, m)
	}
	slices.SortFunc(to.Members, func(a, b *Member) int { return strings.Compare(a.Name, b.Name) })
	return err
}
