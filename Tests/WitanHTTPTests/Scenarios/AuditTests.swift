import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanServices
import WitanStorage
import WitanTesting

@Suite("The audit log tells of every change and shows every change to itself")
struct AuditTests {
    @Test("create, patch, delete and their refusals each leave a row: who, what, where, when, and the trace")
    func rows() async throws {
        try await TestServer.run { server in
            let before = try await server.auditRows().count
            let traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
            let headers: KeyValuePairs = ["traceparent": "00-\(traceID)-00f067aa0ba902b7-01", "user-agent": "test/1"]
            server.clock.advance(by: .seconds(7))
            let made = try await server.send(
                .post,
                "/v1/api_key",
                as: server.owner,
                headers: headers,
                body: #"{"name":"k"}"#
            )
            let id = try #require(made["id"]?.string)
            let organization = server.owner.organizationID.description
            let organizationPath = "/v1/organization/\(organization)"
            let changes = #"{"api_url":"https://api.acme.test"}"#
            let patch = TestServer.Body.text(changes)
            _ = try await server.send(.patch, organizationPath, as: server.owner, headers: headers, body: patch)
            _ = try await server.send(.delete, "/v1/api_key/\(id)", as: server.owner, headers: headers)
            _ = try await server.send(.patch, organizationPath, as: server.member, headers: headers, body: patch)
            _ = try await server.send(.delete, "/v1/api_key/\(server.owner.keyID)", as: server.member, headers: headers)
            let foreign: TestServer.Body = #"{"name":"k","org_name":"Globex"}"#
            _ = try await server.send(.post, "/v1/api_key", as: server.member, headers: headers, body: foreign)

            let rows = Array(try await server.auditRows()[before...])
            func text(_ value: String?) -> SQLValue { value.map(SQLValue.text) ?? .null }
            let expected: [(String, String, TestServer.Person, String, String?, String?)] = [
                ("api_key.created", "success", server.owner, "api_key", id, "k"),
                ("organization.updated", "success", server.owner, "organization", organization, "Acme"),
                ("api_key.deleted", "success", server.owner, "api_key", id, "k"),
                ("organization.updated", "denied", server.member, "organization", organization, nil),
                ("api_key.deleted", "denied", server.member, "api_key", server.owner.keyID.description, nil),
                ("api_key.created", "denied", server.member, "api_key", nil, nil),
            ]
            #expect(rows.count == expected.count)
            for (row, (type, outcome, actor, objectType, objectID, name)) in zip(rows, expected) {
                var actual = row
                let details = type == "organization.updated" && outcome == "success" ? changes : nil
                #expect(actual.removeValue(forKey: "id") != nil)
                #expect(
                    actual == [
                        "created": .integer(server.clock.now.microseconds), "event_type": .text(type),
                        "outcome": .text(outcome), "org_id": .text(organization),
                        "actor_id": .text(actor.id.description),
                        "actor_email": .text(actor.email), "authentication": "api_key",
                        "credential_id": .text(actor.keyID.description), "object_type": .text(objectType),
                        "object_id": text(objectID), "object_name": text(name), "client_address": "local",
                        "user_agent": "test/1", "trace_id": .text(traceID), "impersonated_id": .null,
                        "impersonated_email": .null, "occurrences": .null, "details": text(details),
                    ]
                )
            }
            #expect(Set(rows.map { $0["id"] }).count == rows.count)
        }
    }

    @Test("what changes nothing leaves no row: reads, malformed requests, refused credentials")
    func noRows() async throws {
        try await TestServer.run { server in
            let before = try await server.auditRows().count
            _ = try await server.send(.get, "/v1/api_key/\(server.owner.keyID)", as: server.owner)
            _ = try await server.send(.get, "/v1/api_key", as: server.member)
            _ = try await server.send(.post, "/v1/api_key", as: server.member, body: "{}")
            _ = try await server.send(.post, "/v1/api_key", headers: ["authorization": "Bearer sk-x"], body: "{}")
            _ = try await server.send(.delete, "/v1/api_key/x", as: server.owner)
            _ = try await server.send(.patch, "/v1/organization/\(server.owner.organizationID)", as: server.owner)
            #expect(try await server.auditRows().count == before)
        }
    }

    @Test("many writers at once leave one unbroken chain")
    func concurrent() async throws {
        try await TestServer.run { server in
            let people = [server.owner, server.member, server.stranger]
            try await withThrowingTaskGroup { group in
                for number in 1...60 {
                    group.addTask { _ = try await server.makeKey("key", as: people[number % 3]) }
                }
                try await group.waitForAll()
            }
            let report = try await server.audit.verify(in: server.database)
            #expect(report.problems == [])
            #expect(report.rows == (try await server.auditRows().count))
            #expect(report.rows >= 60)
        }
    }

    // MARK: Tampering

    @Test("a change of any column of a row is found and named", arguments: TestServer.auditColumns)
    func changedColumn(_ column: String) async throws {
        let value: SQLValue = ["created", "occurrences"].contains(column) ? 1 : "forged"
        try await expectProblems([
            "UPDATE audit_events SET \(identifier: column) = \(value) WHERE position = 3"
        ]) { _ in ["Row 3 of the audit log, or the one before it, was changed."] }
    }

    @Test("a row removed from the middle, or the beginning, is found and named", arguments: [1, 3, 6])
    func removedRow(_ position: Int) async throws {
        try await expectProblems(["DELETE FROM audit_events WHERE position = \(position)"]) { _ in
            ["Rows \(position) to \(position) of the audit log are missing."]
        }
    }

    @Test("rows cut off at the end are found and named, also when the end is set back")
    func removedEnd() async throws {
        try await expectProblems(["DELETE FROM audit_events WHERE position >= 5"]) { count in
            ["Rows 5 to \(count) at the end of the audit log are missing."]
        }
        try await expectProblems([
            "DELETE FROM audit_events WHERE position >= 5",
            """
            UPDATE audit_chains SET position = 4, mac = (SELECT e.mac FROM audit_events AS e WHERE e.position = 4)
            """,
        ]) { _ in ["The seal at the end of the audit log does not fit its last row."] }
        try await expectProblems(["DELETE FROM audit_chains"]) { _ in
            ["The seal at the end of the audit log is missing."]
        }
    }

    @Test("two rows that changed places are found and named")
    func swappedRows() async throws {
        try await expectProblems([
            "UPDATE audit_events SET position = -3 WHERE position = 3",
            "UPDATE audit_events SET position = 3 WHERE position = 4",
            "UPDATE audit_events SET position = 4 WHERE position = -3",
        ]) { _ in
            (3...5).map { "Row \($0) of the audit log, or the one before it, was changed." }
        }
    }

    @Test("a row put in, in the middle or at the end, is found and named")
    func insertedRow() async throws {
        let names = TestServer.auditColumns.filter { $0 != "id" }
        let others = SQLQuery.joined(names.map { "\(identifier: $0)" }, separator: ", ")
        try await expectProblems([
            "UPDATE audit_events SET position = -position - 1 WHERE position >= 4",
            "UPDATE audit_events SET position = -position WHERE position < 0",
            """
            INSERT INTO audit_events (chain, position, mac, id, \(others))
            SELECT chain, 4, mac, 'forged', \(others) FROM audit_events WHERE position = 3
            """,
        ]) { count in
            // The rows behind it have moved as well, and the end is no longer where the seal says.
            (4...count + 1).map { "Row \($0) of the audit log, or the one before it, was changed." }
                + ["The seal at the end of the audit log does not fit its last row."]
        }
        try await expectProblems([
            """
            INSERT INTO audit_events (chain, position, mac, id, \(others))
            SELECT chain, (SELECT MAX(position) + 1 FROM audit_events), mac, 'forged', \(others)
            FROM audit_events WHERE position = 3
            """
        ]) { count in
            [
                "Row \(count + 1) of the audit log, or the one before it, was changed.",
                "The seal at the end of the audit log does not fit its last row.",
            ]
        }
    }

    /// Runs statements on a log of some rows that is in order, and checks what a look at it says then.
    private func expectProblems(
        after statements: [SQLQuery],
        _ expected: @escaping @Sendable (_ rows: Int) -> [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await TestServer.run { server in
            for number in 1...3 { _ = try await server.makeKey("key \(number)", as: server.owner) }
            let before = try await server.audit.verify(in: server.database)
            #expect(before.problems == [], sourceLocation: sourceLocation)
            #expect(before.rows >= 9, sourceLocation: sourceLocation)
            try await server.database.byHand.write { connection in
                for statement in statements { try connection.run(statement) }
            }
            let after = try await server.audit.verify(in: server.database)
            #expect(after.problems == expected(before.rows), sourceLocation: sourceLocation)
        }
    }

    private func expectProblems(
        _ statements: [SQLQuery],
        sourceLocation: SourceLocation = #_sourceLocation,
        _ expected: @escaping @Sendable (_ rows: Int) -> [String]
    ) async throws {
        try await expectProblems(after: statements, expected, sourceLocation: sourceLocation)
    }
}
