import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Keeps a database's own thread inside a transaction until a test lets it go on.
///
/// For closures that an engine runs on threads of its own; never for a task, whose thread others need.
package final class Gate: Sendable {
    private let isOpen = Atomic(false)

    /// Makes a closed gate.
    package init() {}

    /// Lets everybody pass from now on.
    package func open() {
        isOpen.store(true, ordering: .releasing)
    }

    /// Keeps the calling thread until the gate is open.
    package func waitUntilOpen() {
        while !isOpen.load(ordering: .acquiring) { sched_yield() }
    }
}
