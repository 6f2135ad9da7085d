import Testing

/// The tests of the real binary as a process.
///
/// One at a time: each puts a server under a load or a strain of its own, and two would disturb each other's. The limit is
/// there for what hangs; some take minutes on a slow machine.
@Suite(.serialized, .timeLimit(.minutes(10)))
enum ProcessTests {}
