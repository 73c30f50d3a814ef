// Package elbv2 is Elastic Load Balancing v2: application and network load
// balancers, listeners, rules, target groups and targets. Its rules decide what
// goes where; what carries the traffic is a Plane (package proxy), which is told
// the whole of it after each change. Package health draws the states of a target.
//
// Certificates: a listener shows IAM's server certificates to clients. There is no
// ACM: a listener may name any certificate of its, and shows one of its own making.
//
// Refused by name: gateway load balancers, UDP listeners, authenticate and
// jwt-validation actions, rule transforms, mutual authentication, IPv6, health
// check logs, access logs of network load balancers, and instances as targets
// other than this machine (see site), as there are none.
//
// Attributes are all kept and checked, but these change nothing: cross-zone, zonal
// shift, DNS, address and WAF settings, as there is one zone in truth; names of the
// headers of mutual authentication, which is refused; anomaly mitigation; the Host
// header's preservation, as it always is; and, of network load balancers, client
// addresses and the termination of connections. A Lambda function that is a target is
// invoked, as its policy lets the load balancer.
//
// Package accesslog keeps logs until they are in their buckets, package meter
// counts for CloudWatch; docs/load-balancers.md is for users.
package elbv2
