package import WitanCore
package import WitanStorage

/// How a test holds a worker of a database's until it knows what waits for it, without a clock.
extension SQLDatabase {
    /// Runs `body` while a write transaction has begun, which ends when the gate is opened or `body` has ended.
    package func holdingWriter<Value: Sendable>(_ body: (Gate) async throws -> Value) async throws -> Value {
        try await holding({ hold in try await self.write(hold) }, body)
    }

    /// Runs `body` while a read transaction has taken its snapshot, which ends likewise.
    package func holdingReader<Value: Sendable>(_ body: (Gate) async throws -> Value) async throws -> Value {
        try await holding({ hold in try await self.read(hold) }, body)
    }

    private func holding<Value: Sendable>(
        _ transaction:
            @escaping @Sendable (@escaping @Sendable (any SQLConnection) throws -> Void) async throws -> Void,
        _ body: (Gate) async throws -> Value
    ) async throws -> Value {
        let (begun, told) = AsyncStream<Void>.makeStream()
        let gate = Gate()
        return try await withThrowingTaskGroup { group in
            group.addTask {
                defer { told.finish() }
                do {
                    try await transaction { connection in
                        _ = try connection.row("SELECT 1")
                        told.yield()
                        gate.waitUntilOpen()
                    }
                } catch {
                    // It changed nothing: when it fails, it shares a commit with others whose failure is looked at.
                }
            }
            for await _ in begun.prefix(1) {}
            defer { gate.open() }
            let value = try await body(gate)
            gate.open()
            try await group.waitForAll()
            return value
        }
    }

    /// Runs writes that wait at the same time, on a database whose `Limits.queuedTransactions` is their number.
    ///
    /// One write more than fits is begun while the writer is held: once one is refused, all the others wait.
    ///
    /// - Returns: each admitted write's error by its index, and the refused one's.
    package func writeTogether(
        _ number: Int,
        _ body: @escaping @Sendable (any SQLConnection, _ index: Int) throws -> Void
    ) async throws -> (errors: [Int: (any Error)?], refusal: Failure) {
        try await holdingWriter { gate in
            try await withThrowingTaskGroup(of: (Int, (any Error)?).self) { group in
                for index in 0...number {
                    group.addTask {
                        do {
                            try await self.write { try body($0, index) }
                            return (index, nil)
                        } catch {
                            return (index, error)
                        }
                    }
                }
                guard let first = try await group.next(), let refusal = first.1 as? Failure else {
                    throw Failure.bug("No write was refused: does the queue take \(number)?")
                }
                gate.open()
                var errors: [Int: (any Error)?] = [:]
                for try await (index, error) in group { errors.updateValue(error, forKey: index) }
                return (errors, refusal)
            }
        }
    }
}
