// Package everlog is the client of everlog, an event store behind gRPC.
//
// [Connect] makes a [Client] from one URL. It appends events ([Client.Emit], [Client.EmitMany],
// [Client.EmitStream]), reads them back ([Client.Get], [Client.Query], [Client.Replay]) and follows
// the log ([Client.Subscribe]), resuming by itself where a connection broke.
//
// Every failure of a call is an [*Error]; branch on its Reason, with [errors.Is] and the sentinels of
// this package, or with [errors.As] and the types that say more, such as [*SequenceConflict].
//
// The generated messages and stubs are in the package everlogpb; [Client.Stub] gives a stub for calls
// of your own.
package everlog

// Version is the version of this client.
const Version = "0.1.0"
