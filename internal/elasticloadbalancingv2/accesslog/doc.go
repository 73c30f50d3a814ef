// Package accesslog keeps the logs of load balancers until they are delivered to
// buckets: lines in AWS's format, one file on this disk for each log, given away
// every five minutes. What was not given away when the process ended, even
// abruptly, is given away by the next one.
//
// Formats and names are those of "Access logs for your Application Load
// Balancer" and "Connection logs for your Application Load Balancer".
package accesslog
