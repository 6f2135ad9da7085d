import Foundation
package import WitanCore
package import WitanPostgres
package import WitanStorage
package import WitanTesting

extension Engine {
    /// PostgreSQL, each database in a schema of its own; nil without a server.
    package static let postgres = PostgresPlace.server.map { server in
        Engine(name: "PostgreSQL", explain: PostgresPlanner.explain(on: server)) {
            let place = try await PostgresPlace(on: server)
            return Place(
                open: { limits, observer in
                    let database = try place.open(limits: limits, observer: observer)
                    return (database, { await database.close() })
                },
                remove: { try await place.remove() }
            )
        }
    }
}

/// A schema of the tests' PostgreSQL that one test has for itself, used as a database of its own.
package struct PostgresPlace: Sendable {
    /// The URL of the server to test with.
    package static let server = ProcessInfo.processInfo.environment["WITAN_TEST_DATABASE_URL"]

    /// The URL of the schema.
    package let url: String

    private let schema: String
    private let server: String

    /// Few enough for the server's connections, however many tests run at once.
    private static let permits = Permits(24)

    /// Makes the schema; waits while many tests have theirs.
    package init(on server: String) async throws {
        await Self.permits.take()
        self.server = server
        schema = "test_" + UUID().uuidString.lowercased().replacing("-", with: "")
        url = server + (server.contains("?") ? "&" : "?") + "options=-csearch_path%3D\(schema)"
        do {
            try await Self.execute("CREATE SCHEMA \(schema)", on: server)
        } catch {
            await Self.permits.give()
            throw error
        }
    }

    /// Opens it with few connections.
    package func open(limits: Limits = .unhurried, observer: TransactionObserver = .none) throws -> PostgresDatabase {
        var configuration = PostgresDatabase.Configuration(primary: try PostgresAddress(url: url))
        configuration.connections = 8
        return PostgresDatabase(configuration, limits: limits, observer: observer, time: .system)
    }

    /// Drops the schema and everything in it.
    package func remove() async throws {
        do {
            try await Self.execute("DROP SCHEMA \(schema) CASCADE", on: server)
        } catch {
            await Self.permits.give()
            throw error
        }
        await Self.permits.give()
    }

    private static func execute(_ statement: String, on server: String) async throws {
        let configuration = PostgresDatabase.Configuration(primary: try PostgresAddress(url: server))
        let database = PostgresDatabase(configuration, limits: .unhurried, time: .system)
        do {
            try await database.write(.transient) { connection in
                try connection.run("\(raw: statement)")
            }
        } catch {
            await database.close()
            throw error
        }
        await database.close()
    }
}

/// A number of things that only so many may have at once.
private actor Permits {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ number: Int) {
        free = number
    }

    func take() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func give() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}
