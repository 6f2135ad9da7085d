package import WitanStorage

extension SQLDialect {
    /// SQLite, from 3.37 on, which brought STRICT tables.
    package static let sqlite = SQLDialect(
        name: "SQLite",
        integerType: "INTEGER",
        textType: "TEXT",
        blobType: "BLOB",
        // Version 4 of RFC 9562, section 5.4.
        randomID: """
            lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' \
            || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))
            """,
        tableSuffix: " STRICT",
        takingFreeRow: "",
        keepingRows: { _ in "" },
        currentTime: "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)",
        notification: { _ in nil },
        tablesNamed: { name in "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = \(name)" },
        placeholders: { text in text }
    )
}
