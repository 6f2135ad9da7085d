package import WitanStorage

extension SQLDialect {
    /// SQLite, from 3.37 on, which brought STRICT tables.
    package static let sqlite = SQLDialect(
        name: "SQLite",
        integerType: "INTEGER",
        blobType: "BLOB",
        tableSuffix: " STRICT",
        tablesNamed: { name in "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = \(name)" },
        placeholders: { text in text }
    )
}
