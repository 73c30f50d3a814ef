// Package cloudwatch is Amazon CloudWatch: metrics, what statistics say of
// them, and alarms on both.
//
// # The life of an alarm
//
//	PutMetricAlarm ──▶ INSUFFICIENT_DATA ◀──▶ OK ◀──▶ ALARM
//
// Which state it is in is a pure function of the data points in its evaluation
// range and, where data is missing, of the state before (see judge). It is asked
// at the end of a minute (of ten seconds, for shorter periods) in which data
// arrived or still lies in the range; an alarm without data costs nothing.
// SetAlarmState counts until the next evaluation.
//
// A transition is one transaction: the state, its history, the event on the bus
// and the states of the composite alarms above.
//
// The actions of a transition are part of it: a message to a topic is as durable
// as the new state, and a function is invoked by a job of it. Other kinds of action
// are not implemented. What came of an action is in the history. A suppressor keeps
// the actions of a composite alarm back (see hold).
//
// Dashboards are documents that are kept, and shown by who reads them. Anomaly
// detection, Metrics Insights, streams and Contributor Insights are not there.
package cloudwatch
