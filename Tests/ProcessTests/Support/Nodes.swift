import Synchronization
import Testing

/// Several servers on one database.
enum Nodes {
    /// What the servers left behind, in no order.
    struct Ended<Result: Sendable>: Sendable {
        let result: Result
        let servers: [ServerProcess.Ended<Void>]

        /// The keys that any of them printed.
        var printedKeys: [String] { servers.compactMap(\.printedKey) }

        /// All that any of them wrote.
        var text: String { servers.map { $0.output + $0.log }.joined() }
    }

    /// Starts servers at the same moment, waits until all listen, and hands them to the closure.
    ///
    /// Ends those that the closure has sent no signal with SIGTERM, all at the same moment.
    @discardableResult
    static func run<Result: Sendable>(
        _ data: [String],
        _ arguments: [String] = [],
        environment: [String: String],
        _ body: ([ServerProcess]) async throws -> Result
    ) async throws -> Ended<Result> {
        let (starts, starting) = AsyncThrowingStream.makeStream(of: ServerProcess.self, throwing: (any Error).self)
        return try await withThrowingTaskGroup(of: ServerProcess.Ended<Void>.self) { group in
            var ends: [AsyncStream<Never>.Continuation] = []
            for folder in data {
                let (end, ending) = AsyncStream<Never>.makeStream()
                ends.append(ending)
                group.addTask {
                    do {
                        return try await ServerProcess.run(folder, arguments, environment: environment) { server in
                            starting.yield(server)
                            for await _ in end {}
                        }
                    } catch {
                        starting.finish(throwing: error)
                        throw error
                    }
                }
            }
            var servers: [ServerProcess] = []
            for try await server in starts {
                servers.append(server)
                if servers.count == data.count { break }
            }
            let result = try await body(servers)
            for end in ends { end.finish() }
            let ended = try await group.reduce(into: []) { $0.append($1) }
            return Ended(result: result, servers: ended)
        }
    }

    /// The same with all of them on one data folder.
    @discardableResult
    static func run<Result: Sendable>(
        _ count: Int,
        _ data: String,
        _ arguments: String...,
        environment: [String: String],
        _ body: ([ServerProcess]) async throws -> Result
    ) async throws -> Ended<Result> {
        try await run(Array(repeating: data, count: count), arguments, environment: environment, body)
    }
}

/// Waits until something is so, which it must be within a time that no machine needs.
func eventually(
    within limit: Duration = .seconds(60),
    _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ isSo: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !isSo() {
        try #require(ContinuousClock.now < deadline, "\(what) did not come about", sourceLocation: sourceLocation)
        try await Task.sleep(for: .milliseconds(2))
    }
}
