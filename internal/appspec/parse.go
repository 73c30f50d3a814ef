package appspec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Parse reads an application specification in YAML or JSON. The error, if any, is
// an *Error.
func Parse(text []byte) (*Spec, error) {
	if len(text) > MaxSize {
		return nil, &Error{Message: fmt.Sprintf("the appspec has more than %d bytes", MaxSize)}
	}
	root, err := load(text)
	if err != nil {
		return nil, err
	}
	d := &decoder{}
	spec := d.spec(root)
	if d.err != nil {
		return nil, d.err
	}
	return spec, nil
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

func load(text []byte) (*yaml.Node, error) {
	if n := jsonNodes(text); n != nil {
		return n, nil
	}
	var doc yaml.Node
	err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&doc)
	switch {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) != 1:
		return nil, &Error{Message: "the appspec is empty"}
	case err != nil:
		m := yamlError.FindStringSubmatch(err.Error())
		if m == nil {
			return nil, &Error{Message: err.Error()}
		}
		line, _ := strconv.Atoi(m[1])
		return nil, &Error{Position{line, 1}, m[2]}
	}
	return doc.Content[0], nil
}

// decoder walks nodes and keeps the first error. Aliases are for text, such as the
// function of several hooks; those of lists and mappings are refused: a few lines
// of them can stand for a billion.
type decoder struct{ err *Error }

func (d *decoder) fail(n *yaml.Node, format string, args ...any) {
	if d.err == nil {
		d.err = &Error{Position{n.Line, n.Column}, fmt.Sprintf(format, args...)}
	}
}

// keys are a mapping's entries by name. CodeDeploy takes the names of ECS and
// Lambda specifications in lower case, too.
type keys map[string]*yaml.Node

func (k keys) get(name string) *yaml.Node { return k[strings.ToLower(name)] }

func (d *decoder) keys(n *yaml.Node, where string, known ...string) keys {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "expected keys with values in %s", where)
		return nil
	}
	out := keys{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		name := strings.ToLower(key.Value)
		switch {
		case key.Kind != yaml.ScalarNode:
			d.fail(key, "expected a name as key in %s", where)
		case out[name] != nil:
			d.fail(key, "the key %q stands twice in %s", key.Value, where)
		case known != nil && !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }):
			d.fail(key, "unknown key %q in %s (known: %s)", key.Value, where, strings.Join(known, ", "))
		}
		out[name] = n.Content[i+1]
	}
	return out
}

func (d *decoder) text(n *yaml.Node, where string) string {
	if n == nil {
		return ""
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		d.fail(n, "expected text in %s", where)
		return ""
	}
	if n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

func (d *decoder) required(parent *yaml.Node, k keys, name, where string) string {
	v := d.text(k.get(name), where+"."+name)
	if v == "" {
		d.fail(parent, "the required key %s is missing in %s", name, where)
	}
	return v
}

func (d *decoder) number(n *yaml.Node, where string) int {
	if n == nil {
		return 0
	}
	i, err := strconv.ParseInt(d.text(n, where), 10, 32)
	if err != nil {
		d.fail(n, "expected a number in %s", where)
	}
	return int(i)
}

func (d *decoder) list(n *yaml.Node, where string) []*yaml.Node {
	if n == nil || n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "expected a list in %s", where)
		return nil
	}
	return n.Content
}

func (d *decoder) texts(n *yaml.Node, where string) []string {
	var out []string
	for _, c := range d.list(n, where) {
		out = append(out, d.text(c, where))
	}
	return out
}

func (d *decoder) spec(root *yaml.Node) *Spec {
	top := d.keys(root, "the appspec")
	if d.err != nil {
		return nil
	}
	version := top.get("version")
	if version == nil {
		d.fail(root, "the required key version is missing")
		return nil
	}
	if v, err := strconv.ParseFloat(d.text(version, "version"), 64); err != nil || v != 0 {
		d.fail(version, "unknown appspec version %q, expected 0.0", version.Value)
	}
	spec := &Spec{}
	if r := top.get("Resources"); r != nil {
		d.keys(root, "the appspec", "version", "Resources", "Hooks")
		d.resources(r, spec)
	} else if top.get("os") != nil || top.get("files") != nil {
		d.server(root, top, spec)
	} else {
		d.fail(root, "the required key Resources is missing (for servers: os and files)")
	}
	if h := top.get("hooks"); h != nil && d.err == nil {
		d.hooks(h, spec)
	}
	return spec
}

func (d *decoder) resources(n *yaml.Node, spec *Spec) {
	list := d.list(n, "Resources")
	if len(list) != 1 {
		d.fail(n, "Resources has %d entries, expected exactly one", len(list))
		return
	}
	named := d.keys(list[0], "Resources[0]")
	if len(named) != 1 {
		d.fail(list[0], "Resources[0] has %d keys, expected exactly one", len(named))
		return
	}
	for _, r := range named {
		where := "Resources[0]." + list[0].Content[0].Value
		k := d.keys(r, where, "Type", "Properties")
		kind := d.required(r, k, "Type", where)
		properties := k.get("Properties")
		if properties == nil {
			d.fail(r, "the required key Properties is missing in %s", where)
			return
		}
		switch kind {
		case "AWS::ECS::Service":
			spec.Platform, spec.Service = ECS, d.service(properties)
		case "AWS::Lambda::Function":
			spec.Platform, spec.Function = Lambda, d.function(properties)
		default:
			d.fail(r, "unknown Type %q, expected AWS::ECS::Service or AWS::Lambda::Function", kind)
		}
	}
}

func (d *decoder) service(n *yaml.Node) *Service {
	const where = "Properties"
	k := d.keys(n, where, "TaskDefinition", "LoadBalancerInfo", "PlatformVersion", "NetworkConfiguration", "CapacityProviderStrategy")
	s := &Service{TaskDefinition: d.required(n, k, "TaskDefinition", where), PlatformVersion: d.text(k.get("PlatformVersion"), where+".PlatformVersion")}
	lb := k.get("LoadBalancerInfo")
	if lb == nil {
		d.fail(n, "the required key LoadBalancerInfo is missing in %s", where)
		return s
	}
	info := d.keys(lb, "LoadBalancerInfo", "ContainerName", "ContainerPort")
	s.ContainerName = d.required(lb, info, "ContainerName", "LoadBalancerInfo")
	d.required(lb, info, "ContainerPort", "LoadBalancerInfo")
	s.ContainerPort = d.number(info.get("ContainerPort"), "LoadBalancerInfo.ContainerPort")
	if p := info.get("ContainerPort"); p != nil && (s.ContainerPort < 1 || s.ContainerPort > 65535) {
		d.fail(p, "ContainerPort %q is not a port from 1 to 65535", p.Value)
	}
	if net := k.get("NetworkConfiguration"); net != nil {
		d.network(net, s)
	}
	for i, c := range d.list(k.get("CapacityProviderStrategy"), "CapacityProviderStrategy") {
		at := fmt.Sprintf("CapacityProviderStrategy[%d]", i)
		p := d.keys(c, at, "CapacityProvider", "Base", "Weight")
		s.CapacityProviders = append(s.CapacityProviders, CapacityProvider{Name: d.required(c, p, "CapacityProvider", at),
			Base: d.number(p.get("Base"), at+".Base"), Weight: d.number(p.get("Weight"), at+".Weight")})
	}
	return s
}

func (d *decoder) network(n *yaml.Node, s *Service) {
	vpc := d.keys(n, "NetworkConfiguration", "AwsvpcConfiguration").get("AwsvpcConfiguration")
	if vpc == nil {
		d.fail(n, "the required key AwsvpcConfiguration is missing in NetworkConfiguration")
		return
	}
	k := d.keys(vpc, "AwsvpcConfiguration", "Subnets", "SecurityGroups", "AssignPublicIp")
	s.Subnets, s.SecurityGroups = d.texts(k.get("Subnets"), "Subnets"), d.texts(k.get("SecurityGroups"), "SecurityGroups")
	s.AssignPublicIP = d.text(k.get("AssignPublicIp"), "AssignPublicIp")
	if len(s.Subnets) == 0 || len(s.SecurityGroups) == 0 || s.AssignPublicIP == "" {
		d.fail(vpc, "AwsvpcConfiguration needs Subnets, SecurityGroups and AssignPublicIp")
	} else if s.AssignPublicIP != "ENABLED" && s.AssignPublicIP != "DISABLED" {
		d.fail(k.get("AssignPublicIp"), "AssignPublicIp %q is neither ENABLED nor DISABLED", s.AssignPublicIP)
	}
}

func (d *decoder) function(n *yaml.Node) *Function {
	const where = "Properties"
	k := d.keys(n, where, "Name", "Alias", "CurrentVersion", "TargetVersion")
	f := &Function{Name: d.required(n, k, "Name", where), Alias: d.required(n, k, "Alias", where),
		CurrentVersion: d.required(n, k, "CurrentVersion", where), TargetVersion: d.required(n, k, "TargetVersion", where)}
	for _, v := range []string{"CurrentVersion", "TargetVersion"} {
		if at := k.get(v); at != nil {
			if i, err := strconv.Atoi(d.text(at, v)); err != nil || i < 1 {
				d.fail(at, "%s %q is not the number of a version", v, at.Value)
			}
		}
	}
	return f
}

func (d *decoder) server(root *yaml.Node, top keys, spec *Spec) {
	spec.Platform = Server
	spec.OS = d.required(root, top, "os", "the appspec")
	if spec.OS != "" && spec.OS != "linux" && spec.OS != "windows" {
		d.fail(top.get("os"), "os %q is neither linux nor windows", spec.OS)
	}
	for i, f := range d.list(top.get("files"), "files") {
		at := fmt.Sprintf("files[%d]", i)
		k := d.keys(f, at, "source", "destination")
		spec.Files = append(spec.Files, File{d.required(f, k, "source", at), d.required(f, k, "destination", at)})
	}
}

// hooks of servers are a mapping from event to scripts; the others' are a list
// of one event with one function each.
func (d *decoder) hooks(n *yaml.Node, spec *Spec) {
	known := Events(spec.Platform)
	if spec.Platform == Server {
		d.keys(n, "hooks", known...)
		for i := 0; i+1 < len(n.Content); i += 2 {
			event := n.Content[i]
			for j, script := range d.list(n.Content[i+1], "hooks."+event.Value) {
				at := fmt.Sprintf("hooks.%s[%d]", event.Value, j)
				k := d.keys(script, at, "location", "timeout", "runas", "sudo")
				location := d.required(script, k, "location", at)
				if t := k.get("timeout"); t != nil && d.number(t, at+".timeout") < 1 {
					d.fail(t, "%s.timeout is not a number of seconds above 0", at)
				}
				spec.Hooks = append(spec.Hooks, Hook{event.Value, location, Position{event.Line, event.Column}})
			}
		}
		return
	}
	for i, h := range d.list(n, "Hooks") {
		at := fmt.Sprintf("Hooks[%d]", i)
		k := d.keys(h, at, known...)
		if len(k) != 1 {
			d.fail(h, "%s has %d keys, expected exactly one event", at, len(k))
			return
		}
		for _, event := range known {
			if v := k.get(event); v != nil {
				function := d.text(v, at+"."+event)
				if function == "" {
					d.fail(h, "the hook %s names no function", event)
				}
				spec.Hooks = append(spec.Hooks, Hook{event, function, Position{h.Line, h.Column}})
			}
		}
	}
}
