import Synchronization

/// The number of the change that a task has made: when its answer is given, no server uses what the change made wrong.
package final class ChangeReceipt: Sendable {
    /// The one of the request that is answered by this task; nil when nobody asks.
    @TaskLocal package static var current: ChangeReceipt?

    private let newest = Atomic<Int64>(0)

    /// A receipt for nothing yet.
    package init() {}

    /// The number of the newest change; nil when there was none.
    package var sequence: Int64? {
        let newest = newest.load(ordering: .acquiring)
        return newest == 0 ? nil : newest
    }

    func note(_ sequence: Int64) {
        newest.max(sequence, ordering: .releasing)
    }
}
