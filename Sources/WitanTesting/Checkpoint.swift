/// A place where one task stops until a test lets it go on.
package final class Checkpoint: Sendable {
    private let (arrivals, arrival) = AsyncStream<Void>.makeStream()
    private let (openings, opening) = AsyncStream<Void>.makeStream()

    /// Makes a closed checkpoint.
    package init() {}

    /// Returns once a task has stopped here.
    package func waitUntilReached() async {
        for await _ in arrivals {}
    }

    /// Lets the task go on.
    package func open() {
        opening.finish()
    }

    /// Stops here until the checkpoint is open; for one task.
    func pass() async {
        arrival.finish()
        for await _ in openings {}
    }
}
