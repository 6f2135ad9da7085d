import HTTPTypes
import Logging
import Synchronization
import Testing
import WitanAccess
import WitanCluster
import WitanCore
import WitanEngines
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage
import WitanTelemetry
import WitanTesting

@Suite("Several nodes on one database")
struct ClusterNodeTests {
    private static let me = "/api/self/me"

    /// Two nodes, and a key that both have in memory.
    private static func withWarmKey(
        on engine: Engine,
        _ body:
            @escaping @Sendable (_ first: TestServer, _ second: TestServer, _ key: TestServer.Person) async throws ->
            Void
    ) async throws {
        try await TestServer.runNodes(2, on: engine) { nodes in
            let key = try await nodes[0].makeKey("key", as: nodes[0].owner)
            for node in nodes { try await Self.warm(key, on: node) }
            try await body(nodes[0], nodes[1], key)
        }
    }

    /// Sends requests with a key until one is answered from memory.
    private static func warm(_ key: TestServer.Person, on node: TestServer) async throws {
        try await TestServer.wait(until: "the key is answered from memory") {
            try await node.database
                .statements {
                    let status = try await node.send(.post, me, as: key).status
                    #expect(status == 200)
                }
                .isEmpty
        }
    }

    private static func delete(_ key: TestServer.Person, on node: TestServer) async throws -> TestServer.Answer {
        try await node.send(.delete, "/v1/api_key/\(key.keyID)", as: node.owner)
    }

    private static func members(of node: TestServer) async throws -> [ClusterMember] {
        try await node.database.read { try node.services.cluster.store.members(on: $0) }
    }

    /// Begins to delete a key and runs `body` while that waits for another node.
    private static func whileDeleting(
        _ key: TestServer.Person,
        on node: TestServer,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws -> TestServer.Answer {
        let answers = Counter()
        return try await withThrowingTaskGroup(of: TestServer.Answer?.self) { group in
            group.addTask {
                let answer = try await delete(key, on: node)
                answers.increment()
                return answer
            }
            let before = node.control.count
            try await TestServer.wait(until: "the change has looked for the other node's row ten times") {
                node.control.count > before + 40
            }
            #expect(answers.value == 0)
            try await body()
            while let answer = try await group.next() { if let answer { return answer } }
            throw Failure.bug("Nothing was answered")
        }
    }

    // MARK: Changes

    @Test(
        "a key that is deleted through one is refused by the other before the deletion is answered",
        arguments: Engine.available
    )
    func deletedKey(_ engine: Engine) async throws {
        try await Self.withWarmKey(on: engine) { first, second, key in
            let answer = try await Self.delete(key, on: first)
            #expect(answer.status == 200)
            let sequence = try #require(answer.header("x-revocation-seq").flatMap(Int.init))
            #expect(try second.sample("witan_cluster_applied_seq") == Double(sequence))
            #expect(try first.sample("witan_cluster_wait_seconds_count") ?? 0 >= 1)
            for node in [second, first] { #expect(try await node.send(.post, Self.me, as: key).status == 401) }
        }
    }

    @Test(
        "no request that is sent after an answer is accepted, on whichever of three nodes",
        arguments: Engine.available
    )
    func underLoad(_ engine: Engine) async throws {
        var options = TestServer.Options()
        options.failedAuthenticationLimit = nil
        try await TestServer.runNodes(3, on: engine, options) { nodes in
            let keys = try await withThrowingTaskGroup(of: TestServer.Person.self) { group in
                for number in 0..<30 {
                    group.addTask { try await nodes[number % 3].makeKey("key \(number)", as: nodes[0].owner) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let answered = Answered()
            let (accepted, stale) = (Counter(), Counter())
            try await withThrowingTaskGroup { group in
                for (place, node) in nodes.enumerated() {
                    for client: UInt64 in 0..<2 {
                        group.addTask {
                            var random = RandomSource.seeded(UInt64(place) * 10 + client)
                            while answered.count < keys.count {
                                let key = keys[Int.random(in: 0..<keys.count, using: &random)]
                                let wasDeleted = answered.contains(key.keyID)
                                let status = try await node.send(.post, Self.me, as: key).status
                                #expect(status == 200 || status == 401)
                                if status == 200 { accepted.increment() }
                                if status == 200, wasDeleted { stale.increment() }
                            }
                        }
                    }
                }
                group.addTask {
                    for (number, key) in keys.enumerated() {
                        let answer = try await Self.delete(key, on: nodes[number % 3])
                        #expect(answer.status == 200)
                        answered.insert(key.keyID)
                        for node in nodes { #expect(try await node.send(.post, Self.me, as: key).status == 401) }
                    }
                }
                try await group.waitForAll()
            }
            #expect(stale.value == 0)
            #expect(accepted.value > 0)
        }
    }

    @Test("a change that nobody has in memory moves no clock and waits for nobody", arguments: Engine.available)
    func unnoticed(_ engine: Engine) async throws {
        try await TestServer.runNodes(2, on: engine) { nodes in
            let waits = try nodes[0].sample("witan_cluster_wait_seconds_count")
            nodes[1].control.isAway = true
            let key = try await nodes[0].send(.post, "/v1/api_key", as: nodes[0].owner, body: #"{"name":"x"}"#)
            let project = try await nodes[0].send(.post, "/v1/project", as: nodes[0].owner, body: #"{"name":"p"}"#)
            for answer in [key, project] {
                #expect(answer.status == 200)
                #expect(answer.header("x-revocation-seq") == nil)
            }
            #expect(try nodes[0].sample("witan_cluster_wait_seconds_count") == waits)
            nodes[1].control.isAway = false
        }
    }

    @Test("a refused change is told to nobody", arguments: Engine.available)
    func refusedChange(_ engine: Engine) async throws {
        try await Self.withWarmKey(on: engine) { first, second, key in
            let applied = try first.sample("witan_cluster_applied_seq")
            let answer = try await first.send(.delete, "/v1/api_key/\(key.keyID)", as: first.stranger)
            #expect(answer.status == 403)
            #expect(answer.header("x-revocation-seq") == nil)
            #expect(try await second.send(.post, Self.me, as: key).status == 200)
            #expect(try first.sample("witan_cluster_applied_seq") == applied)
        }
    }

    @Test(
        "what is found done is answered no sooner than the change that did it",
        arguments: Engine.available,
        Repetition.allCases
    )
    private func repeated(_ engine: Engine, _ repetition: Repetition) async throws {
        try await Self.withWarmKey(on: engine) { first, second, key in
            let answered = Counter()
            @Sendable func send() async throws -> TestServer.Answer {
                try await repetition.send(key, first.member, to: first)
            }
            second.control.isAway = true
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 1...2 {
                    let before = try await repetition.progress(number, first)
                    group.addTask {
                        let status = try await send().status
                        answered.increment()
                        return status
                    }
                    try await TestServer.wait(until: "request \(number) has only to wait") {
                        try await repetition.progress(number, first) > before
                    }
                    let looks = first.control.count
                    try await TestServer.wait(until: "the other node's row was looked for ten times") {
                        first.control.count > looks + 40
                    }
                }
                #expect(answered.value == 0)
                try await TestServer.wait(until: "both are answered") {
                    for clock in [first.clock, second.clock] { clock.advance(by: .seconds(1)) }
                    // The wait looks at the clock again after as long a time.
                    for _ in 0..<20 where answered.value < 2 { await ChangeTimer().wait(atMost: .milliseconds(100)) }
                    return answered.value == 2
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.sorted() == repetition.statuses)
            second.control.isAway = false
        }
    }

    @Test("a change that is half done waits for its own node to hear of that half", arguments: Engine.available)
    func halfDone(_ engine: Engine) async throws {
        try await Self.withWarmKey(on: engine) { first, second, key in
            let other = try await first.makeKey("other", as: first.owner)
            let answered = Counter()
            @Sendable func clock() async throws -> Int64 {
                try await second.database.byHand.read { try second.services.cluster.store.clock(on: $0) }
            }
            let before = try await clock()
            // The first node hears of nothing until it is let go on.
            let poll = first.control.holdNext(.write)
            await poll.waitUntilReached()
            try await withThrowingTaskGroup { group in
                group.addTask { _ = try await Self.delete(key, on: second) }
                try await TestServer.wait(until: "the key is gone") {
                    try await first.send(.get, "/v1/api_key/\(key.keyID)", as: first.owner).status != 200
                }
                group.addTask {
                    let owner = try await first.services.accounts.caller(email: first.owner.email)
                    let keys = first.services[APIKeyResource.resource]
                    let deleted = try await keys.delete([key.keyID, other.keyID], for: owner)
                    #expect(deleted.compactMap(\.id) == [other.keyID])
                    answered.increment()
                    #expect(try await first.send(.post, Self.me, as: key).status == 401)
                }
                try await TestServer.wait(until: "the other node has applied both") {
                    try await Self.members(of: second).first { $0.name == "node 2" }?.applied == before + 2
                }
                let looks = first.control.count
                try await TestServer.wait(until: "the rows were looked at ten times") {
                    first.control.count > looks + 20
                }
                #expect(answered.value == 0)
                poll.open()
                try await group.waitForAll()
            }
        }
    }

    /// A change that can be made twice.
    private enum Repetition: CaseIterable {
        case deletion
        case removal

        /// What the two are answered.
        var statuses: [Int] {
            switch self {
            case .deletion: [200, 403]
            case .removal: [200, 200]
            }
        }

        /// Grows when the first or second of the two has done what it does in the database.
        func progress(_ number: Int, _ node: TestServer) async throws -> Int {
            if number == 2 { return node.database.count(of: "SELECT seq FROM cluster_clock") }
            return Int(
                try await node.database.byHand.read { try node.services.cluster.store.clock(on: $0) }
            )
        }

        func send(
            _ key: TestServer.Person,
            _ member: TestServer.Person,
            to node: TestServer
        ) async throws -> TestServer.Answer {
            switch self {
            case .deletion:
                try await node.send(.delete, "/v1/api_key/\(key.keyID)", as: node.owner)
            case .removal:
                try await node.send(
                    .patch,
                    "/v1/organization/members",
                    as: node.owner,
                    body: .text(#"{"remove_users":{"emails":["\#(member.email)"]}}"#)
                )
            }
        }
    }

    @Test("a new name of an organization is known to the other node before it is answered", arguments: Engine.available)
    func organization(_ engine: Engine) async throws {
        try await Self.withWarmKey(on: engine) { first, second, key in
            let answer = try await first.send(
                .patch,
                "/v1/organization/\(first.owner.organizationID)",
                as: first.owner,
                body: #"{"name":"Acme & Sons"}"#
            )
            #expect(answer.status == 200)
            let caller = try await second.send(.post, Self.me, as: key)
            #expect(caller["organizations"]?.array?.first?.object?["name"]?.string == "Acme & Sons")
        }
    }

    @Test(
        "a command that is no node tells the nodes, waits for them, and trusts no memory of its own",
        arguments: Engine.available
    )
    func command(_ engine: Engine) async throws {
        try await Self.withWarmKey(on: engine) { first, second, key in
            let cluster = Cluster.shared(
                control: first.control,
                metrics: try ServerMetrics().cluster,
                ids: ObjectIDGenerator(time: .system, random: .system),
                time: .system
            )
            #expect(cluster.lease.guarding { 1 } == nil)
            let services = Services(
                database: first.database,
                cluster: cluster,
                secrets: first.secrets,
                time: .system,
                random: .seeded(99)
            )
            let owner = try await services.accounts.caller(email: first.owner.email)
            _ = try await services[APIKeyResource.resource].delete(key.keyID, for: owner)
            for node in [first, second] { #expect(try await node.send(.post, Self.me, as: key).status == 401) }
        }
    }

    @Test("a server that is alone tells the number of a change too, and nothing for what is none")
    func alone() async throws {
        try await TestServer.run(on: .sqlite) { server in
            let key = try await server.makeKey("key", as: server.owner)
            let first = try #require(
                try await Self.delete(key, on: server).header("x-revocation-seq").flatMap(Int.init)
            )
            let another = try await server.makeKey("another", as: server.owner)
            let second = try await Self.delete(another, on: server).header("x-revocation-seq").flatMap(Int.init)
            #expect(second == first + 1)
            #expect(try await server.send(.get, "/v1/api_key", as: server.owner).header("x-revocation-seq") == nil)
            #expect(try server.sample("witan_cluster_wait_seconds_count") == 0)
            #expect(try server.sample("witan_cluster_live_nodes") == 1)
        }
    }

    // MARK: Leases

    @Test(
        "a node that cannot ask for changes looks in the database once its lease is over, by either clock",
        arguments: FakeClock.Hand.allCases
    )
    func lostLease(stopped hand: FakeClock.Hand) async throws {
        try await Self.withWarmKey(on: .chosen) { _, node, key in
            @Sendable func look() async throws -> [String] {
                try await node.database.statements {
                    let status = try await node.send(.post, Self.me, as: key).status
                    #expect(status == 200)
                }
            }
            node.control.isAway = true
            node.clock.stop(hand)
            node.clock.advance(by: .milliseconds(899))
            #expect(try await look() == [])
            node.clock.advance(by: .milliseconds(1))
            for _ in 1...2 { #expect(try await look() != []) }
            node.control.isAway = false
            try await TestServer.wait(until: "the lease is back") { try await look() == [] }
            #expect(try node.sample("witan_cluster_lease_lost_total") ?? 0 >= 1)
        }
    }

    @Test("without a lease and without the database nobody is let in", arguments: Engine.available)
    func awayDatabase(_ engine: Engine) async throws {
        try await Self.withWarmKey(on: engine) { (_, node, key) async throws in
            node.control.isAway = true
            node.database.isAway = true
            #expect(try await node.send(.post, Self.me, as: key).status == 200, "the lease still holds")
            node.clock.advance(by: .milliseconds(900))
            #expect(try await node.send(.post, Self.me, as: key).status == 503)
            node.database.isAway = false
            #expect(try await node.send(.post, Self.me, as: key).status == 200)
            node.control.isAway = false
        }
    }

    @Test("what somebody may do is not taken from memory without a lease either", arguments: Engine.available)
    func permissions(_ engine: Engine) async throws {
        try await Self.withWarmKey(on: engine) { first, second, key in
            let path = "/v1/api_key/\(first.member.keyID)"
            try await TestServer.wait(until: "permissions are in memory") {
                try await second.database.statements { _ = try await second.send(.get, path, as: key) }.count == 1
            }
            second.control.isAway = true
            second.clock.advance(by: .milliseconds(900))
            let statements = try await second.database.statements { _ = try await second.send(.get, path, as: key) }
            #expect(statements.count > 3)
            second.control.isAway = false
        }
    }

    @Test("a node's lease begins after its caches have forgotten, and ends before others hear that it leaves")
    func orderOfSteps() async throws {
        try await Engine.chosen.withDatabase { database in
            try await Migrator().migrate(database, at: Timestamp(seconds: 0))
            let (clock, metrics) = (FakeClock(), try ServerMetrics().cluster)
            let ids = ObjectIDGenerator(time: clock.source, random: .seeded(1))
            let control = Witness(database)
            let cluster = Cluster.shared(control: control, metrics: metrics, ids: ids, time: clock.source)
            @Sendable func isTrusting() -> Bool { cluster.lease.guarding { 1 } != nil }
            let follows = Counter()
            let node = ClusterNode(
                name: "node",
                cluster: cluster,
                control: control,
                follow: { _ in
                    follows.increment()
                    #expect(!isTrusting())
                },
                signal: ChangeTimer(),
                metrics: metrics,
                ids: ids,
                time: clock.source,
                logger: Logger(label: "test")
            )
            #expect(await node.poll())
            #expect(isTrusting())
            clock.advance(by: .seconds(1))
            try await database.write(.alone) { _ = cluster.store.append([.allCredentials], on: $0) }
            #expect(await node.poll())
            #expect(isTrusting())
            #expect(follows.value == 2)
            let left = Counter()
            control.watch {
                left.increment()
                #expect(!isTrusting())
            }
            await node.leave()
            #expect(left.value == 1)
            #expect(try await database.read { try cluster.store.members(on: $0) } == [])
        }
    }

    // MARK: Silent nodes

    @Test(
        "a deletion waits a second for a node that is cut off, which then accepts nothing from memory",
        arguments: Engine.available
    )
    func cutOff(_ engine: Engine) async throws {
        try await Self.withWarmKey(on: engine) { first, second, key in
            second.control.isAway = true
            let answer = try await Self.whileDeleting(key, on: first) { () async throws in
                #expect(try await second.send(.post, Self.me, as: key).status == 200, "the deletion is not answered")
                for clock in [first.clock, second.clock] { clock.advance(by: .seconds(1)) }
            }
            #expect(answer.status == 200)
            #expect(answer.header("x-revocation-seq") != nil)
            #expect(try await second.send(.post, Self.me, as: key).status == 401)
            second.control.isAway = false
        }
    }

    @Test(
        "a silent node is refused and then removed; when it is back, it forgets everything and joins anew",
        arguments: Engine.available
    )
    func eviction(_ engine: Engine) async throws {
        try await Self.withWarmKey(on: engine) { first, second, key in
            let kept = try await first.makeKey("kept", as: first.owner)
            try await Self.warm(kept, on: second)
            let old = try #require(try await Self.members(of: first).first { $0.name == "node 2" })
            second.control.isAway = true
            _ = try await Self.whileDeleting(key, on: first) {
                try await TestServer.wait(until: "the silent node is refused") {
                    // Its silence counts from when the row was first looked at, which nobody here can see.
                    first.clock.advance(by: .milliseconds(960))
                    return try await Self.members(of: first).contains { $0.id == old.id && $0.eviction != nil }
                }
                second.clock.advance(by: .seconds(1))
                first.clock.advance(by: .seconds(1))
            }
            try await TestServer.wait(until: "the refused node is removed") {
                // Whoever looks again removes it.
                first.clock.advance(by: .seconds(1))
                return try await !Self.members(of: first).contains { $0.id == old.id }
            }
            #expect(second.cache.statistics.count > 0)
            second.control.isAway = false
            try await TestServer.wait(until: "the node is back") {
                try await Self.members(of: first).contains { $0.name == "node 2" && $0.id != old.id }
            }
            try await TestServer.wait(until: "it has forgotten everything") { second.cache.statistics.count == 0 }
            try await Self.warm(kept, on: second)
            #expect(try await Self.delete(kept, on: first).status == 200)
            #expect(try await second.send(.post, Self.me, as: kept).status == 401)
        }
    }

    @Test(
        "changes wait for a node that has just joined, and no longer for one that has left",
        arguments: Engine.available
    )
    func joinsAndLeaves(_ engine: Engine) async throws {
        try await engine.withDatabase { database in
            try await TestServer.runNodes(2, beside: [], on: database) { nodes in
                let keys = try await Self.makeKeys(3, on: nodes[0])
                #expect(try await Self.delete(keys[0], on: nodes[0]).status == 200)
                try await TestServer.runNodes(1, beside: nodes, on: database) { nodes in
                    #expect(try await Self.members(of: nodes[0]).count == 3)
                    for key in keys.dropFirst() { try await Self.warm(key, on: nodes[2]) }
                    #expect(try await nodes[2].send(.post, Self.me, as: keys[0]).status == 401)
                    #expect(try await Self.delete(keys[1], on: nodes[0]).status == 200)
                    #expect(try await nodes[2].send(.post, Self.me, as: keys[1]).status == 401)
                }
                #expect(try await Self.members(of: nodes[0]).count == 2)
                // No clock moves, so that it would wait for ever.
                #expect(try await Self.delete(keys[2], on: nodes[0]).status == 200)
            }
        }
    }

    private static func makeKeys(_ count: Int, on node: TestServer) async throws -> [TestServer.Person] {
        var keys: [TestServer.Person] = []
        for number in 0..<count { keys.append(try await node.makeKey("key \(number)", as: node.owner)) }
        return keys
    }

    // MARK: Care

    @Test("each node knows how many live, and has its part of the rate limits", arguments: Engine.available)
    func shares(_ engine: Engine) async throws {
        try await TestServer.runNodes(3, on: engine) { nodes in
            try await TestServer.wait(until: "every node has seen the others") {
                for node in nodes { node.clock.advance(by: .milliseconds(500)) }
                return nodes.allSatisfy { $0.services.cluster.share.nodes == 3 }
            }
            #expect(try nodes[0].sample("witan_cluster_live_nodes") == 3)
            nodes[2].control.isAway = true
            try await TestServer.wait(until: "the others no longer count the one that is cut off") {
                for node in nodes.prefix(2) { node.clock.advance(by: .milliseconds(500)) }
                return nodes.prefix(2).allSatisfy { $0.services.cluster.share.nodes == 2 }
            }
            nodes[2].control.isAway = false
        }
    }

    @Test("events that every node has applied are deleted", arguments: Engine.available)
    func deletedEvents(_ engine: Engine) async throws {
        try await Self.withWarmKey(on: engine) { first, second, key in
            #expect(try await Self.delete(key, on: first).status == 200)
            try await TestServer.wait(until: "there are no events") {
                for node in [first, second] { node.clock.advance(by: .seconds(1)) }
                return try await first.database.byHand.read { try $0.rows("SELECT 1 FROM cluster_events") }.isEmpty
            }
        }
    }

    // MARK: Start

    @Test(
        "a node whose clock is far from the database's says so and does not join",
        arguments: [(3_600, "s ahead of"), (-3_600, "s behind"), (0, nil)] as [(Int64, String?)]
    )
    func wrongClock(seconds: Int64, says: String?) async throws {
        try await Engine.chosen.withDatabase { database in
            // One that stands still would be behind as soon as the machine has been busy for some seconds.
            let system = TimeSource.system
            let time = TimeSource(
                now: { system.now().advanced(by: .seconds(seconds)) },
                monotonic: system.monotonic,
                sinceBoot: system.sinceBoot
            )
            try await Migrator().migrate(database, at: time.now())
            let metrics = try ServerMetrics().cluster
            let ids = ObjectIDGenerator(time: time, random: .system)
            let cluster = Cluster.shared(control: database, metrics: metrics, ids: ids, time: time)
            let node = ClusterNode(
                name: "node",
                cluster: cluster,
                control: database,
                follow: { _ in },
                signal: ChangeTimer(),
                metrics: metrics,
                ids: ids,
                time: time,
                logger: Logger(label: "test")
            )
            guard let says else { return try await node.join() }
            let failure = await #expect(throws: Failure.self) { try await node.join() }
            #expect(failure?.message.contains(says) == true)
            #expect(try await database.read { try cluster.store.members(on: $0) } == [])
        }
    }
}

/// A database that tells when something is written.
private final class Witness: SQLDatabase {
    private let base: any SQLDatabase
    private let observe = Mutex<@Sendable () -> Void>({})

    init(_ base: any SQLDatabase) {
        self.base = base
    }

    func watch(_ observe: @escaping @Sendable () -> Void) {
        self.observe.withLock { $0 = observe }
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await base.read(body)
    }

    func readStale<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await base.readStale(body)
    }

    func write<Value: Sendable>(
        _ concurrency: WriteConcurrency,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        observe.withLock(\.self)()
        return try await base.write(concurrency, body)
    }
}

/// The keys whose deletion has been answered.
private final class Answered: Sendable {
    private let ids = Mutex<Set<ObjectID>>([])

    var count: Int { ids.withLock(\.count) }

    func contains(_ id: ObjectID) -> Bool { ids.withLock { $0.contains(id) } }

    func insert(_ id: ObjectID) { ids.withLock { _ = $0.insert(id) } }
}

/// A number that tasks count together.
private final class Counter: Sendable {
    private let total = Atomic(0)

    var value: Int { total.load(ordering: .relaxed) }

    func increment() { total.add(1, ordering: .relaxed) }
}
