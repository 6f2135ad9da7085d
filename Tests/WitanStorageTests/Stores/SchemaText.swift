import WitanCore
import WitanSQLite
import WitanStorage

/// The schema of a database as its engine's catalog has it.
enum SchemaText {
    /// The statements that make it, in the engine's own words, each followed by an empty line.
    static func statements(on connection: any SQLConnection) throws -> String {
        let statements =
            if connection.dialect.name == SQLDialect.sqlite.name {
                try connection.rows(
                    "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name"
                )
                .map { try $0.text(0) }
            } else {
                try postgresTables(connection)
            }
        return statements.map { "\($0);\n" }.joined(separator: "\n")
    }

    /// What there is, a line each and in order, in the same words for every engine.
    static func lines(on connection: any SQLConnection) throws -> [String] {
        let queries = connection.dialect.name == SQLDialect.sqlite.name ? sqliteLines : postgresLines
        return try queries.flatMap { query in try connection.rows(query).map { try $0.text(0) }.sorted() }
    }
}

// MARK: - PostgreSQL

extension SchemaText {
    private static func postgresTables(_ connection: any SQLConnection) throws -> [String] {
        var parts: [String: [String]] = [:]
        for query in [postgresColumns, postgresConstraints] {
            for row in try connection.rows(query) { parts[try row.text(0), default: []].append(try row.text(1)) }
        }
        var indexes: [String: [String]] = [:]
        for row in try connection.rows(postgresIndexes) {
            indexes[try row.text(0), default: []].append(try row.text(1))
        }
        return parts.sorted { $0.key < $1.key }
            .flatMap { table, parts in
                let body = parts.map { "    \($0)" }.joined(separator: ",\n")
                return ["CREATE TABLE \(table) (\n\(body)\n)"] + indexes[table, default: []]
            }
    }

    private static let postgresColumns: SQLQuery = """
        SELECT c.relname, concat_ws(
            ' ', a.attname, format_type(a.atttypid, a.atttypmod),
            CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || quote_ident(l.collname) END,
            CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)
        )
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type AS t ON t.oid = a.atttypid
        LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
        LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
        ORDER BY c.relname, a.attnum
        """

    // Newer versions list NOT NULL among the constraints too.
    private static let postgresConstraints: SQLQuery = """
        SELECT c.relname, 'CONSTRAINT ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
        FROM pg_class AS c JOIN pg_constraint AS k ON k.conrelid = c.oid
        WHERE c.relnamespace = current_schema()::regnamespace AND k.contype <> 'n'
        ORDER BY c.relname, strpos('pucf', k.contype::text), k.conname
        """

    private static let postgresIndexes: SQLQuery = """
        SELECT c.relname, replace(pg_get_indexdef(i.indexrelid), ' ON ' || current_schema() || '.', ' ON ')
        FROM pg_class AS c
        JOIN pg_index AS i ON i.indrelid = c.oid
        JOIN pg_class AS n ON n.oid = i.indexrelid
        WHERE c.relnamespace = current_schema()::regnamespace
            AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))
        ORDER BY c.relname, n.relname
        """

    private static let postgresLines: [SQLQuery] = [
        """
        SELECT concat_ws(
            ' ', 'column', c.relname,
            lpad((SELECT COUNT(*) FROM pg_attribute AS b
                WHERE b.attrelid = c.oid AND b.attnum BETWEEN 1 AND a.attnum AND NOT b.attisdropped)::text, 2, '0'),
            a.attname, format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
            'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)
        )
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
        """,
        """
        SELECT c.relname || ' ' || replace(replace(replace(pg_get_constraintdef(k.oid), '(', ' ('), '  (', ' ('), '"', '')
        FROM pg_class AS c JOIN pg_constraint AS k ON k.conrelid = c.oid
        WHERE c.relnamespace = current_schema()::regnamespace AND k.contype IN ('p', 'u', 'f')
        """,
        """
        SELECT c.relname || CASE WHEN i.indisunique THEN ' UNIQUE' ELSE '' END || ' INDEX ' || n.relname
        FROM pg_class AS c
        JOIN pg_index AS i ON i.indrelid = c.oid
        JOIN pg_class AS n ON n.oid = i.indexrelid
        WHERE c.relnamespace = current_schema()::regnamespace
            AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))
        """,
    ]
}

// MARK: - SQLite

extension SchemaText {
    private static let sqliteLines: [SQLQuery] = [
        """
        SELECT 'column ' || t.name || ' ' || printf('%02d', c.cid + 1) || ' ' || c.name || ' '
            || CASE c.type WHEN 'INTEGER' THEN 'bigint' WHEN 'BLOB' THEN 'bytea' ELSE lower(c.type) END
            || CASE WHEN c."notnull" OR c.pk AND c.type = 'INTEGER' THEN ' NOT NULL' ELSE '' END
            || COALESCE(' DEFAULT ' || c.dflt_value, '')
        FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table'
        """,
        """
        SELECT t.name || CASE i.origin WHEN 'pk' THEN ' PRIMARY KEY (' ELSE ' UNIQUE (' END
            || (SELECT group_concat(p.name, ', ') FROM pragma_index_info(i.name) AS p) || ')'
        FROM sqlite_schema AS t JOIN pragma_index_list(t.name) AS i WHERE t.type = 'table' AND i.origin <> 'c'
        UNION ALL
        SELECT t.name || ' PRIMARY KEY (' || c.name || ')'
        FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
        WHERE t.type = 'table' AND c.pk AND c.type = 'INTEGER'
            AND NOT EXISTS (SELECT 1 FROM pragma_index_list(t.name) AS i WHERE i.origin = 'pk')
        UNION ALL
        SELECT t.name || ' FOREIGN KEY (' || f."from" || ') REFERENCES ' || f."table" || ' (' || f."to" || ')'
        FROM sqlite_schema AS t JOIN pragma_foreign_key_list(t.name) AS f WHERE t.type = 'table'
        """,
        """
        SELECT t.name || CASE WHEN i."unique" THEN ' UNIQUE' ELSE '' END || ' INDEX ' || i.name
        FROM sqlite_schema AS t JOIN pragma_index_list(t.name) AS i WHERE t.type = 'table' AND i.origin = 'c'
        """,
    ]
}
