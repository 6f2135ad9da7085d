import Dispatch
import Synchronization
import WitanCore
import WitanStorage

/// One connection of a pool, opened when it is needed, and the thread that waits for its answers.
final class PostgresWorker: Sendable {
    private struct Running: Sendable {
        var ticket: TransactionQueue.Ticket?
        var isInterrupted = false
        var interrupt: PostgresInterrupt?
    }

    /// How a caller's transaction ran.
    enum Run {
        /// To its end.
        case undisturbed
        /// Perhaps not to its end: its caller went away meanwhile.
        case interrupted
        /// Not at all: its caller had gone away before.
        case withdrawn
    }

    private let queue: DispatchQueue
    private let server: PostgresServer
    private let withdrawals: PostgresWithdrawals
    private let time: TimeSource
    private let running = Mutex(Running())

    /// Locked for as long as the worker's thread works with it.
    private let link = Mutex<PostgresLink?>(nil)

    /// A worker without a connection.
    init(_ server: PostgresServer, name: String, withdrawals: PostgresWithdrawals, time: TimeSource) {
        self.server = server
        self.withdrawals = withdrawals
        self.time = time
        queue = DispatchQueue(label: "PostgresDatabase.\(name)")
    }

    /// Runs `work` on the worker's own thread, with its connection.
    func async(_ work: @escaping @Sendable (PostgresSession) -> Void) {
        queue.async {
            self.link.withLock { link in
                let session = PostgresSession(link, worker: self)
                work(session)
                link = session.end()
            }
        }
    }

    /// Stops what runs for a caller; nothing when it is another's turn.
    ///
    /// Waits for nothing.
    func interrupt(_ ticket: TransactionQueue.Ticket) {
        running.withLock { running in
            guard running.ticket == ticket, !running.isInterrupted else { return }
            running.isInterrupted = true
            running.interrupt?.send()
        }
    }

    /// Closes the connection once what runs has ended.
    func close() async {
        await withCheckedContinuation { continuation in
            queue.async {
                self.running.withLock { $0.interrupt = nil }
                self.link.withLock { $0 = nil }
                continuation.resume()
            }
        }
    }

    // MARK: For the session

    fileprivate func isUsable(_ link: PostgresLink) -> Bool { server.isUsable(link) }

    fileprivate func connect() throws(Failure) -> PostgresLink {
        let link = try server.connect()
        running.withLock { $0.interrupt = link.interrupt }
        return link
    }

    fileprivate func noteLoss() { server.noteLoss() }

    fileprivate func isWithdrawn(_ ticket: TransactionQueue.Ticket) -> Bool { withdrawals.contains(ticket) }

    fileprivate func interruptibly(_ ticket: TransactionQueue.Ticket, on link: PostgresLink, _ body: () -> Void) -> Run
    {
        let isWithdrawn = running.withLock { running in
            running.ticket = ticket
            // In this order: who goes away now finds the ticket, and who went away before is found.
            running.isInterrupted = withdrawals.contains(ticket)
            return running.isInterrupted
        }
        if !isWithdrawn { body() }
        let isInterrupted = running.withLock { running in
            running.ticket = nil
            return running.isInterrupted
        }
        if isWithdrawn { return .withdrawn }
        guard isInterrupted else { return .undisturbed }
        if !link.interrupt.waitUntilArrived(time) { link.abandon() }
        return .interrupted
    }
}

/// A worker's connection while its thread works with it.
final class PostgresSession {
    private var current: PostgresLink?
    private let worker: PostgresWorker

    fileprivate init(_ link: PostgresLink?, worker: PostgresWorker) {
        current = link
        self.worker = worker
    }

    /// The connection, which is made when there is none that can be used.
    func link() throws(Failure) -> PostgresLink {
        if let current, worker.isUsable(current) { return current }
        // Closed before another is opened, so that there are never more than there may be.
        current = nil
        let link = try worker.connect()
        current = link
        return link
    }

    /// Whether a caller has gone away.
    func isWithdrawn(_ ticket: TransactionQueue.Ticket) -> Bool { worker.isWithdrawn(ticket) }

    /// Runs `body` as the transaction of a caller, who may interrupt it; afterwards no interruption is under way any
    /// more, or the connection is given up.
    func interruptibly(
        _ ticket: TransactionQueue.Ticket,
        on link: PostgresLink,
        _ body: () -> Void
    ) -> PostgresWorker.Run {
        worker.interruptibly(ticket, on: link, body)
    }

    /// The connection to go on with another time.
    fileprivate func end() -> PostgresLink? {
        guard let current, current.isBroken else { return current }
        worker.noteLoss()
        return nil
    }
}
