import Synchronization

/// A number that several tasks count up.
final class Count: Sendable {
    private let number = Atomic(0)

    /// Adds one and gives the new number.
    func next() -> Int { number.add(1, ordering: .relaxed).newValue }
}
