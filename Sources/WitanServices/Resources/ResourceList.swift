import WitanCore
package import WitanResources
package import WitanStorage

/// A list of a resource for a caller, read in parts so that its length costs no memory.
///
/// Each part is a transaction of its own. Objects are ordered by when they were made, so those that come or go meanwhile
/// neither hide nor repeat another.
package struct ResourceList: Sendable {
    /// What is left to read.
    package struct Rest: Sendable {
        fileprivate var window: ResourceStore.Window
        fileprivate var limit: Int
    }

    private let request: ListRequest
    private let selection: ResourceStore.Selection
    private let store: ResourceStore
    private let database: any SQLDatabase

    /// How many objects a part has at the most.
    package static let partSize = 500

    init(
        request: ListRequest,
        selection: ResourceStore.Selection,
        store: ResourceStore,
        database: any SQLDatabase
    ) {
        self.request = request
        self.selection = selection
        self.store = store
        self.database = database
    }

    /// The newest objects, and what is left after them; nil when nothing is.
    package func first() async throws -> (records: [Record], rest: Rest?) {
        guard request.limit != 0 else { return ([], nil) }
        return try await read { connection in
            guard let window = try store.window(of: request, in: selection, on: connection) else { return ([], nil) }
            return try part(Rest(window: window, limit: request.limit ?? .max), on: connection)
        }
    }

    /// The objects that come after, and what is left after them.
    package func next(_ rest: Rest) async throws -> (records: [Record], rest: Rest?) {
        try await read { connection in try part(rest, on: connection) }
    }

    /// The page of the request's order and cursor, with at most `limit` objects.
    package func page(limit: Int) async throws -> ResourceStore.Page {
        try await read { connection in try store.page(of: request, in: selection, limit: limit, on: connection) }
    }

    private func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await store.resource.listsMayBeStale ? database.readStale(body) : database.read(body)
    }

    private func part(
        _ rest: Rest,
        on connection: any SQLConnection
    ) throws(Failure) -> (records: [Record], rest: Rest?) {
        let size = min(rest.limit, Self.partSize)
        let (records, last) = try store.page(
            of: request,
            in: selection,
            window: rest.window,
            limit: size,
            on: connection
        )
        guard let last, records.count == size, rest.limit > size else { return (records, nil) }
        var next = rest
        next.window.below = last
        next.limit -= size
        return (records, next)
    }
}
