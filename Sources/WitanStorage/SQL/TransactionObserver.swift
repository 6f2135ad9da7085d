/// Told by an engine of each group of transactions, for the metrics.
package struct TransactionObserver: Sendable {
    /// Whether a group only read.
    package enum Kind: Sendable {
        case read
        case write
    }

    /// Called with the number of transactions in the group and the time from its begin to its end.
    package let didFinish: @Sendable (_ kind: Kind, _ transactions: Int, _ duration: Duration) -> Void

    /// Takes the function to call after each group; it must be quick.
    package init(didFinish: @escaping @Sendable (Kind, Int, Duration) -> Void) {
        self.didFinish = didFinish
    }

    /// Tells nobody.
    package static let none = TransactionObserver { _, _, _ in }
}
