// Package ec2 is the part of Amazon EC2's API that deployment tools call around
// networks: VPCs, subnets, security groups and their rules, route tables and
// their routes, internet and NAT gateways, elastic IP addresses, default network
// ACLs, and, to read, zones and regions. Nothing here filters or routes packets:
// containers reach each other and the world by the Docker Engine's networks,
// whatever a security group or a route says, and whether their subnet is public
// or private. What is kept is kept so that tools find what they wrote, and that
// load balancers and tasks name subnets and groups that exist. An elastic IP
// address is of the blocks that are set aside for documentation: nothing answers
// there. Other targets of routes, IPv6, endpoints, peering and network ACLs of
// one's own are refused by name.
//
// The SDK's package for EC2 is larger than all others together, so the types of
// requests and answers are our own. Their fields have the model's names, and
// only what is implemented is there: a request with another of the model's
// parameters is refused, naming it.
//
// Every region has a default VPC from the first call on, with a subnet in each
// of its three zones, a security group, a route table, a network ACL and an
// internet gateway.
package ec2
