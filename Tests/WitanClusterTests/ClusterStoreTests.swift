import Testing
import WitanCore
import WitanEngines
import WitanStorage
import WitanTesting

@Suite("What nodes tell each other through the database")
struct ClusterStoreTests {
    private static let store = ClusterStore(keepsEvents: true)

    private static func id(_ number: UInt64) -> ObjectID { ObjectID(high: 7, low: number) }

    private static let everyKind: [ClusterEvent] = [
        .credential(id(1)), .credentials(userID: id(2)), .allCredentials, .user(id(3)), .group(id(4)), .role(id(5)),
        .grant(principal: id(6), object: id(7)), .everything,
    ]

    private static func run(on engine: Engine, _ body: (any SQLDatabase) async throws -> Void) async throws {
        try await engine.withDatabase { database in
            try await Migrator().migrate(database, at: Timestamp(seconds: 0))
            try await body(database)
        }
    }

    private static func register(
        _ number: UInt64,
        _ store: ClusterStore = store,
        replacing old: UInt64? = nil,
        in database: any SQLDatabase
    ) async throws -> Int64 {
        try await database.write(.concurrent) { connection in
            try store.register(
                id(number),
                name: "node \(number)",
                replacing: old.map(id),
                at: Timestamp(seconds: 5),
                on: connection
            )
        }
    }

    private static func poll(
        _ number: UInt64,
        _ store: ClusterStore = store,
        applied: Int64,
        renewals: Int64,
        confirmed: Int64 = 0,
        in database: any SQLDatabase
    ) async throws -> ClusterStore.Changes? {
        try await database.write(.transient) { connection in
            try store.poll(id(number), applied: applied, renewals: renewals, confirmed: confirmed, on: connection)
        }
    }

    @discardableResult
    private static func append(
        _ events: [ClusterEvent],
        _ store: ClusterStore = store,
        _ concurrency: WriteConcurrency = .alone,
        in database: any SQLDatabase
    ) async throws -> Int64? {
        try await database.write(concurrency) { store.append(events, on: $0) }.value
    }

    private static func members(in database: any SQLDatabase) async throws -> [ClusterMember] {
        try await database.read { try store.members(on: $0) }.sorted { $0.id < $1.id }
    }

    @Test("every kind of event comes back as it was", arguments: Engine.available)
    func kinds(_ engine: Engine) async throws {
        try await Self.run(on: engine) { database in
            #expect(try await Self.register(1, in: database) == 0)
            #expect(try await Self.append(Self.everyKind + Self.everyKind, in: database) == 1)
            #expect(try await Self.append([.user(Self.id(1))], in: database) == 2)
            let changes = try #require(try await Self.poll(1, applied: 0, renewals: 1, in: database))
            #expect(changes.clock == 2)
            #expect(changes.entries.map(\.event) == Self.everyKind + [.user(Self.id(1))])
            #expect(changes.entries.map(\.sequence) == Array(repeating: 1, count: Self.everyKind.count) + [2])
            let later = try #require(try await Self.poll(1, applied: 2, renewals: 2, in: database))
            #expect(later == ClusterStore.Changes(clock: 2, entries: []))
        }
    }

    @Test(
        "an event of a kind that another version writes may mean anything",
        arguments: [
            ("sharing", ""), ("credential", ""), ("credential", "x"), ("grant", id(1).description),
            ("user", "\(id(1)) \(id(2))"),
        ]
    )
    func unknownKind(kind: String, subject: String) async throws {
        try await Self.run(on: .sqlite) { database in
            _ = try await Self.register(1, in: database)
            try await database.byHand.write { connection in
                try connection.run("UPDATE cluster_clock SET seq = 1")
                try connection.run(
                    "INSERT INTO cluster_events (seq, position, kind, subject) VALUES (1, 0, \(kind), \(subject))"
                )
            }
            let changes = try #require(try await Self.poll(1, applied: 0, renewals: 1, in: database))
            #expect(changes.entries.map(\.event) == [.everything])
        }
    }

    @Test(
        "transactions that share a commit share a number; one that is undone tells nothing",
        arguments: Engine.available
    )
    func sharedCommit(_ engine: Engine) async throws {
        struct Undone: Error {}
        try await Self.run(on: engine) { database in
            _ = try await Self.register(1, in: database)
            let numbers = try await withThrowingTaskGroup(of: Int64?.self) { group in
                for number: UInt64 in 1...40 {
                    group.addTask {
                        do {
                            let change = try await database.write { connection in
                                let change = Self.store.append([.credential(Self.id(number))], on: connection)
                                if number.isMultiple(of: 4) { throw Undone() }
                                return change
                            }
                            return change.value
                        } catch is Undone {
                            return nil
                        }
                    }
                }
                return try await group.reduce(into: [Int64]()) { if let number = $1 { $0.append(number) } }
            }
            #expect(numbers.count == 30)
            let changes = try #require(try await Self.poll(1, applied: 0, renewals: 1, in: database))
            #expect(Set(numbers) == Set(1...changes.clock), "there are no gaps")
            let told = changes.entries.map(\.event)
            #expect(Set(told) == Set((1...40).filter { $0 % 4 != 0 }.map { .credential(Self.id($0)) }))
            #expect(told.count == 30)
        }
    }

    @Test(
        "a node that polls while others commit sees each number once, in order, whoever commits",
        arguments: Engine.available
    )
    func order(_ engine: Engine) async throws {
        try await Self.run(on: engine) { database in
            _ = try await Self.register(1, in: database)
            try await withThrowingTaskGroup { group in
                for writer: UInt64 in 0..<4 {
                    group.addTask {
                        for round: UInt64 in 0..<25 {
                            let event = ClusterEvent.credential(Self.id(100 * writer + round))
                            try await Self.append([event], Self.store, .concurrent, in: database)
                        }
                    }
                }
                group.addTask {
                    var applied: Int64 = 0
                    var seen: [ClusterEvent] = []
                    var renewals: Int64 = 0
                    while seen.count < 100 {
                        renewals += 1
                        let changes = try #require(
                            try await Self.poll(1, applied: applied, renewals: renewals, in: database)
                        )
                        let numbers = changes.entries.map(\.sequence)
                        #expect(numbers == numbers.sorted())
                        #expect(Set(numbers) == Set(applied + 1..<changes.clock + 1), "none is missing")
                        seen += changes.entries.map(\.event)
                        applied = changes.clock
                    }
                    #expect(Set(seen).count == 100)
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("where a server is alone the clock goes on, and no events are kept", arguments: Engine.available)
    func alone(_ engine: Engine) async throws {
        try await Self.run(on: engine) { (database) async throws in
            let store = ClusterStore(keepsEvents: false)
            #expect(try await Self.append([.everything], store, in: database) == 1)
            #expect(try await Self.append([.everything], store, in: database) == 2)
            #expect(try await database.byHand.read { try $0.rows("SELECT 1 FROM cluster_events") } == [])
        }
    }

    @Test(
        "a commit with more events than it may write tells that anything may have changed",
        arguments: Engine.available
    )
    func manyEvents(_ engine: Engine) async throws {
        try await Self.run(on: engine) { database in
            var limits = Limits()
            limits.eventsPerCommit = 120
            limits.eventsPerPoll = 130
            let store = ClusterStore(keepsEvents: true, limits: limits)
            _ = try await Self.register(1, in: database)
            let events = (0..<121).map { ClusterEvent.user(Self.id($0)) }
            try await Self.append(Array(events.dropLast()), store, in: database)
            let first = try #require(try await Self.poll(1, store, applied: 0, renewals: 1, in: database))
            #expect(first.entries.map(\.event) == events.dropLast())
            try await Self.append(events, store, in: database)
            let second = try #require(try await Self.poll(1, store, applied: 1, renewals: 2, in: database))
            #expect(second.entries.map(\.event) == [.everything])
            try await Self.append(Array(events.dropLast()), store, in: database)
            let all = try #require(try await Self.poll(1, store, applied: 0, renewals: 3, in: database))
            #expect(all.entries.count == 131, "one more than are taken in shows that there are more")
        }
    }

    @Test(
        "a node whose last renewal the database has lost is refused, for its numbers may mean other changes",
        arguments: Engine.available
    )
    func lostRenewal(_ engine: Engine) async throws {
        try await Self.run(on: engine) { database in
            _ = try await Self.register(1, in: database)
            #expect(try await Self.poll(1, applied: 0, renewals: 4, in: database) != nil)
            let before = try await database.byHand.read { try $0.rows("SELECT applied, renewals FROM cluster_nodes") }
            #expect(try await Self.poll(1, applied: 0, renewals: 9, confirmed: 4, in: database) != nil)
            // As a server that follows at a distance has it.
            try await database.byHand.write(.transient) { connection in
                try connection.run("UPDATE cluster_nodes SET applied = 0, renewals = 4")
            }
            #expect(try await Self.poll(1, applied: 0, renewals: 10, confirmed: 9, in: database) == nil)
            #expect(
                try await database.byHand.read { try $0.rows("SELECT applied, renewals FROM cluster_nodes") } == before
            )
        }
    }

    @Test("nobody waits for the row of a node, or for events, that a stopped node holds")
    func heldRows() async throws {
        guard let engine = Engine.postgres else { return }
        try await Self.run(on: engine) { database in
            for number: UInt64 in 1...3 { _ = try await Self.register(number, in: database) }
            try await Self.append([.everything], in: database)
            for number: UInt64 in 1...3 { _ = try await Self.poll(number, applied: 1, renewals: 1, in: database) }
            let members = try await database.read { try Self.store.members(on: $0) }
            let (held, isSeen) = (Gate(), Gate())
            defer { isSeen.open() }
            async let holding: Void = database.byHand.write(.concurrent) { connection in
                try connection.run("UPDATE cluster_nodes SET renewals = 1 WHERE id = \(Self.id(1))")
                try connection.run("UPDATE cluster_events SET position = position")
                held.open()
                isSeen.waitUntilOpen()
            }
            try await database.write(.transient) { connection in
                held.waitUntilOpen()
                for member in members {
                    try Self.store.refuse(member, eviction: Self.id(9), on: connection)
                    try Self.store.remove(member.id, eviction: Self.id(8), on: connection)
                }
                try Self.store.deleteAppliedEvents(on: connection)
            }
            let refused = try await database.read { try Self.store.members(on: $0) }.filter { $0.eviction != nil }
            #expect(Set(refused.map(\.id)) == [Self.id(2), Self.id(3)])
            isSeen.open()
            try await holding
            try await database.write(.transient) { connection in
                for member in members { try Self.store.refuse(member, eviction: Self.id(9), on: connection) }
                try Self.store.deleteAppliedEvents(on: connection)
            }
            #expect(try await database.read { try Self.store.members(on: $0) }.allSatisfy { $0.eviction != nil })
            #expect(try await database.byHand.read { try $0.rows("SELECT 1 FROM cluster_events") } == [])
        }
    }

    @Test("a node that polls late, or twice, takes nothing back", arguments: Engine.available)
    func latePoll(_ engine: Engine) async throws {
        try await Self.run(on: engine) { database in
            _ = try await Self.register(1, in: database)
            _ = try await Self.poll(1, applied: 5, renewals: 9, in: database)
            _ = try await Self.poll(1, applied: 3, renewals: 8, in: database)
            let member = try #require(try await Self.members(in: database).first)
            #expect(member == ClusterMember(id: Self.id(1), name: "node 1", applied: 5, renewals: 9))
        }
    }

    @Test(
        "a node that was refused gets no answer, and goes only under the id of its refusal",
        arguments: Engine.available
    )
    func refusal(_ engine: Engine) async throws {
        try await Self.run(on: engine) { database in
            _ = try await Self.register(1, in: database)
            _ = try await Self.register(2, in: database)
            _ = try await Self.poll(1, applied: 0, renewals: 1, in: database)
            let old = try #require(try await Self.members(in: database).first)
            _ = try await Self.poll(1, applied: 0, renewals: 2, in: database)
            let new = try #require(try await Self.members(in: database).first)
            func refuse(_ member: ClusterMember, _ eviction: UInt64) async throws {
                try await database.write(.transient) { connection in
                    try Self.store.refuse(member, eviction: Self.id(eviction), on: connection)
                }
            }
            func remove(_ eviction: UInt64) async throws {
                try await database.write(.transient) { connection in
                    try Self.store.remove(Self.id(1), eviction: Self.id(eviction), on: connection)
                }
            }
            try await refuse(old, 50)
            #expect(try await Self.members(in: database).first?.eviction == nil, "it has given a sign of life")
            try await refuse(new, 51)
            try await refuse(new, 52)
            #expect(try await Self.members(in: database).first?.eviction == Self.id(51))
            #expect(try await Self.poll(1, applied: 0, renewals: 3, in: database) == nil)
            try await remove(52)
            #expect(try await Self.members(in: database).count == 2)
            try await remove(51)
            #expect(try await Self.members(in: database).map(\.id) == [Self.id(2)])
            #expect(try await Self.poll(1, applied: 0, renewals: 4, in: database) == nil)
            #expect(try await Self.register(3, replacing: 2, in: database) == 0)
            #expect(try await Self.members(in: database).map(\.id) == [Self.id(3)])
        }
    }

    @Test("only so many nodes can be registered", arguments: Engine.available)
    func tooManyNodes(_ engine: Engine) async throws {
        try await Self.run(on: engine) { database in
            var limits = Limits()
            limits.nodes = 2
            let store = ClusterStore(keepsEvents: true, limits: limits)
            for number: UInt64 in 1...2 { _ = try await Self.register(number, store, in: database) }
            let failure = await #expect(throws: Failure.self) { try await Self.register(3, store, in: database) }
            #expect(failure?.code == .unavailable)
            #expect(failure?.message.hasPrefix("2 nodes are registered") == true)
            #expect(try await Self.register(3, store, replacing: 2, in: database) == 0)
        }
    }

    @Test(
        "events go when every node has applied them, and while nobody is there they stay",
        arguments: Engine.available
    )
    func deletion(_ engine: Engine) async throws {
        try await Self.run(on: engine) { database in
            func rest() async throws -> [Int64] {
                try await database.write(.transient) { try Self.store.deleteAppliedEvents(on: $0) }
                return try await database.byHand.read { connection in
                    try connection.rows("SELECT seq FROM cluster_events ORDER BY seq").map { try $0.integer(0) }
                }
            }
            for number: UInt64 in 1...4 { try await Self.append([.user(Self.id(number))], in: database) }
            #expect(try await rest() == [1, 2, 3, 4])
            _ = try await Self.register(1, in: database)
            try await Self.append([.user(Self.id(5))], in: database)
            _ = try await Self.register(2, in: database)
            #expect(try await rest() == [5])
            _ = try await Self.poll(1, applied: 5, renewals: 1, in: database)
            #expect(try await rest() == [])
        }
    }

    @Test("the database's clock can be read", arguments: Engine.available)
    func time(_ engine: Engine) async throws {
        try await Self.run(on: engine) { database in
            let before = TimeSource.system.now()
            let now = try await database.read { try Self.store.currentTime(on: $0) }
            let after = TimeSource.system.now()
            #expect(before.microseconds - 10_000 <= now.microseconds && now.microseconds <= after.microseconds + 10_000)
        }
    }
}
