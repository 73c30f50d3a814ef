// Package lambda is AWS Lambda: functions that really run. A function is a
// document with its $LATEST configuration; versions are copies that do not
// change; aliases point to one version, or to two by weights.
//
//	Invoke ──▶ alias → version ──▶ fleet of the version ──▶ instance
//	                                idle? busy? start one      │ one event at a time
//	                                                           ▼
//	                               container: runtimeapi ◀── upgraded unix socket
//
// An instance is one container of the compute contract, kept warm after its
// first event, whose first process is the runtimeapi package. What runs is in
// memory only: a server that comes back removes the containers of the last one
// and starts new ones. What must not be lost, the events of asynchronous
// invocations, are jobs.
//
// A function's state goes Pending → Active, or Failed with the reason; an
// update's goes InProgress → Successful, or Failed, and then what ran before
// goes on running.
package lambda
