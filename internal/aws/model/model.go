// Package model holds AWS's API models: which operations a service has, what
// goes in and out, and the constraints of both. The files under data are the
// public models (Apache License 2.0) without prose; "go generate" makes them.
package model

// Service is one API model, linked: shapes point at each other. It is read-only.
type Service struct {
	Info
	Operations map[string]*Operation
	Shapes     map[string]*Shape
}

// Info is what is known of a service before its model is parsed.
type Info struct {
	Name           string   `json:"name"` // the model's file name: "cloudwatchlogs"
	ServiceID      string   `json:"serviceId"`
	APIVersion     string   `json:"apiVersion"`
	EndpointPrefix string   `json:"endpointPrefix"`
	SigningName    string   `json:"signingName"`
	TargetPrefix   string   `json:"targetPrefix,omitempty"`
	JSONVersion    string   `json:"jsonVersion,omitempty"`
	XMLNamespace   string   `json:"xmlNamespace,omitempty"`
	Protocols      []string `json:"protocols"` // in order of preference
	QueryCompat    bool     `json:"queryCompatible,omitempty"`
	OperationNames []string `json:"operations"` // sorted
}

// Operation is one call of a service.
type Operation struct {
	Name          string
	Method        string // HTTP
	URI           string // template with constants: /{Bucket}?tagging
	Status        int    // of success; 0 means 200
	Input         *Shape // nil if there is none
	Output        *Shape
	InputName     string // root element of an XML body, if the model names one
	ResultWrapper string
	HostPrefix    string
	Errors        []*Shape
	Unauthorized  bool // needs no credentials (AssumeRoleWithWebIdentity)
}

// Kind is the type of a shape.
type Kind uint8

// The kinds of shape. Document is a structure of any JSON.
const (
	Structure Kind = iota
	List
	Map
	String
	Integer
	Long
	Float
	Double
	Boolean
	Timestamp
	Blob
	Document
)

var kinds = map[string]Kind{"structure": Structure, "list": List, "map": Map,
	"string": String, "integer": Integer, "long": Long, "float": Float, "double": Double,
	"boolean": Boolean, "timestamp": Timestamp, "blob": Blob}

// Shape is a type of the API.
type Shape struct {
	Name    string
	Kind    Kind
	Members []*Member // of a structure, sorted by name
	Element *Member   // of a list
	Key     *Member   // of a map
	Value   *Member   // of a map

	Min, Max  *float64 // characters, bytes, elements or value
	Pattern   string
	Enum      []string
	Sensitive bool

	Flattened       bool
	Streaming       bool
	Payload         string // the member that is the HTTP body
	LocationName    string
	TimestampFormat string // iso8601, unixTimestamp, rfc822; "" is the protocol's
	XMLNamespace    Namespace

	Union       bool // a Go interface with a struct per variant
	EventStream bool
	Event       bool

	Exception   bool
	Fault       bool   // the server's: 500 unless Status says
	ErrorCode   string // where it differs from Name
	ErrorStatus int    // HTTP; 0 is unknown
	Required    []string
}

// Namespace is an XML namespace.
type Namespace struct {
	URI    string `json:"uri"`
	Prefix string `json:"prefix"`
}

// Member is a use of a shape: of a structure by name, or in a list or map.
type Member struct {
	Name             string
	Shape            *Shape
	Required         bool
	Location         string // "", uri, querystring, header, headers, statusCode
	LocationName     string // name on the wire where it differs from Name
	Flattened        bool
	Streaming        bool
	XMLAttribute     bool
	XMLNamespace     Namespace
	IdempotencyToken bool
	JSONValue        bool
	EventPayload     bool
	TimestampFormat  string
}

// Member returns the structure's member of that name, or nil.
func (s *Shape) Member(name string) *Member {
	for _, m := range s.Members {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Wire is the name of the member outside: LocationName, else Name.
func (m *Member) Wire() string {
	if m.LocationName != "" {
		return m.LocationName
	}
	return m.Name
}
