import Testing
package import WitanCore
package import WitanStorage

/// A database engine that the storage contracts are checked against.
///
/// The engines themselves are listed in the test target: this module knows none of them.
package struct Engine: Sendable, CustomTestStringConvertible {
    /// An open database and how to close it.
    package typealias Opened = (database: any SQLDatabase, close: @Sendable () async throws -> Void)

    /// A place that holds one database, empty at first; it is opened, closed and opened again.
    package struct Place: Sendable {
        /// Opens the database.
        package let open: @Sendable (Limits, TransactionObserver) async throws -> Opened

        /// Removes the database and all that belongs to it.
        package let remove: @Sendable () async throws -> Void

        /// Takes the two actions.
        package init(
            open: @escaping @Sendable (Limits, TransactionObserver) async throws -> Opened,
            remove: @escaping @Sendable () async throws -> Void
        ) {
            self.open = open
            self.remove = remove
        }

        /// Opens the database while `body` uses it.
        package func withDatabase<Value>(
            limits: Limits = .unhurried,
            observer: TransactionObserver = .none,
            _ body: (any SQLDatabase) async throws -> Value
        ) async throws -> Value {
            let (database, close) = try await open(limits, observer)
            return try await ending(with: close) { try await body(database) }
        }
    }

    /// The engine's name, shown beside each test.
    package let name: String

    /// Says which tables a statement walks; nil for an engine of which nobody asks that.
    package let explain: PlanCheck.Explain?

    private let makePlace: @Sendable () async throws -> Place

    /// Names an engine and says how to make a place for a database.
    package init(
        name: String,
        explain: PlanCheck.Explain? = nil,
        makePlace: @escaping @Sendable () async throws -> Place
    ) {
        self.name = name
        self.explain = explain
        self.makePlace = makePlace
    }

    package var testDescription: String { name }

    /// The engine by itself, whose databases may be walked.
    package var unchecked: Engine { Engine(name: name, makePlace: makePlace) }

    /// Makes a place for a database while `body` uses it.
    package func withPlace<Value>(_ body: (Place) async throws -> Value) async throws -> Value {
        let place = try await makePlace()
        return try await ending(with: place.remove) { try await body(checked(place)) }
    }

    private func checked(_ place: Place) -> Place {
        guard let explain else { return place }
        return Place(
            open: { limits, observer in
                let (database, close) = try await place.open(limits, observer)
                return (QueryPlanChecker(database, explain: explain), close)
            },
            remove: place.remove
        )
    }

    /// Makes an empty database while `body` uses it.
    package func withDatabase<Value>(
        limits: Limits = .unhurried,
        observer: TransactionObserver = .none,
        _ body: (any SQLDatabase) async throws -> Value
    ) async throws -> Value {
        try await withPlace { place in
            try await place.withDatabase(limits: limits, observer: observer, body)
        }
    }
}

/// Runs `end` after `body`, however it ends; the error of `body` is the one that counts.
private func ending<Value>(
    with end: () async throws -> Void,
    _ body: () async throws -> Value
) async throws -> Value {
    let value: Value
    do {
        value = try await body()
    } catch {
        // The test has failed already; a second error from cleaning up would only hide the first.
        try? await end()
        throw error
    }
    try await end()
    return value
}
