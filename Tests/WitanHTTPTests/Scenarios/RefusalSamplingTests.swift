import HTTPTypes
import Synchronization
import Testing
import WitanAccess
import WitanCore
import WitanServices
import WitanStorage
import WitanTesting

@Suite("Refusals above a rate are counted, and each is in the audit log once")
struct RefusalSamplingTests {
    private static let window = Limits().refusalWindow

    @Test("a flood of refused requests leaves its first rows and, when the window is over, one row for all others")
    func flood() async throws {
        try await TestServer.run { server in
            let refused = 25
            for number in 1...refused {
                let trace = "00-4bf92f3577b34da6a3ce929d0e0e47\(number + 10)-00f067aa0ba902b7-01"
                let path = "/v1/api_key/\(server.owner.keyID)"
                let answer = try await server.send(
                    .delete,
                    path,
                    as: server.member,
                    headers: ["traceparent": trace]
                )
                #expect(answer.status == 403)
            }
            try await server.audit.flushRefusals(in: server.database)
            let atOnce = Limits().refusalsPerWindow
            #expect(try await server.refusals("api_key.deleted") == Array(repeating: 1, count: atOnce))

            server.clock.advance(by: Self.window)
            try await server.audit.flushRefusals(in: server.database)
            try await server.audit.flushRefusals(in: server.database)
            let rows = try await server.auditRows().filter { $0["outcome"] == "denied" }
            #expect(rows.count == atOnce + 1)
            let count = try #require(rows.last)
            #expect(count["occurrences"] == .integer(Int64(refused - atOnce)))
            #expect(count["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4735", "it names the last of them")
            #expect(count["actor_id"] == .text(server.member.id.description))
            #expect(count["object_id"] == .text(server.owner.keyID.description))
            let report = try await server.audit.verify(in: server.database)
            #expect(report.problems == [])
        }
    }

    @Test("the next refusal after a window writes its count first, and begins a window of its own")
    func turnover() async throws {
        try await withLog(atOnce: 2) { log in
            try await log.refuse(5)
            log.server.clock.advance(by: Self.window - .nanoseconds(1))
            try await log.refuse(1)
            #expect(try await log.occurrences() == [1, 1])
            log.server.clock.advance(by: .nanoseconds(1))
            try await log.refuse(3)
            #expect(try await log.occurrences() == [1, 1, 4, 1, 1])
            try await log.flush()
            #expect(try await log.occurrences() == [1, 1, 4, 1, 1])
            log.server.clock.advance(by: Self.window)
            try await log.flush()
            #expect(try await log.occurrences() == [1, 1, 4, 1, 1, 1])
        }
    }

    @Test("the last flush writes the counts of open windows too")
    func lastFlush() async throws {
        try await withLog(atOnce: 1) { log in
            for type in ["a.read", "b.read"] { try await log.refuse(3, type) }
            try await log.flush(endingAllWindows: true)
            for type in ["a.read", "b.read"] { #expect(try await log.occurrences(type) == [1, 2]) }
            try await log.flush(endingAllWindows: true)
            for type in ["a.read", "b.read"] { #expect(try await log.occurrences(type) == [1, 2]) }
        }
    }

    @Test("people, deeds, organizations and impersonated people are counted apart")
    func kinds() async throws {
        try await withLog(atOnce: 1) { log in
            let (owner, member) = (try await log.caller(log.server.owner), try await log.caller(log.server.member))
            let impersonator = owner.acting(as: member)
            let organizations = [log.server.owner.organizationID, log.server.stranger.organizationID, nil]
            let kinds = [owner, member, impersonator]
                .flatMap { caller in
                    ["a.read", "b.read"].flatMap { type in organizations.map { (caller, type, $0) } }
                }
            for _ in 1...3 {
                for (caller, type, organization) in kinds {
                    try await log.refuse(1, type, in: organization, by: caller)
                }
            }
            try await log.flush(endingAllWindows: true)
            let denied = try await log.server.auditRows().filter { $0["outcome"] == "denied" }
            #expect(denied.filter { $0["occurrences"] == .null }.count == kinds.count)
            let counts = denied.filter { $0["occurrences"] == 2 }
            let columns = ["actor_id", "impersonated_id", "event_type", "org_id"]
            #expect(Set(counts.map { row in columns.map { row[$0] } }).count == kinds.count)
            #expect(denied.count == 2 * kinds.count)
        }
    }

    @Test("where no further kind is counted, its refusals are rows, until another has no count any more")
    func fullMap() async throws {
        try await withLog(atOnce: 1, kinds: 1) { log in
            try await log.refuse(3, "a.read")
            try await log.refuse(4, "b.read")
            #expect(try await log.occurrences("b.read") == [1, 1, 1, 1])
            log.server.clock.advance(by: Self.window)
            try await log.flush()
            #expect(try await log.occurrences("a.read") == [1, 2])
            try await log.flush()
            try await log.refuse(3, "b.read")
            #expect(try await log.occurrences("b.read") == [1, 1, 1, 1, 1])
            try await log.refuse(2, "a.read")
            try await log.flush(endingAllWindows: true)
            #expect(try await log.occurrences("a.read") == [1, 2, 1, 1])
            #expect(try await log.occurrences("b.read") == [1, 1, 1, 1, 1, 2])
        }
    }

    @Test("more counts than one transaction holds are all written")
    func manyCounts() async throws {
        try await withLog(atOnce: 1) { log in
            let types = (1...250).map { "kind\($0).read" }
            for type in types { try await log.refuse(2, type) }
            log.server.clock.advance(by: Self.window)
            try await log.flush()
            let rows = try await log.server.auditRows().filter { $0["outcome"] == "denied" }
            #expect(rows.count == 2 * types.count)
        }
    }

    @Test("a count whose write fails is kept, and written once, committed or not", arguments: Fault.allCases)
    func failedFlush(_ fault: Fault) async throws {
        try await withLog(atOnce: 1) { log in
            try await log.refuse(3)
            log.server.clock.advance(by: Self.window)
            for _ in 1...3 {
                log.database.failNext(fault)
                await #expect(throws: Failure.self) { try await log.flush() }
            }
            try await log.flush()
            try await log.flush()
            #expect(try await log.occurrences() == [1, 2])
        }
    }

    @Test("a refusal whose write fails takes no count with it", arguments: Fault.allCases)
    func failedRefusal(_ fault: Fault) async throws {
        try await withLog(atOnce: 1) { log in
            try await log.refuse(3)
            log.server.clock.advance(by: Self.window)
            log.database.failNext(fault)
            await #expect(throws: Failure.self) { try await log.flush() }
            log.database.failNext(fault)
            await #expect(throws: Failure.self) { try await log.refuse(1) }
            // Its own row is missing exactly if its transaction is; the caller was told, and not answered 403.
            let own: [Int64] = fault == .notBegun ? [] : [1]
            try await log.refuse(4)
            log.server.clock.advance(by: Self.window)
            try await log.flush()
            #expect(try await log.occurrences() == [1, 2] + own + [4])
        }
    }

    @Test("every refusal is there once, however refusals, turns of the window, flushes and faults come together")
    func concurrent() async throws {
        try await withLog(atOnce: 3, kinds: 2) { log in
            let types = ["a.read", "b.read", "c.read"]
            let recorded = await withTaskGroup(of: String?.self) { group in
                for number in 0..<900 {
                    group.addTask {
                        let type = types[number % 3]
                        do {
                            switch number % 50 {
                            case 10: log.server.clock.advance(by: .seconds(2))
                            case 20: try await log.flush()
                            case 30: try await log.flush(endingAllWindows: true)
                            case 40: log.database.failNext(.notBegun)
                            default: break
                            }
                            try await log.refuse(1, type)
                            return type
                        } catch {
                            #expect(error is Failure, "only what meets the fault fails")
                            return nil
                        }
                    }
                }
                return await group.reduce(into: [:]) { counts, type in counts[type, default: 0] += 1 }
            }
            log.database.failNext(nil)
            try await log.flush(endingAllWindows: true)
            for type in types {
                let occurrences = try await log.occurrences(type).reduce(0, +)
                #expect(Int(occurrences) == recorded[type])
            }
            let report = try await log.log.verify(in: log.database)
            #expect(report.problems == [])
        }
    }

    /// Runs `body` with an audit log of its own on a server's database, which fails when it is told to.
    private func withLog(
        atOnce: Int,
        kinds: Int = Limits().refusalKinds,
        _ body: @escaping @Sendable (Log) async throws -> Void
    ) async throws {
        try await TestServer.run { server in
            var limits = Limits.unhurried
            limits.refusalsPerWindow = atOnce
            limits.refusalKinds = kinds
            let ids = ObjectIDGenerator(time: server.clock.source, random: .seeded(2))
            let log = AuditLog(key: server.secrets.auditKey, ids: ids, time: server.clock.source, limits: limits)
            try await body(Log(server: server, database: UnreliableDatabase(server.database), log: log))
        }
    }
}

/// An audit log and who is refused in it.
private struct Log: Sendable {
    let server: TestServer
    let database: UnreliableDatabase
    let log: AuditLog

    func caller(_ person: TestServer.Person) async throws -> Caller {
        let account = try await server.accounts.caller(email: person.email).identity.account
        return Caller(
            identity: Identity(account: account, memberships: account.memberships, authentication: .session),
            origin: RequestOrigin()
        )
    }

    /// Refuses the member something, a number of times.
    func refuse(_ times: Int, _ type: String = "a.read") async throws {
        let caller = try await caller(server.member)
        for _ in 1...times { try await refuse(1, type, in: server.member.organizationID, by: caller) }
    }

    func refuse(_ times: Int, _ type: String, in organization: ObjectID?, by caller: Caller) async throws {
        for _ in 1...times {
            try await log.recordRefusal(
                type,
                objectType: "a",
                objectID: nil,
                in: organization,
                by: caller,
                in: database
            )
        }
    }

    func flush(endingAllWindows: Bool = false) async throws {
        try await log.flushRefusals(in: database, endingAllWindows: endingAllWindows)
    }

    /// How many refusals each row of a type stands for, oldest first.
    func occurrences(_ type: String = "a.read") async throws -> [Int64] { try await server.refusals(type) }
}

extension TestServer {
    /// How many refusals each row of a type stands for, oldest first.
    fileprivate func refusals(_ type: String) async throws -> [Int64] {
        let rows = try await database.byHand.read { connection in
            try connection.rows(
                """
                SELECT COALESCE(occurrences, 1) FROM audit_events
                WHERE event_type = \(type) AND outcome = 'denied' ORDER BY position
                """
            )
        }
        return try rows.map { try $0.integer(0) }
    }
}

extension Caller {
    /// The same caller, who acts as another.
    fileprivate func acting(as other: Caller) -> Caller {
        Caller(
            identity: Identity(
                account: other.identity.account,
                memberships: other.identity.memberships,
                authentication: identity.authentication,
                impersonator: identity.account
            ),
            origin: origin
        )
    }
}

/// How a write transaction fails.
enum Fault: CaseIterable {
    /// It never ran.
    case notBegun
    /// It was committed, and whoever began it does not learn of that.
    case notAnswered
}

/// A database whose next write fails when it is told so.
private final class UnreliableDatabase: SQLDatabase {
    private let base: any SQLDatabase
    private let fault = Mutex<Fault?>(nil)

    init(_ base: any SQLDatabase) {
        self.base = base
    }

    func failNext(_ fault: Fault?) {
        self.fault.withLock { $0 = fault }
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await base.read(body)
    }

    func write<Value: Sendable>(
        _ concurrency: WriteConcurrency,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        let failure = Failure(.unavailable, "The database is away.")
        switch fault.withLock({ $0.take() }) {
        case .notBegun: throw failure
        case .notAnswered:
            _ = try await base.write(concurrency, body)
            throw failure
        case nil: return try await base.write(concurrency, body)
        }
    }
}
