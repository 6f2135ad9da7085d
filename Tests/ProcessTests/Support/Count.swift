import Synchronization

/// A number that several tasks count up.
final class Count: Sendable {
    private let number = Atomic(0)

    /// How far it is.
    var value: Int { number.load(ordering: .relaxed) }

    /// Adds one and gives the new number.
    @discardableResult
    func next() -> Int { number.add(1, ordering: .relaxed).newValue }
}
