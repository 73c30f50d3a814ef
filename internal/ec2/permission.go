package ec2

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/tag"
)

// rule lets one peer in or out: one of CIDR4, CIDR6, PrefixList and Group.
type rule struct {
	ID       string
	Egress   bool   `json:",omitempty"`
	Protocol string // tcp, udp, icmp, icmpv6, a number, -1 for all
	// From and To are ports, or an ICMP type and code; -1 is all.
	From, To    int32
	CIDR4       string  `json:",omitempty"`
	CIDR6       string  `json:",omitempty"`
	PrefixList  string  `json:",omitempty"`
	Group       string  `json:",omitempty"`
	Description string  `json:",omitempty"`
	Tags        tag.Set `json:",omitempty"`
}

// same tells whether two rules let the same through.
func (r rule) same(o rule) bool {
	return r.Egress == o.Egress && r.Protocol == o.Protocol && r.From == o.From && r.To == o.To &&
		r.CIDR4 == o.CIDR4 && r.CIDR6 == o.CIDR6 && r.PrefixList == o.PrefixList && r.Group == o.Group
}

// String is the rule as EC2's error for a duplicate has it.
func (r rule) String() string {
	peer := r.CIDR4 + r.CIDR6 + r.PrefixList + r.Group
	if r.Protocol == "-1" {
		return "peer: " + peer + ", ALL, ALLOW"
	}
	out := "peer: " + peer + ", " + strings.ToUpper(r.Protocol)
	if r.From != -1 || r.To != -1 {
		out += ", from port: " + strconv.Itoa(int(r.From)) + ", to port: " + strconv.Itoa(int(r.To))
	}
	return out + ", ALLOW"
}

func (s *Service) allowAll(egress bool) rule {
	return rule{ID: s.newID(ruleKind), Egress: egress, Protocol: "-1", From: -1, To: -1, CIDR4: "0.0.0.0/0"}
}

// IpPermission is rules that have protocol and ports in common.
type IpPermission struct {
	FromPort         *int32
	IpProtocol       string
	IpRanges         []IpRange
	Ipv6Ranges       []Ipv6Range
	PrefixListIds    []PrefixListId
	ToPort           *int32
	UserIdGroupPairs []UserIdGroupPair
}

// IpRange is a peer's IPv4 addresses.
type IpRange struct{ CidrIp, Description string }

// Ipv6Range is a peer's IPv6 addresses.
type Ipv6Range struct{ CidrIpv6, Description string }

// PrefixListId is a peer's list of addresses.
type PrefixListId struct{ Description, PrefixListId string }

// UserIdGroupPair is a peer's security group.
type UserIdGroupPair struct{ Description, GroupId, GroupName, UserId, VpcId string }

// permissions groups the rules of one direction.
func (s *Service) permissions(rules []rule, egress bool) []IpPermission {
	out := []IpPermission{}
	type key struct {
		protocol string
		from, to int32
	}
	at := map[key]int{}
	for _, r := range rules {
		if r.Egress != egress {
			continue
		}
		k := key{r.Protocol, r.From, r.To}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			p := IpPermission{IpProtocol: r.Protocol, IpRanges: []IpRange{}, Ipv6Ranges: []Ipv6Range{}, PrefixListIds: []PrefixListId{}, UserIdGroupPairs: []UserIdGroupPair{}}
			if ported(r.Protocol) {
				p.FromPort, p.ToPort = &r.From, &r.To
			}
			out = append(out, p)
		}
		switch p := &out[i]; {
		case r.CIDR4 != "":
			p.IpRanges = append(p.IpRanges, IpRange{r.CIDR4, r.Description})
		case r.CIDR6 != "":
			p.Ipv6Ranges = append(p.Ipv6Ranges, Ipv6Range{r.CIDR6, r.Description})
		case r.PrefixList != "":
			p.PrefixListIds = append(p.PrefixListIds, PrefixListId{r.Description, r.PrefixList})
		default:
			p.UserIdGroupPairs = append(p.UserIdGroupPairs, UserIdGroupPair{Description: r.Description, GroupId: r.Group, UserId: s.Site.Account})
		}
	}
	return out
}

// ported tells whether a protocol has ports, or types and codes.
func ported(protocol string) bool {
	return protocol == "tcp" || protocol == "udp" || protocol == "icmp" || protocol == "icmpv6"
}

// protocolNames are those that answers spell out.
var protocolNames = map[string]string{"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1"}

// normal checks protocol and ports and brings them to the form they are kept in.
func (r *rule) normal(protocol string, from, to *int32) error {
	r.Protocol = strings.ToLower(protocol)
	if name, ok := protocolNames[r.Protocol]; ok {
		r.Protocol = name
	}
	r.From, r.To = -1, -1
	switch r.Protocol {
	case "tcp", "udp":
		if from == nil || to == nil {
			return fail("InvalidParameterValue", "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
		}
		for _, p := range []int32{*from, *to} {
			if p < 0 || p > 65535 {
				return fail("InvalidParameterValue", "Invalid value '%d' for portRange. Must be between 0 and 65535.", p)
			}
		}
		if *from > *to {
			return fail("InvalidParameterValue", "Invalid TCP/UDP port range (%d:%d)", *from, *to)
		}
		r.From, r.To = *from, *to
	case "icmp", "icmpv6":
		if from != nil {
			r.From = *from
		}
		if to != nil {
			r.To = *to
		}
		if r.From < -1 || r.From > 255 || r.To < -1 || r.To > 255 {
			return fail("InvalidParameterValue", "Invalid value '%d:%d' for ICMP type and code. Must be between -1 and 255.", r.From, r.To)
		}
	case "-1":
	case "":
		return fail("MissingParameter", "The request must contain the parameter ipProtocol")
	default:
		if n, err := strconv.Atoi(r.Protocol); err != nil || n < 0 || n > 255 {
			return fail("InvalidParameterValue", "Invalid value '%s' for IP protocol. Unknown protocol.", protocol)
		}
	}
	return nil
}

// ruleText is what descriptions of rules may have.
var ruleText = regexp.MustCompile(`^[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}$`)

func describes(text string) error {
	if !ruleText.MatchString(text) {
		return fail("InvalidParameterValue", "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*")
	}
	return nil
}

func cidr4(text string) (string, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is4() {
		return "", fail("InvalidParameterValue", "CIDR block %s is malformed", text)
	}
	return p.Masked().String(), nil
}

func cidr6(text string) (string, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is6() || p.Addr().Is4In6() {
		return "", fail("InvalidParameterValue", "CIDR block %s is malformed", text)
	}
	return p.Masked().String(), nil
}

// rules takes a permission apart. groupID finds the group that a pair names.
func (p IpPermission) rules(egress bool, groupID func(UserIdGroupPair) (string, error)) ([]rule, error) {
	base := rule{Egress: egress}
	if err := base.normal(p.IpProtocol, p.FromPort, p.ToPort); err != nil {
		return nil, err
	}
	var out []rule
	add := func(description string, set func(*rule) error) error {
		r := base
		r.Description = description
		if err := describes(description); err != nil {
			return err
		}
		if err := set(&r); err != nil {
			return err
		}
		out = append(out, r)
		return nil
	}
	for _, x := range p.IpRanges {
		if err := add(x.Description, func(r *rule) (err error) { r.CIDR4, err = cidr4(x.CidrIp); return err }); err != nil {
			return nil, err
		}
	}
	for _, x := range p.Ipv6Ranges {
		if err := add(x.Description, func(r *rule) (err error) { r.CIDR6, err = cidr6(x.CidrIpv6); return err }); err != nil {
			return nil, err
		}
	}
	for _, x := range p.PrefixListIds {
		if err := add(x.Description, func(r *rule) error {
			return fail("InvalidPrefixListID.NotFound", "The prefix list ID '%s' does not exist", x.PrefixListId)
		}); err != nil {
			return nil, err
		}
	}
	for _, x := range p.UserIdGroupPairs {
		if err := add(x.Description, func(r *rule) (err error) { r.Group, err = groupID(x); return err }); err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, fail("MissingParameter", "Source group or CIDR must be specified for a rule")
	}
	return out, nil
}
