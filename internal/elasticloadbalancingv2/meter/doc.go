// Package meter counts what load balancers carry, in the names that CloudWatch
// has for it (namespaces AWS/ApplicationELB and AWS/NetworkELB). Counting is an
// addition to an atomic number: no lock, no allocation. It knows no network, no
// store and no clock; who carries the traffic takes the numbers out now and then.
//
// As at AWS, what did not happen is not reported: a count of zero is missing
// data. Metrics are by LoadBalancer, and those of targets also by TargetGroup and
// LoadBalancer; and all that AWS has by zone also by AvailabilityZone, which is the
// load balancer's first: there is one node in truth.
package meter
