import WitanCore
import WitanStorage

/// A connection inside one transaction, which a group of callers may share.
final class PostgresConnection: SQLConnection {
    /// The first error of the transaction; after one the server refuses every statement until the end.
    private(set) var error: PostgresError?

    /// Statements so far that were not known to leave everything as it was.
    private(set) var changingStatements = 0

    /// What stores have set, to be written before the commit.
    var pendingChanges = PendingChanges()

    /// What it runs on.
    let link: PostgresLink

    private let isReadOnly: Bool

    /// How many arguments a statement may have, which are counted in 16 bits.
    private static let arguments = Int(UInt16.max)

    /// Wraps a connection for the time of a transaction.
    init(_ link: PostgresLink, isReadOnly: Bool) {
        self.link = link
        self.isReadOnly = isReadOnly
    }

    // MARK: SQLConnection

    var dialect: SQLDialect { .postgres }

    func rows(_ query: SQLQuery) throws(Failure) -> [SQLRow] {
        try execute(query, keepsRows: true).rows
    }

    @discardableResult
    func run(_ query: SQLQuery) throws(Failure) -> Int {
        try execute(query, keepsRows: false).changes
    }

    func pendingChange(_ name: String) -> (any PendingChange)? { pendingChanges[name] }

    func setPendingChange(_ name: String, _ change: any PendingChange) { pendingChanges[name] = change }

    // MARK: Transactions

    /// Writes what stores have set.
    func writePendingChanges() throws(Failure) {
        try pendingChanges.write(on: self)
        pendingChanges = PendingChanges()
        if let error { throw .postgres(error) }
    }

    /// Remembers that the connection was given up, and the transaction with it.
    func noteWhetherBroken() {
        if link.isBroken, error == nil { error = .connectionLost }
    }

    private func execute(_ query: SQLQuery, keepsRows: Bool) throws(Failure) -> PostgresLink.Answer {
        // A closure that ignored an error would only be told that its transaction is undone.
        if let error { throw .postgres(error) }
        try Self.require(query.arguments)
        // A query may lock rows, which the transaction then holds until its end, and changes none. One that begins with
        // WITH may change some.
        if !query.text.hasPrefix("SELECT") { changingStatements += 1 }
        do {
            return try link.execute(query, keepsRows: keepsRows)
        } catch {
            self.error = error
            if isReadOnly, error.state == "25006" { throw .bug("A transaction that reads tried to write") }
            throw .postgres(error)
        }
    }

    private static func require(_ arguments: [SQLValue]) throws(Failure) {
        guard arguments.count <= Self.arguments else {
            throw .bug("A statement has \(arguments.count) arguments, and may have \(Self.arguments)")
        }
        for argument in arguments { try argument.requireStorable() }
    }
}
