import CLibPQ
import Dispatch
import Synchronization
import WitanCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What stops the statement that a connection waits for, by a message of its own to the server.
///
/// The message names the connection and not the statement, so that one which arrives late would stop another's. Whoever
/// uses the connection therefore waits for the message to have arrived before the next statement.
final class PostgresInterrupt: Sendable {
    // libpq lets any thread use it, and several at once.
    private nonisolated(unsafe) let cancel: OpaquePointer?
    private let messagesUnderWay = Atomic(0)
    private let queue = DispatchQueue(label: "PostgresInterrupt")

    /// Takes a connection that is open.
    init(_ connection: OpaquePointer) {
        cancel = PQgetCancel(connection)
    }

    deinit {
        PQfreeCancel(cancel)
    }

    /// Tells the server to stop what runs; it may have ended by then.
    ///
    /// Waits for nothing.
    func send() {
        messagesUnderWay.add(1, ordering: .relaxed)
        queue.async {
            var message = [CChar](repeating: 0, count: 256)
            // There is nothing to be done when the server cannot be reached: its own deadline stops the statement.
            _ = PQcancel(self.cancel, &message, CInt(message.count))
            self.messagesUnderWay.subtract(1, ordering: .releasing)
        }
    }

    /// Keeps the calling thread, which is a worker's own, until no message is under way any more; whether that was soon.
    func waitUntilArrived(_ time: TimeSource) -> Bool {
        let deadline = time.monotonic() + 1_000_000_000
        while messagesUnderWay.load(ordering: .acquiring) > 0 {
            guard time.monotonic() < deadline else { return false }
            poll(nil, 0, 1)
        }
        return true
    }
}
