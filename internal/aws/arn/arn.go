// Package arn builds and takes apart Amazon Resource Names.
package arn

import "strings"

// ARN is arn:Partition:Service:Region:Account:Resource.
type ARN struct{ Service, Region, Account, Resource string }

// New is the text of an ARN in the partition aws.
func New(service, region, account, resource string) string {
	return "arn:aws:" + service + ":" + region + ":" + account + ":" + resource
}

// Parse takes an ARN apart; ok is false if s is none.
func Parse(s string) (a ARN, ok bool) {
	p := strings.SplitN(s, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[1] == "" || p[2] == "" {
		return ARN{}, false
	}
	return ARN{Service: p[2], Region: p[3], Account: p[4], Resource: p[5]}, true
}
