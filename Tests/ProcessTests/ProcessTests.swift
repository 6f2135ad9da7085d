import Testing

/// The tests of the real binary as a process.
///
/// One at a time: each puts a server under a load or a strain of its own, and two would disturb each other's.
@Suite(.serialized, .timeLimit(.minutes(3)))
enum ProcessTests {}
