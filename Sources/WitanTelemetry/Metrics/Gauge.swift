import Synchronization

/// A number that goes up and down; each change is one atomic addition.
package final class Gauge: Sendable {
    private let current = Atomic<Int64>(0)

    init() {}

    /// Adds `amount`, which may be negative, and returns the sum: whoever adds can hold it against a limit.
    @discardableResult
    package func add(_ amount: Int64) -> Int64 {
        current.wrappingAdd(amount, ordering: .relaxed).newValue
    }

    /// Puts another number in the place of the one that is there.
    package func set(_ value: Int64) {
        current.store(value, ordering: .relaxed)
    }

    /// The number now.
    package var value: Int64 { current.load(ordering: .relaxed) }

    func write(to exposition: inout Exposition, name: String, labels: String) {
        exposition.sample(name, labels: labels, text: String(value))
    }
}
