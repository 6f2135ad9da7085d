import WitanCore
import WitanJSON

/// How far a copy has come, kept in its target until the copy is complete.
///
/// The table `copy_progress` is there exactly as long as the database is half a copy, which nobody may use.
package struct CopyProgress: Sendable, Hashable {
    /// How far a table has come.
    struct Place: Sendable, Hashable {
        /// How many rows the target has.
        var rows = 0

        /// The last of them; nil when there are none.
        var lastKey: [SQLValue]?
    }

    /// What the copy's source looked like when it began.
    let source: [UInt8]

    /// The place of each table, by name.
    private(set) var places: [String: Place]

    /// Refuses a database that holds an unfinished copy.
    ///
    /// To be called before anything else is done with a database, its migration included.
    ///
    /// - Throws: `.conflict` with how to go on.
    package static func requireNone(on database: any SQLDatabase) async throws {
        try await database.read { connection in
            guard try exists(on: connection) else { return }
            throw Failure(
                .conflict,
                """
                The database holds an unfinished copy: run the same `witan copy` again, which goes on where it \
                stopped, or empty the database.
                """
            )
        }
    }

    /// Whether the database holds an unfinished copy.
    static func exists(on connection: any SQLConnection) throws(Failure) -> Bool {
        try connection.row(connection.dialect.tablesNamed(table)) != nil
    }

    /// Begins a copy into a database.
    static func begin(
        of tables: [CopiedTable],
        from source: [UInt8],
        on connection: any SQLConnection
    ) throws(Failure) -> CopyProgress {
        let dialect = connection.dialect
        try connection.run(
            """
            CREATE TABLE \(identifier: table) (
                name \(raw: dialect.textType) NOT NULL PRIMARY KEY,
                source \(raw: dialect.blobType) NOT NULL,
                copied \(raw: dialect.integerType) NOT NULL,
                last_key \(raw: dialect.textType)
            )\(raw: dialect.tableSuffix)
            """
        )
        for copied in tables {
            try connection.run(
                "INSERT INTO \(identifier: table) (name, source, copied) VALUES (\(copied.name), \(source), 0)"
            )
        }
        return CopyProgress(source: source, places: tables.reduce(into: [:]) { $0[$1.name] = Place() })
    }

    /// Reads how far a copy has come.
    static func load(on connection: any SQLConnection) throws(Failure) -> CopyProgress {
        var source: [UInt8] = []
        var places: [String: Place] = [:]
        for row in try connection.rows("SELECT name, source, copied, last_key FROM \(identifier: table)") {
            source = try row.blob(1)
            places[try row.text(0)] = Place(
                rows: Int(try row.integer(2)),
                lastKey: try row.optionalText(3).map { text throws(Failure) in try key(in: text) }
            )
        }
        return CopyProgress(source: source, places: places)
    }

    /// Records, in the transaction that adds the rows, that a table has come further.
    ///
    /// - Throws: `.conflict` when it is not where this copy left it.
    mutating func advance(
        _ copied: CopiedTable,
        to place: Place,
        on connection: any SQLConnection
    ) throws(Failure) {
        let changed = try connection.run(
            """
            UPDATE \(identifier: Self.table) SET copied = \(place.rows), last_key = \(place.lastKey.map(Self.text))
            WHERE name = \(copied.name) AND copied = \(self[copied].rows) AND source = \(source)
            """
        )
        guard changed == 1 else {
            throw Failure(.conflict, "Another `witan copy` writes to the same target: let one of them end.")
        }
        places[copied.name] = place
    }

    /// Ends a copy: what it wrote is a database like any other.
    static func end(on connection: any SQLConnection) throws(Failure) {
        try connection.run("DROP TABLE \(identifier: table)")
    }

    /// How many rows the target has.
    var rows: Int { places.values.reduce(0) { $0 + $1.rows } }

    /// The place of a table.
    subscript(copied: CopiedTable) -> Place { places[copied.name] ?? Place() }

    // MARK: Keys

    private static let table = "copy_progress"

    private static func text(_ key: [SQLValue]) -> String {
        let values = key.map { value -> JSONValue in
            switch value {
            case .integer(let integer): .number(JSONNumber(integer))
            case .text(let text): .string(text)
            case .null, .real, .blob: .null
            }
        }
        return JSONWriter.string(of: .array(values))
    }

    private static func key(in text: String) throws(Failure) -> [SQLValue] {
        let values: [JSONValue]?
        do {
            values = try JSONParser.parse(Array(text.utf8)).array
        } catch {
            values = nil
        }
        var key: [SQLValue] = []
        for value in values ?? [.null] {
            if let text = value.string {
                key.append(.text(text))
            } else if case .number(let number) = value, let integer = number.int {
                key.append(.integer(Int64(integer)))
            } else {
                throw .bug("The progress of the copy was changed by something else")
            }
        }
        return key
    }
}
