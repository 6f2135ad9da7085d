import Testing
import WitanCore
import WitanEngines
import WitanJSON
import WitanStorage
import WitanTesting

@Suite("The chain of audit rows")
struct AuditStoreTests {
    /// A code that is no secret but differs for different bytes, which is all that the chain asks of it.
    private static func code(_ bytes: [UInt8]) -> [UInt8] {
        let hash = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return withUnsafeBytes(of: hash.bigEndian, Array.init)
    }

    private let store = AuditStore(authenticate: Self.code)

    @Test("a log is in order however it is cut into parts", arguments: Engine.available, [0, 1, 2, 7])
    func parts(_ engine: Engine, _ rows: Int) async throws {
        try await engine.withSchema { database in
            try await append(0..<rows, to: database)
            for limit in [1, 2, 3, 7, 8, 100] {
                let report = try await verify(database, limit: limit)
                #expect(report.problems == [], "parts of \(limit)")
                #expect(report.rows == rows)
            }
        }
    }

    @Test("what is wrong is named the same however the log is cut into parts", arguments: Engine.available)
    func problems(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            try await append(1...9, to: database)
            try await database.byHand.write { connection in
                try connection.run("UPDATE audit_events SET user_agent = 'forged' WHERE position = 2")
                try connection.run("DELETE FROM audit_events WHERE position IN (4, 5, 9)")
            }
            for limit in [1, 2, 3, 100] {
                #expect(
                    try await verify(database, limit: limit).problems == [
                        "Row 2 of the audit log, or the one before it, was changed.",
                        "Rows 4 to 5 of the audit log are missing.",
                        "Rows 9 to 9 at the end of the audit log are missing.",
                    ],
                    "parts of \(limit)"
                )
            }
        }
    }

    @Test("a row moved to another chain is found, and a chain that is gone is missed", arguments: Engine.available)
    func movedRow(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            try await append(1...3, to: database)
            try await database.byHand.write { connection in
                try connection.run("UPDATE audit_events SET chain = 'main-3' WHERE position = 2")
            }
            #expect(
                try await verify(database, limit: 10).problems == [
                    "A chain of the audit log is missing: main-2.",
                    "Rows 2 to 2 of the audit log are missing.",
                    "Rows 1 to 1 of the audit log's chain main-3 are missing.",
                    "The seal at the end of the audit log's chain main-3 is missing.",
                ]
            )
        }
    }

    @Test(
        "transactions that append at once have a chain each, and later ones go on with those",
        arguments: Engine.available
    )
    func chains(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            for round in 1...3 {
                try await withThrowingTaskGroup { group in
                    for number in 1...40 {
                        group.addTask {
                            try await database.write(.concurrent) { connection in
                                try store.append(event(round * 100 + number), on: connection)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            let report = try await verify(database, limit: 7)
            #expect(report.rows == 120)
            #expect(report.problems == [])
            let chains = try await database.read { try $0.rows("SELECT chain FROM audit_chains") }.count
            #expect(engine.name == Engine.sqlite.name ? chains == 1 : (1...16).contains(chains))
        }
    }

    @Test("with another key no row is in order", arguments: Engine.available)
    func wrongKey(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            try await append(1...3, to: database)
            let other = AuditStore { Self.code($0 + [1]) }
            #expect(try await verify(database, other, limit: 10).problems.count == 4)
        }
    }

    @Test("an append whose transaction is undone leaves the chain in order", arguments: Engine.available)
    func undone(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            try await append(1...2, to: database)
            await #expect(throws: Failure.self) {
                try await database.write { connection in
                    try store.append(event(3), on: connection)
                    throw Failure.bug("undone")
                }
            }
            try await append([4], to: database)
            let report = try await verify(database, limit: 10)
            #expect(report.rows == 3)
            #expect(report.problems == [])
        }
    }

    // MARK: Later columns

    private static let laterColumns = ["impersonated_id", "impersonated_email", "occurrences", "details"]

    @Test("rows from before the later columns stay in order, and so does what follows", arguments: Engine.available)
    func oldRows(_ engine: Engine) async throws {
        try await withOldLog(engine) { database in
            try await append(3...4, to: database)
            let report = try await verify(database, limit: 10)
            #expect(report.rows == 4)
            #expect(report.problems == [])
        }
    }

    @Test(
        "a change of a later column is found, in a row from before it and in a row that has it",
        arguments: Engine.available,
        laterColumns
    )
    func laterColumn(_ engine: Engine, _ column: String) async throws {
        try await withOldLog(engine) { database in
            try await append([detailedEvent], to: database)
            #expect(try await verify(database, limit: 10).problems == [])
            let original = try await value(of: column, at: 3, in: database)
            let forged: SQLValue = column == "occurrences" ? 9 : "9"
            for (position, value, other) in [(1, .null, forged), (3, original, forged), (3, original, .null)] {
                try await set(column, to: other, at: position, in: database)
                #expect(
                    try await verify(database, limit: 10).problems == [
                        "Row \(position) of the audit log, or the one before it, was changed."
                    ]
                )
                try await set(column, to: value, at: position, in: database)
            }
            #expect(try await verify(database, limit: 10).problems == [])
        }
    }

    @Test("a value that moves to another of the later columns is found", arguments: Engine.available)
    func movedValue(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            try await append([event(1, impersonatedEmail: "member@witan.test")], to: database)
            #expect(try await verify(database, limit: 10).problems == [])
            try await database.byHand.write { connection in
                try connection.run(
                    "UPDATE audit_events SET details = impersonated_email, impersonated_email = NULL"
                )
            }
            #expect(try await verify(database, limit: 10).problems.count == 1)
        }
    }

    @Test("the later columns hold what the event does, and nothing where it has nothing", arguments: Engine.available)
    func laterValues(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            try await append([event(1), detailedEvent], to: database)
            let expected: [SQLValue] = [
                .text(ObjectID.member.description), "member@witan.test", 15,
                #"{"role":["member","owner"],"note":"\u0000"}"#,
            ]
            for (column, value) in zip(Self.laterColumns, expected) {
                #expect(try await self.value(of: column, at: 1, in: database) == .null)
                #expect(try await self.value(of: column, at: 2, in: database) == value)
            }
        }
    }

    @Test("a row that may be there already is appended once", arguments: Engine.available)
    func appendedOnce(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            for _ in 1...2 {
                try await database.write { connection in
                    for _ in 1...2 { try store.appendIfMissing(detailedEvent, on: connection) }
                }
            }
            let report = try await verify(database, limit: 10)
            #expect(report.rows == 1)
            #expect(report.problems == [])
        }
    }

    /// Runs `body` on a log whose two rows the first version of the table and of the store wrote.
    private func withOldLog(_ engine: Engine, _ body: (any SQLDatabase) async throws -> Void) async throws {
        try await engine.withDatabase { database in
            try await Migrator(migrations: Array(Migration.all.prefix(3))).migrate(database, at: .start)
            try await database.write { connection in
                // The codes are what that store computed with the tests' code; its row has no other columns.
                try connection.run(
                    """
                    INSERT INTO audit_events (
                        chain, position, id, created, event_type, outcome, org_id, actor_id, actor_email,
                        authentication, credential_id, object_type, object_id, object_name, client_address,
                        user_agent, trace_id, mac
                    ) VALUES (
                        'main', 1, \(ObjectID(high: 4, low: 1)), \(Timestamp.start), 'api_key.created', 'success',
                        \(ObjectID.acme), \(ObjectID.owner), 'owner@witan.test', 'api_key', NULL, 'api_key',
                        \(ObjectID(high: 3, low: 1)), 'key 1', NULL, NULL, NULL,
                        \([0x74, 0x6B, 0x32, 0x5C, 0xA5, 0xC6, 0x2A, 0xDB])
                    ), (
                        'main', 2, \(ObjectID(high: 4, low: 2)), \(Timestamp.start), 'organization.updated', 'denied',
                        \(ObjectID.acme), \(ObjectID.owner), 'owner@witan.test', 'api_key',
                        \(ObjectID(high: 3, low: 1)), 'organization', \(ObjectID.acme), NULL, '192.0.2.1', 'test/1',
                        '4bf92f3577b34da6a3ce929d0e0e4736', \([0xCE, 0xC9, 0xF4, 0xFB, 0xC9, 0x20, 0xCF, 0x09])
                    )
                    """
                )
                try connection.run(
                    """
                    INSERT INTO audit_chains (chain, position, mac, seal) VALUES (
                        'main', 2, \([0xCE, 0xC9, 0xF4, 0xFB, 0xC9, 0x20, 0xCF, 0x09]),
                        \([0x1C, 0xC4, 0xB2, 0x10, 0x07, 0x83, 0x52, 0xA4])
                    )
                    """
                )
            }
            try await Migrator().migrate(database, at: .start)
            try await body(database)
        }
    }

    private func value(of column: String, at position: Int, in database: any SQLDatabase) async throws -> SQLValue {
        let row = try await database.byHand.read { connection in
            try connection.row("SELECT \(identifier: column) FROM audit_events WHERE position = \(position)")
        }
        return try #require(row)[0]
    }

    private func set(
        _ column: String,
        to value: SQLValue,
        at position: Int,
        in database: any SQLDatabase
    ) async throws {
        try await database.byHand.write { connection in
            try connection.run(
                "UPDATE audit_events SET \(identifier: column) = \(value) WHERE position = \(position)"
            )
        }
    }

    // MARK: Rows

    private func append(_ numbers: some Sequence<Int>, to database: any SQLDatabase) async throws {
        try await append(numbers.map { event($0) }, to: database)
    }

    private func append(_ events: [AuditEvent], to database: any SQLDatabase) async throws {
        try await database.write { connection in
            for event in events { try store.append(event, on: connection) }
        }
    }

    private func verify(
        _ database: any SQLDatabase,
        _ other: AuditStore? = nil,
        limit: Int
    ) async throws -> AuditStore.Report {
        let store = other ?? store
        return try await database.read { connection in
            var report = AuditStore.Report()
            for chain in try store.chains(into: &report, on: connection) {
                var start: (position: Int64, mac: [UInt8])? = (0, [])
                while let current = start {
                    start = try store.verify(chain, after: current, limit: limit, into: &report, on: connection)
                }
            }
            return report
        }
    }

    /// An event that has all of the later columns.
    private let detailedEvent = AuditEvent(
        id: ObjectID(high: 4, low: 9),
        created: .start,
        type: "org_member.updated",
        outcome: .denied,
        organizationID: .acme,
        actorID: .owner,
        actorEmail: "owner@witan.test",
        authentication: "session",
        credentialID: nil,
        objectType: "org_member",
        objectID: .member,
        objectName: nil,
        clientAddress: "192.0.2.1",
        userAgent: nil,
        traceID: nil,
        impersonatedID: .member,
        impersonatedEmail: "member@witan.test",
        occurrences: 15,
        details: ["role": ["member", "owner"], "note": "\u{0}"]
    )

    private func event(_ number: Int, impersonatedEmail: String? = nil) -> AuditEvent {
        AuditEvent(
            id: ObjectID(high: 4, low: UInt64(number)),
            created: .start,
            type: "api_key.created",
            outcome: .success,
            organizationID: .acme,
            actorID: .owner,
            actorEmail: "owner@witan.test",
            authentication: "api_key",
            credentialID: nil,
            objectType: "api_key",
            objectID: ObjectID(high: 3, low: UInt64(number)),
            objectName: "key \(number)",
            clientAddress: "192.0.2.1",
            userAgent: nil,
            traceID: nil,
            impersonatedEmail: impersonatedEmail
        )
    }
}
