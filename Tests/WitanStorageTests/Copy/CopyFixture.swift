import WitanCore
import WitanJSON
import WitanResources
import WitanStorage
import WitanTesting

/// An installation with rows in every table, made from a seed.
struct CopyFixture {
    var organizations = 3
    var users = 20
    var keys = 40
    var projects = 25
    var events = 60
    var seed: UInt64 = 1

    /// A code that is no secret but differs for different bytes.
    static func code(_ bytes: [UInt8]) -> [UInt8] {
        let hash = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return withUnsafeBytes(of: hash.bigEndian, Array.init)
    }

    /// Texts that some program or other gets wrong: by case, by normal form, by quotes, by bytes of several lengths.
    private static let texts = [
        "plain", "PLAIN", "", " ", "é", "e\u{301}", "ß", "ſ", "İ", "'; DROP TABLE users; --", "\"quoted\"", "\\x41",
        "\\",
        "?", "$1", "%s", "a\nb\r\nc\td", "日本語", "👩🏽‍💻", "\u{1}\u{7F}\u{FFFD}\u{FEFF}", "\u{10FFFF}", "ﬁ", "null", "NULL",
    ]

    /// Makes the schema and the rows.
    func fill(_ database: any SQLDatabase) async throws {
        try await Migrator().migrate(database, at: .start)
        try await database.write { connection in try make(on: connection) }
        let store = AuditStore(authenticate: Self.code)
        for part in stride(from: 0, to: events, by: 500) {
            try await database.write { connection in
                for number in part..<min(part + 500, events) { try store.append(event(number), on: connection) }
            }
        }
    }

    private func text(_ number: Int) -> String { Self.texts[number % Self.texts.count] }

    private func id(_ kind: UInt64, _ number: Int) -> ObjectID {
        // Not in the order of the numbers, as the ids of several servers are not.
        ObjectID(high: kind << 32 | seed, low: UInt64(number) &* 0x9E37_79B9_7F4A_7C15)
    }

    private func digest(_ kind: UInt64, _ number: Int) -> [UInt8] {
        var random = RandomSource.seeded(seed &+ kind << 40 &+ UInt64(number))
        return random.bytes(32)
    }

    private func make(on connection: any SQLConnection) throws {
        let accounts = AccountStore()
        let ids = ObjectIDGenerator(time: .system, random: .seeded(seed))
        for number in 0..<organizations {
            let name = "\(text(number + 4)) \(number)"
            try accounts.insertOrganization(id(1, number), name: name, ids: ids, at: .start, on: connection)
        }
        for number in 0..<users {
            try accounts.insertUser(
                id(2, number),
                email: "user-\(number)@witan.test",
                givenName: text(number),
                familyName: number.isMultiple(of: 3) ? nil : text(number + 5),
                serviceOrganizationID: number.isMultiple(of: 7) ? id(1, number % organizations) : nil,
                at: .start,
                on: connection
            )
            let organization = id(1, number % organizations)
            try accounts.insertMember(userID: id(2, number), organizationID: organization, at: .start, on: connection)
            let group = number < organizations ? BuiltInGroup.owners : .viewers
            if let group = try accounts.groupID(named: group.name, in: organization, on: connection) {
                _ = try accounts.insertGroupUser(id(2, number), into: group, on: connection)
            }
        }
        try connection.run("UPDATE cluster_clock SET seq = \(SQLValue.integer(.max - 5))")
        try makeAccess(on: connection)
        try makeCredentials(on: connection)
        try makeSignIn(on: connection)
    }

    private func makeAccess(on connection: any SQLConnection) throws {
        for number in 0..<organizations {
            let (organization, group, role) = (id(1, number), id(3, number), id(4, number))
            try connection.run(
                """
                INSERT INTO groups (id, org_id, user_id, created, name, deleted_at)
                VALUES (\(group), \(organization), \(id(2, number)), \(number), \(text(number)), \(-number))
                """
            )
            try connection.run(
                """
                INSERT INTO group_groups (group_id, member_group_id)
                SELECT \(group), id FROM groups WHERE org_id = \(organization) AND built_in = 'viewers'
                """
            )
            try connection.run(
                """
                INSERT INTO roles (id, org_id, user_id, created, name)
                VALUES (\(role), \(organization), \(id(2, number)), 5, \(text(number)))
                """
            )
            for type in [nil, "project", "group"] {
                try connection.run(
                    """
                    INSERT INTO role_permissions (role_id, permission, restrict_object_type)
                    VALUES (\(role), 'read', \(type))
                    """
                )
            }
            try connection.run(
                """
                INSERT INTO role_roles (role_id, member_role_id)
                SELECT \(role), id FROM roles WHERE org_id IS NULL
                """
            )
            try connection.run(
                """
                INSERT INTO acls (id, object_type, object_id, group_id, role_id, _object_org_id, created)
                VALUES (\(id(5, number)), 'organization', \(organization), \(group), \(role), \(organization), 7)
                """
            )
        }
        for number in 0..<projects {
            try connection.run(
                """
                INSERT INTO projects (id, org_id, name, description, created, deleted_at, user_id, settings)
                VALUES (
                    \(id(6, number)), \(id(1, number % organizations)), \("\(text(number)) \(number)"),
                    \(number.isMultiple(of: 2) ? String?.none : text(number)), \(number * 1_000_000), NULL,
                    \(id(2, number % users)), \(String(repeating: text(number + 11), count: number * 40))
                )
                """
            )
        }
    }

    private func makeCredentials(on connection: any SQLConnection) throws {
        for version in 1...2 {
            let check = digest(9, version)
            try CredentialStore().insertPepperCheck(version: version, check: check, at: .start, on: connection)
        }
        for number in 0..<keys {
            let (user, organization) = (number % users, number % users % organizations)
            for (kind, table, owner) in [(7, "api_keys", "user_id"), (8, "service_tokens", "service_account_id")] {
                let kind = UInt64(kind)
                try connection.run(
                    """
                    INSERT INTO \(identifier: table)
                    (id, created, name, preview_name, \(identifier: owner), org_id, digest, pepper_version)
                    VALUES (
                        \(id(kind, number)), \(number), \(text(number)), 'sk-****', \(id(2, user)),
                        \(id(1, organization)), \(digest(kind, number)), \(number % 2 + 1)
                    )
                    """
                )
            }
        }
    }

    private func makeSignIn(on connection: any SQLConnection) throws {
        let store = SignInStore()
        for number in 0..<users {
            let userID = id(2, number)
            if number.isMultiple(of: 2) {
                try store.setPasswordHash(text(number + 1), of: userID, at: .start, on: connection)
            }
            let session = SessionStore.Session(
                id: id(12, number),
                userID: userID,
                method: SessionStore.Method.allCases[number % 3],
                clientAddress: number.isMultiple(of: 3) ? nil : "192.0.2.1",
                userAgent: number.isMultiple(of: 4) ? nil : text(number),
                created: .start,
                expiresAt: .start.advanced(by: .seconds(60))
            )
            try SessionStore()
                .insert(session, digest: digest(12, number), pepperVersion: number % 2 + 1, on: connection)
            _ = try store.useLink("link \(number)", expiresAt: .start, on: connection)
        }
        try connection.run("UPDATE api_keys SET expires_at = created + 5 WHERE created > 1")
        try connection.run("UPDATE service_tokens SET last_used_at = created + 7 WHERE created > 1")
    }

    private func event(_ number: Int) -> AuditEvent {
        AuditEvent(
            id: id(10, number),
            created: Timestamp(microseconds: Timestamp.start.microseconds + Int64(number) * 1_000),
            type: "api_key.created",
            outcome: number.isMultiple(of: 5) ? .denied : .success,
            organizationID: id(1, number % organizations),
            actorID: id(2, number % users),
            actorEmail: "user-\(number % users)@witan.test",
            authentication: "api_key",
            credentialID: id(7, number % keys),
            objectType: "api_key",
            objectID: number.isMultiple(of: 4) ? nil : id(7, number % keys),
            objectName: text(number),
            clientAddress: "192.0.2.1",
            userAgent: text(number + 3),
            traceID: nil,
            occurrences: number % 3 + 1,
            details: number.isMultiple(of: 6) ? ["name": .string(text(number))] : nil
        )
    }
}

extension SQLDatabase {
    /// All rows of all copied tables, byte for byte, without anything that the copy is made of.
    func dump() async throws -> [String: [String]] {
        var dump: [String: [String]] = [:]
        for table in CopiedTable.all {
            let columns = table.columns.map { "\"\($0)\"" }.joined(separator: ", ")
            let rows = try await read { try $0.rows("SELECT \(raw: columns) FROM \(identifier: table.name)") }
            dump[table.name] = rows.map { row in row.values.map(Self.exact).joined(separator: ",") }.sorted()
        }
        return dump
    }

    private static func exact(_ value: SQLValue) -> String {
        switch value {
        case .null: "null"
        case .integer(let integer): "i\(integer)"
        case .real(let real): "r\(real.bitPattern)"
        case .text(let text): "t\(text.utf8.hex)"
        case .blob(let bytes): "b\(bytes.hex)"
        }
    }
}
