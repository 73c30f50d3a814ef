// Package codecommit is AWS CodeCommit: repositories of git with branches,
// files and differences by API, and clone, fetch and push over HTTP.
//
// Git is the truth about objects and refs. The store holds, per repository, the
// refs as last announced; after every write the two are compared and what
// moved is written and emitted in one transaction:
//
//	push / PutFile / CreateBranch … ──▶ git refs ──▶ reconcile ──▶ refs + events (one transaction)
//	                                                   ▲
//	start of the server ───────────────────────────────┘
//
// So a crash between git's write and ours delays an event and never loses it.
package codecommit
