import Synchronization
import WitanStorage

/// The callers who went away after a worker had taken their transactions, until it has come to them.
final class PostgresWithdrawals: Sendable {
    private let tickets = Mutex<Set<TransactionQueue.Ticket>>([])

    func insert(_ ticket: TransactionQueue.Ticket) {
        tickets.withLock { _ = $0.insert(ticket) }
    }

    func contains(_ ticket: TransactionQueue.Ticket) -> Bool {
        tickets.withLock { $0.contains(ticket) }
    }

    func remove(_ ticket: TransactionQueue.Ticket) {
        tickets.withLock { _ = $0.remove(ticket) }
    }
}
