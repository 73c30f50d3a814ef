// Package codedeploy is AWS CodeDeploy's control plane: applications,
// deployment configurations and deployment groups, for all three compute
// platforms, with every rule that AWS checks when they are declared.
//
// Nothing is deployed yet. The operations that would deploy, register a
// revision or an on-premises instance, or follow a deployment are not in the
// table of operations, so they answer with AWS's unknown-operation error, which
// names them. What only a deployment would use is kept and shown: alarms,
// triggers, Auto Scaling groups, tag filters, load balancers.
package codedeploy
