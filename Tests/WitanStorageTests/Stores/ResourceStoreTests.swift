import Testing
import WitanCore
import WitanEngines
import WitanResources
import WitanStorage
import WitanTesting

@Suite("Rows of a resource")
struct ResourceStoreTests {
    private let store = ResourceStore(APIKeyResource.resource)

    @Test("pages of generated lists agree with a model, for every cursor and limit", arguments: Engine.available)
    func paging(_ engine: Engine) async throws {
        let seed: UInt64 = 2_026
        var random = RandomSource.seeded(seed)
        for size in [0, 1, 2, 3, 5, 9] {
            // Few moments for many rows, so that ids must decide.
            let rows = (0..<size)
                .map { number in
                    (id: ObjectID(high: 3, low: UInt64(number)), created: Timestamp(seconds: Int64(random.next() % 3)))
                }
            let sorted = rows.sorted { ($0.created, $0.id) > ($1.created, $1.id) }.map(\.id)
            try await engine.withSchema { database in
                try await database.addPeople()
                try await database.write { connection in
                    for row in rows { try insert(row.id, of: .owner, created: row.created, on: connection) }
                }
                for limit in [nil] + (1...size + 1).map(Optional.some) {
                    let whole = try await page(nil, limit, of: .owner, in: database)
                    #expect(whole == Array(sorted.prefix(limit ?? size)))
                    for (place, id) in sorted.enumerated() {
                        let after = try await page(.after(id), limit, of: .owner, in: database)
                        #expect(after == Array(sorted[(place + 1)...].prefix(limit ?? size)))
                        let before = try await page(.before(id), limit, of: .owner, in: database)
                        #expect(before == Array(sorted[..<place].suffix(limit ?? size)))
                        #expect(try await page(.after(id), limit, of: .member, in: database) == nil)
                    }
                }
            }
        }
    }

    @Test("a list shows one's own rows, or all of an organization's", arguments: Engine.available)
    func visibility(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            try await database.addPeople()
            let id = ObjectID(high: 3, low: 1)
            try await database.write { try insert(id, of: .member, created: .start, on: $0) }
            let all = Viewer(userID: .owner, organizations: [.acme], wholeOrganizations: [.acme])
            let others = Viewer(userID: .owner, organizations: [.globex], wholeOrganizations: [.globex])
            for (viewer, lists) in [
                (Viewer.member, true), (.owner, false), (.stranger, false), (.nobody, false), (all, true),
                (others, false),
            ] {
                let listed = try await database.read { connection in
                    try store.page(
                        of: ListRequest(),
                        in: .visible(viewer),
                        window: ResourceStore.Window(),
                        limit: 10,
                        on: connection
                    )
                }
                #expect(listed.records.isEmpty != lists)
            }
        }
    }

    @Test(
        "members of other rows are joined in, nulls are nulls, hidden columns stay hidden",
        arguments: Engine.available
    )
    func records(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            try await database.addPeople()
            let id = ObjectID(high: 3, low: 1)
            try await database.write { try insert(id, of: .member, created: .start, on: $0) }
            let record = try #require(try await database.read { try store.get(id, on: $0) })
            #expect(record[APIKeyResource.userEmail] == "member@witan.test")
            #expect(record[APIKeyResource.userGivenName] == "member")
            #expect(record[name: "user_family_name"] == .null)
            #expect(record[APIKeyResource.created] == .start)
            #expect(record.fields.map(\.name) == APIKeyResource.resource.fields.map(\.name))
        }
    }

    @Test("a deletion is true once, and an update of nothing changes nothing", arguments: Engine.available)
    func writes(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            try await database.addPeople()
            let id = ObjectID(high: 3, low: 1)
            try await database.write { try insert(id, of: .member, created: .start, on: $0) }
            try await database.write { connection in
                try store.update(id, setting: [], on: connection)
                try store.update(id, setting: [(APIKeyResource.name.spec, .text("new"))], on: connection)
            }
            let record = try await database.read { try store.get(id, on: $0) }
            #expect(record?[APIKeyResource.name] == "new")
            for expected in [true, false] {
                #expect(try await database.write { try store.delete(id, at: .start, on: $0) } == expected)
            }
        }
    }

    @Test("one digest cannot be stored twice, nor a key of nobody", arguments: Engine.available)
    func constraints(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            try await database.addPeople()
            let id = ObjectID(high: 3, low: 1)
            try await database.write { try insert(id, of: .member, created: .start, on: $0) }
            let twice = await #expect(throws: Failure.self) {
                try await database.write { connection in
                    try insert(ObjectID(high: 3, low: 2), of: .member, created: .start, digest: 1, on: connection)
                }
            }
            #expect(twice?.code == .conflict)
            let nobody = await #expect(throws: Failure.self) {
                try await database.write { connection in
                    try insert(
                        ObjectID(high: 3, low: 3),
                        of: ObjectID(high: 9, low: 9),
                        created: .start,
                        on: connection
                    )
                }
            }
            #expect(nobody?.code == .invalidRequest)
        }
    }

    /// Adds a key of somebody's in Acme.
    private func insert(
        _ id: ObjectID,
        of user: ObjectID,
        created: Timestamp,
        digest: UInt64? = nil,
        on connection: any SQLConnection
    ) throws(Failure) {
        var record = Record(fields: APIKeyResource.resource.fields)
        record[APIKeyResource.id] = id
        record[APIKeyResource.created] = created
        record[APIKeyResource.name] = "key"
        record[APIKeyResource.previewName] = "sk-****abcd"
        record[APIKeyResource.user] = user
        record[APIKeyResource.organization] = .acme
        let bytes = withUnsafeBytes(of: (digest ?? id.low).bigEndian, Array.init)
        try store.insert(
            record,
            hidden: [("digest", .blob(bytes)), ("pepper_version", 1)],
            on: connection
        )
    }

    /// The ids of a page of somebody's keys; nil when the cursor names none of them.
    private func page(
        _ cursor: ListRequest.Cursor?,
        _ limit: Int?,
        of viewer: Viewer,
        in database: any SQLDatabase
    ) async throws -> [ObjectID]? {
        var request = ListRequest()
        request.cursor = cursor
        request.limit = limit
        return try await database.read { [request] connection in
            guard let window = try store.window(of: request, in: .visible(viewer), on: connection) else { return nil }
            let page = try store.page(
                of: request,
                in: .visible(viewer),
                window: window,
                limit: limit ?? .max,
                on: connection
            )
            return page.records.compactMap { $0[APIKeyResource.id] }
        }
    }
}
