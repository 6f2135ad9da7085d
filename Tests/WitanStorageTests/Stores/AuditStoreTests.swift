import Testing
import WitanCore
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
            try await append(rows, to: database)
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
            try await append(9, to: database)
            try await database.write { connection in
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

    @Test("each chain is in order by itself, and a row moved to another is found", arguments: Engine.available)
    func chains(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            let other = AuditStore(chain: "other", authenticate: Self.code)
            try await append(3, to: database)
            try await database.write { connection in
                for number in 1...2 { try other.append(event(number), on: connection) }
            }
            #expect(try await verify(database, limit: 10).rows == 3)
            #expect(try await verify(database, other, limit: 10).rows == 2)
            try await database.write { connection in
                try connection.run("DELETE FROM audit_events WHERE chain = 'other' AND position = 2")
                try connection.run("UPDATE audit_events SET chain = 'other' WHERE chain = 'main' AND position = 2")
            }
            #expect(
                try await verify(database, other, limit: 10).problems.first
                    == "Row 2 of the audit log, or the one before it, was changed."
            )
            #expect(
                try await verify(database, limit: 10).problems == ["Rows 2 to 2 of the audit log are missing."]
            )
        }
    }

    @Test("with another key no row is in order", arguments: Engine.available)
    func wrongKey(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            try await append(3, to: database)
            let other = AuditStore { Self.code($0 + [1]) }
            #expect(try await verify(database, other, limit: 10).problems.count == 4)
        }
    }

    @Test("an append whose transaction is undone leaves the chain in order", arguments: Engine.available)
    func undone(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            try await append(2, to: database)
            await #expect(throws: Failure.self) {
                try await database.write { connection in
                    try store.append(event(3), on: connection)
                    throw Failure.bug("undone")
                }
            }
            try await append(1, to: database)
            let report = try await verify(database, limit: 10)
            #expect(report.rows == 3)
            #expect(report.problems == [])
        }
    }

    private func append(_ count: Int, to database: any SQLDatabase) async throws {
        guard count > 0 else { return }
        try await database.write { connection in
            for number in 1...count { try store.append(event(number), on: connection) }
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
            var start: (position: Int64, mac: [UInt8])? = (0, [])
            while let current = start {
                start = try store.verify(after: current, limit: limit, into: &report, on: connection)
            }
            return report
        }
    }

    private func event(_ number: Int) -> AuditEvent {
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
            traceID: nil
        )
    }
}
