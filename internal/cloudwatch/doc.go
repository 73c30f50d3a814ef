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
// Actions are tried on transitions and their outcome is part of the history. No
// kind of action is implemented yet, and the history says so. Anomaly detection,
// Metrics Insights, dashboards, streams and Contributor Insights are not there.
package cloudwatch
