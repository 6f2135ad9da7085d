import WitanCore

extension Failure {
    /// What a condition of PostgreSQL's means to the caller, in a sentence without values.
    static func postgres(_ error: PostgresError) -> Failure {
        switch error.state {
        case "23505", "23P01":
            return Failure(.conflict, "An object with the same unique value exists already.", underlying: error)
        case "23503":
            return Failure(
                .invalidRequest,
                "An object that is referred to does not exist, or others still refer to the object.",
                underlying: error
            )
        default:
            guard let sentence = sentence(for: error) else {
                return .bug("A statement failed with SQLSTATE \(error.state)", underlying: error)
            }
            return Failure(.unavailable, sentence, retryAfter: .seconds(1), underlying: error)
        }
    }

    /// That no connection could be made: with the reason and the place for whoever runs the server, and for nobody else.
    static func noConnection(to address: PostgresAddress, _ error: PostgresError) -> Failure {
        let explanation =
            error.state.hasPrefix("08")
            ? "The database at \(address) cannot be reached: check that it runs, and the database's URL."
            : sentence(for: error) ?? "The database at \(address) refuses the connection: see the server's log."
        return Failure(.unavailable, away, explanation: explanation, retryAfter: .seconds(1), underlying: error)
    }

    private static let away = "The database is away: try again shortly."

    /// What is wrong with the database rather than with the request, and what to do about it; nil when nothing is.
    private static func sentence(for error: PostgresError) -> String? {
        switch error.state {
        case "40001", "40P01": "Too many requests change the same objects at once: try again."
        case "57014":
            error.isLate
                ? "The database took too long for one statement: ask for less at a time."
                : "The database was told to stop the statement: try again."
        case "55P03": "Another transaction holds a lock of the database's for too long: try again."
        case "25P03": "The server was too slow in the middle of a transaction, which was undone: try again."
        case "25006": "The database can only be read: is it a replica? Name the primary with --database-url."
        case "53100": "The disk that holds the database is full: free some space; nothing was lost."
        case "53300":
            "The database takes no more connections: raise its max_connections, or lower --database-connections."
        case "28P01": "The database refused the password: check the database's URL."
        case "28000":
            "The database refuses this user: check the user in the database's URL, and the server's pg_hba.conf."
        case "3D000": "The database server has no database of that name: make it, or check the database's URL."
        case "3F000": "The schema of the database's search_path does not exist: make it, or check the database's URL."
        case "42501":
            "The database's user may not do this: make it the owner of the schema, as docs/operating.md shows."
        case "26000", "42P05":
            """
            The database forgot a prepared statement: behind a pooler in transaction mode, such as pgbouncer, set \
            --database-pooler transaction.
            """
        case OwnState.pooler:
            "The database's URL is that of a pooler, such as pgbouncer: set --database-pooler transaction."
        case OwnState.encoding:
            "The database's encoding is not UTF8: make one with ENCODING 'UTF8', as docs/operating.md shows."
        case OwnState.version: "The database server is older than PostgreSQL 13: upgrade it."
        case OwnState.noTLS: "The database server offers no TLS, which the URL's sslmode asks for: switch its ssl on."
        case OwnState.certificate:
            "The database server's certificate is not what the URL asks for: check its host, sslmode and sslrootcert."
        case let state where error.endsConnection || state.hasPrefix("53") || state.hasPrefix("58"):
            away
        default: nil
        }
    }
}
