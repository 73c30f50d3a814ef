// Package elbv2 is Elastic Load Balancing v2: application and network load
// balancers, listeners, rules, target groups and targets.
//
// Certificates: nothing here keeps them. A listener may name any certificate of
// ACM's or IAM's; what it shows to clients is one of its own making.
//
// Refused by name: gateway load balancers, authenticate and jwt-validation
// actions, rule transforms, mutual authentication, IPv6, and instances as
// targets, as there are none.
package elbv2
