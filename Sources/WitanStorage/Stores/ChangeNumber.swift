import Synchronization

/// The number that a change gets from the cluster's clock when its transaction is committed.
package final class ChangeNumber: Sendable {
    private let number = Atomic<Int64>(0)

    init() {}

    /// The number; nil before the commit.
    package var value: Int64? {
        let number = number.load(ordering: .acquiring)
        return number == 0 ? nil : number
    }

    func set(_ value: Int64) {
        number.store(value, ordering: .releasing)
    }
}
