// Package engine makes state machines durable. A transition is one database
// transaction that writes the new state, enqueues the jobs that follow from it
// and emits events; after the commit the jobs run at once, in this process,
// without polling. A job that has begun when the process dies runs again.
//
// # The life of a job
//
// A job is a row of the store, written by the transition that asks for it and
// deleted after its handler returned nil (or within the handler's own last
// transition, see Tx.Done). Where it stands in between lives in memory only,
// and is rebuilt from the rows at Start:
//
//	Enqueue, commit
//	      │
//	      ├── At in the future ──▶ timed ──┐ At comes
//	      ▼                               │
//	 (has a Key?) ◀───────────────────────┘
//	      │ yes, another of the Key is before it
//	      ├──────────▶ queued ──┐ that one ends
//	      ▼                     │
//	    ready ◀─────────────────┘
//	      │ fewer than Concurrency of the kind run
//	      ▼
//	   running ── nil ──▶ row deleted
//	      ├── error ────▶ held ── back-off over ──▶ ready   (keeps its Key)
//	      └── RetryAt ──▶ timed                             (frees its Key)
//
// A row carries a sequence number, given inside the transaction, so numbers
// are in commit order. A handler's end deletes the row only if it still has
// the number that the handler began with: a job of the same Kind and ID that
// was enqueued meanwhile has a new one and runs once more.
//
// What commits together in the store returns to its callers in any order, so
// the engine takes note of transactions in the order in which they ran.
package engine
