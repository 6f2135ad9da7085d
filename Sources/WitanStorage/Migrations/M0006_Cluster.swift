extension Migration {
    /// What several servers on one database tell each other: a clock, the changes that it counts, and who is there.
    static let cluster = Migration(6, "cluster") { dialect in
        [
            """
            CREATE TABLE cluster_clock (
                id \(raw: dialect.integerType) NOT NULL PRIMARY KEY CHECK (id = 1),
                seq \(raw: dialect.integerType) NOT NULL
            )\(raw: dialect.tableSuffix)
            """,
            "INSERT INTO cluster_clock (id, seq) VALUES (1, 0)",
            """
            CREATE TABLE cluster_events (
                seq \(raw: dialect.integerType) NOT NULL,
                position \(raw: dialect.integerType) NOT NULL,
                kind \(raw: dialect.textType) NOT NULL,
                subject \(raw: dialect.textType) NOT NULL,
                PRIMARY KEY (seq, position)
            )\(raw: dialect.tableSuffix)
            """,
            """
            CREATE TABLE cluster_nodes (
                id \(raw: dialect.textType) NOT NULL PRIMARY KEY,
                name \(raw: dialect.textType) NOT NULL,
                registered \(raw: dialect.integerType) NOT NULL,
                applied \(raw: dialect.integerType) NOT NULL,
                renewals \(raw: dialect.integerType) NOT NULL,
                eviction \(raw: dialect.textType)
            )\(raw: dialect.tableSuffix)
            """,
            // See `Migration.oldestServing`; of the steps before this one, a version must know the step itself.
            "ALTER TABLE schema_migrations ADD COLUMN oldest_serving \(raw: dialect.integerType)",
        ]
    }
}
