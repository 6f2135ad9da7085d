import Synchronization

/// A number that only grows; counting is one atomic addition.
package final class Counter: Sendable {
    private let total = Atomic<UInt64>(0)

    init() {}

    /// Adds `amount`; nothing when it is negative.
    package func increment(by amount: Int64 = 1) {
        // Relaxed: the number orders nothing else in memory.
        total.wrappingAdd(UInt64(max(amount, 0)), ordering: .relaxed)
    }

    /// What has been counted so far.
    package var value: UInt64 { total.load(ordering: .relaxed) }

    func write(to exposition: inout Exposition, name: String, labels: String) {
        exposition.sample(name, labels: labels, text: String(value))
    }
}
