// Package logs is CloudWatch Logs: groups, streams, events, retention, live
// tail, and the metrics of events: what metric filters find in them and what
// those in the embedded metric format say. Resource policies are kept and shown
// without effect; subscription filters, queries and whatever else reads logs for
// others is not there.
//
// # Storage
//
// Groups and streams have internal ids (G, S), so that what is deleted is out
// of sight at once and erased later by a job. A batch of events is cut at whole
// seconds (buckets) into chunks of one entry each:
//
//	logs.group  region name            group
//	logs.stream G name                 stream: first/last timestamps, next seq
//	logs.event  G S bucket seq         chunk: all events of one batch and second
//	logs.time   G bucket S             name of the stream: which have events then
//	logs.last   G lastTimestamp name   streams by their last event
//	logs.bytes  G                      bytes stored
//
//	logs.metricfilter region group filter   metric filters
//	logs.policy       region name           resource policies
//
// Events are ordered by timestamp, then ingestion time, stream and seq: the
// number of the event in its stream. A reader goes from bucket to bucket, and
// sorts within each; a page can begin anywhere, so reading is linear.
package logs
