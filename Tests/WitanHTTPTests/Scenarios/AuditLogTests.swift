import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage
import WitanTesting

@Suite("The audit log's events name who, what and how")
struct AuditLogTests {
    @Test("the actor is who really did it, with whom they acted as beside; a command has neither")
    func actors() async throws {
        try await TestServer.run { server in
            let (owner, member) = (server.owner, server.member)
            let command = try await server.accounts.caller(email: owner.email)
            let other = try await server.accounts.caller(email: member.email).identity.account
            let account = command.identity.account
            let callers = [
                Caller(
                    identity: Identity(
                        account: account,
                        memberships: account.memberships,
                        authentication: .serviceToken,
                        keyID: owner.keyID
                    ),
                    origin: RequestOrigin()
                ),
                Caller(
                    identity: Identity(
                        account: other,
                        memberships: other.memberships,
                        authentication: .apiKey,
                        keyID: owner.keyID,
                        impersonator: account
                    ),
                    origin: RequestOrigin()
                ),
                command,
            ]
            let before = try await server.auditRows().count
            for caller in callers {
                try await server.database.write { connection in
                    try server.audit.append(
                        "org_member.created",
                        objectType: "org_member",
                        objectID: member.id,
                        objectName: "Max",
                        in: member.organizationID,
                        by: caller,
                        details: ["role": "owner"],
                        on: connection
                    )
                }
                try await server.audit.recordRefusal(
                    "org_member.created",
                    objectType: "org_member",
                    objectID: member.id,
                    in: member.organizationID,
                    by: caller,
                    in: server.database
                )
            }
            let rows = Array(try await server.auditRows()[before...])
            let (ownerID, memberID) = (SQLValue.text(owner.id.description), SQLValue.text(member.id.description))
            let (ownerEmail, memberEmail) = (SQLValue.text(owner.email), SQLValue.text(member.email))
            let people: [[SQLValue]] = [
                [ownerID, ownerEmail, .null, .null, "service_token"],
                [ownerID, ownerEmail, memberID, memberEmail, "api_key"],
                [.null, .null, .null, .null, "command_line"],
            ]
            let columns = ["actor_id", "actor_email", "impersonated_id", "impersonated_email", "authentication"]
            #expect(rows.map { row in columns.map { row[$0] } } == people.flatMap { [$0, $0] })
            for (index, row) in rows.enumerated() {
                let isRefusal = index % 2 == 1
                #expect(row["event_type"] == "org_member.created")
                #expect(row["outcome"] == (isRefusal ? "denied" : "success"))
                #expect(row["object_type"] == "org_member")
                #expect(row["object_id"] == memberID)
                #expect(row["object_name"] == (isRefusal ? .null : "Max"))
                #expect(row["org_id"] == .text(member.organizationID.description))
                #expect(row["details"] == (isRefusal ? .null : #"{"role":"owner"}"#))
                #expect(row["occurrences"] == .null)
            }
            let report = try await server.audit.verify(in: server.database)
            #expect(report.problems == [])
        }
    }

    @Test(
        "an operation's event has the resource's name and the deed",
        arguments: [
            (.list, "read"), (.get, "read"), (.create, "created"), (.replace, "updated"), (.patch, "updated"),
            (.delete, "deleted"),
        ] as [(Resource.Operation, String)]
    )
    func types(_ operation: Resource.Operation, _ deed: String) async throws {
        try await TestServer.run { server in
            let caller = try await server.accounts.caller(email: server.owner.email)
            let resource = OrganizationResource.resource
            var record = Record(fields: resource.fields)
            record[name: "id"] = .text(server.owner.organizationID.description)
            record[name: "name"] = .text("Acme")
            try await server.database.write { [record] connection in
                try server.audit.append(
                    operation,
                    resource,
                    record,
                    server.owner.organizationID,
                    caller,
                    details: ["name": ["Acme", "Acme"]],
                    on: connection
                )
            }
            try await server.audit.recordRefusal(
                of: operation,
                resource,
                object: server.owner.organizationID,
                in: server.owner.organizationID,
                for: caller,
                in: server.database
            )
            for row in try await server.auditRows().suffix(2) {
                #expect(row["event_type"] == .text("organization.\(deed)"))
                #expect(row["object_type"] == "organization")
                #expect(row["object_id"] == .text(server.owner.organizationID.description))
                #expect(row["org_id"] == .text(server.owner.organizationID.description))
            }
        }
    }
}
