import Synchronization
import Testing
import WitanCore
import WitanEngines
import WitanStorage
import WitanTesting

@Suite("A copy of an installation")
struct InstallationCopyTests {
    /// Keeps all bytes, so that two contents are equal only when they really are.
    private struct Exact: CopyChecksum {
        var bytes: [UInt8] = []

        mutating func update(_ bytes: [UInt8]) { self.bytes += bytes }

        func digest() -> [UInt8] { bytes }
    }

    private static func copy(
        _ source: any SQLDatabase,
        _ target: any SQLDatabase,
        rows: Int = 1_000,
        content: Int = 1 << 20,
        pause: @escaping @Sendable (Duration) async -> Void = { _ in }
    ) -> InstallationCopy {
        var size = CopiedTable.PageSize()
        size.rows = rows
        size.content = content
        return InstallationCopy(from: source, to: target, pageSize: size, pause: pause) { Exact() }
    }

    /// Copies, compares, and ends the copy when nothing differs.
    @discardableResult
    private static func run(_ copy: InstallationCopy) async throws -> [InstallationCopy.Comparison] {
        let extent = try await copy.prepare(at: .start)
        try await copy.copyRows(extent) { _ in }
        let comparisons = try await copy.compare(extent) { _ in }
        if comparisons.allSatisfy({ $0.source == $0.target }) { try await copy.finish() }
        return comparisons
    }

    private static func withBoth(
        _ from: Engine,
        _ to: Engine,
        _ fixture: CopyFixture = CopyFixture(),
        _ body: (_ source: any SQLDatabase, _ target: any SQLDatabase) async throws -> Void
    ) async throws {
        try await from.withDatabase { source in
            try await fixture.fill(source.byHand)
            try await to.withDatabase { target in try await body(source.byHand, target.byHand) }
        }
    }

    private static func expectConflict(
        _ part: String,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async {
        let failure = await #expect(throws: Failure.self, sourceLocation: sourceLocation) { try await body() }
        #expect(failure?.code == .conflict, sourceLocation: sourceLocation)
        #expect(
            failure?.message.contains(part) == true,
            "\(failure?.message ?? "")",
            sourceLocation: sourceLocation
        )
    }

    // MARK: The whole

    @Test(
        "holds every row of every table byte for byte, whatever the engines",
        arguments: Engine.available,
        Engine.available
    )
    func isWhole(_ from: Engine, _ to: Engine) async throws {
        try await Self.withBoth(from, to) { source, target in
            let comparisons = try await Self.run(Self.copy(source, target))
            #expect(comparisons.map(\.table) == CopiedTable.all.map(\.name))
            for comparison in comparisons {
                #expect(comparison.source == comparison.target, "\(comparison.table)")
                #expect(comparison.source.rows > 0, "The fixture has no row of \(comparison.table).")
            }
            #expect(try await source.dump() == target.dump())
            try await CopyProgress.requireNone(on: target)
            #expect(try await Migrator().status(of: target).current == Migration.all.count)
        }
    }

    @Test("is the same whatever the size of the pages", arguments: [(1, 1 << 20), (2, 100), (7, 1), (50, 300)])
    func pages(_ rows: Int, _ content: Int) async throws {
        try await Self.withBoth(.sqlite, .sqlite) { source, target in
            try await Self.run(Self.copy(source, target, rows: rows, content: content))
            #expect(try await source.dump() == target.dump())
        }
    }

    @Test("of a copy is the first", arguments: Engine.available)
    func backAgain(_ engine: Engine) async throws {
        try await Self.withBoth(.sqlite, engine) { source, target in
            try await Self.run(Self.copy(source, target))
            try await Engine.sqlite.withDatabase { back in
                try await Self.run(Self.copy(target, back.byHand))
                #expect(try await source.dump() == back.byHand.dump())
            }
        }
    }

    @Test("has keys that are found and an audit log that is in order and goes on", arguments: Engine.available)
    func works(_ engine: Engine) async throws {
        let fixture = CopyFixture()
        try await Self.withBoth(.sqlite, engine, fixture) { source, target in
            try await Self.run(Self.copy(source, target))
            let digests = try await source.read { try $0.rows("SELECT digest FROM api_keys") }
            for row in digests {
                let digest = try row.blob(0)
                let key = try await target.read { try CredentialStore().key(.apiKey, digest: digest, on: $0) }
                #expect(key != nil)
            }
            let store = AuditStore(authenticate: CopyFixture.code)
            let report = try await target.read { connection in
                var report = AuditStore.Report()
                for chain in try store.chains(into: &report, on: connection) {
                    _ = try store.verify(chain, after: (0, []), limit: 10_000, into: &report, on: connection)
                }
                return report
            }
            #expect(report.problems == [])
            #expect(report.rows == fixture.events)
        }
    }

    @Test("reads and writes no more at a time than it may", arguments: Engine.available)
    func bounds(_ engine: Engine) async throws {
        let fixture = CopyFixture(projects: 60, events: 1_600)
        try await Self.withBoth(.sqlite, engine, fixture) { source, target in
            let recorder = SQLRecorder(target)
            let copy = Self.copy(source, recorder, rows: 5_000, content: 20_000)
            let statements = try await recorder.statements { try await Self.run(copy) }
            let inserts = statements.filter { $0.hasPrefix("INSERT INTO") }
            #expect(inserts.allSatisfy { $0.utf8.count(where: { $0 == UInt8(ascii: "?") }) <= 32_766 })
            // One project alone may have more than a page.
            let projects = inserts.filter { $0.hasPrefix("INSERT INTO \"projects\"") }
            #expect(projects.count > 5)
            let settings = try await source.read { try $0.row("SELECT MAX(LENGTH(settings)) FROM projects") }
            #expect(try #require(settings).integer(0) > 20_000)
            #expect(try await source.dump() == target.dump())
        }
    }

    @Test(
        "finds each page by an index, on both sides",
        arguments: Engine.available
    )
    func indexes(_ engine: Engine) async throws {
        try await engine.withDatabase { source in
            try await CopyFixture().fill(source.byHand)
            try await engine.withDatabase { target in
                let extent = try await Self.copy(source.byHand, target.byHand).prepare(at: .start)
                // These tell of each statement that walks a table.
                let copy = Self.copy(source, target, rows: 7)
                try await copy.copyRows(extent) { _ in }
                _ = try await copy.compare(extent) { _ in }
            }
        }
    }

    @Test("tells how far it has come, without going back")
    func status() async throws {
        try await Self.withBoth(.sqlite, .sqlite) { source, target in
            let copy = Self.copy(source, target, rows: 10)
            let seen = Mutex<[InstallationCopy.Status]>([])
            let report: InstallationCopy.Reporter = { status in seen.withLock { $0.append(status) } }
            let extent = try await copy.prepare(at: .start)
            try await copy.copyRows(extent, report: report)
            _ = try await copy.compare(extent, report: report)
            let statuses = seen.withLock { $0 }
            for step in [InstallationCopy.Status.Step.copying, .comparing] {
                let rows = statuses.filter { $0.step == step }.map(\.rows)
                #expect(rows == rows.sorted() && Set(rows).count == rows.count)
                #expect(rows.last == extent.total)
            }
            #expect(extent.copied == 0 && extent.total > 300)
            #expect(try await copy.prepare(at: .start) == .init(copied: extent.total, total: extent.total))
        }
    }

    // MARK: Interruptions

    @Test(
        "that dies at any transaction goes on where it stopped",
        arguments: Engine.available,
        FaultyDatabase.Fault.allCases
    )
    func everyCrash(_ engine: Engine, _ fault: FaultyDatabase.Fault) async throws {
        let fixture = CopyFixture(organizations: 2, users: 3, keys: 4, projects: 3, events: 10)
        try await Engine.sqlite.withDatabase { source in
            let source = source.byHand
            try await fixture.fill(source)
            let expected = try await source.dump()
            let writes = try await engine.withDatabase { target in
                let whole = FaultyDatabase(target.byHand)
                try await Self.run(Self.copy(source, whole, rows: 8))
                return whole.writes
            }
            #expect(writes > 20)
            for number in 1...writes {
                try await engine.withDatabase { target in
                    let target = target.byHand
                    await #expect(throws: FaultyDatabase.Crash.self) {
                        _ = try await Self.run(Self.copy(source, FaultyDatabase(target, at: number, fault), rows: 8))
                    }
                    // The last write ends the copy: when its answer alone was lost, there is nothing left to do.
                    if number == writes, fault == .afterCommit {
                        await Self.expectConflict("holds an installation already") {
                            try await Self.run(Self.copy(source, target))
                        }
                    } else {
                        try await Self.run(Self.copy(source, target, rows: 3))
                    }
                    #expect(try await target.dump() == expected, "after the crash at write \(number)")
                    try await CopyProgress.requireNone(on: target)
                }
            }
        }
    }

    @Test("that dies again and again comes to its end", arguments: Engine.available)
    func manyCrashes(_ engine: Engine) async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("InstallationCopyTests: seed \(seed)")
        var random = RandomSource.seeded(seed)
        try await Self.withBoth(.sqlite, engine) { source, target in
            var copied = 0
            for crash in 1... {
                let fault = FaultyDatabase.Fault.allCases.randomElement(using: &random) ?? .before
                let number = Int.random(in: 1...30, using: &random)
                let faulty = FaultyDatabase(target, at: number, fault)
                let copy = Self.copy(source, faulty, rows: Int.random(in: 1...5, using: &random))
                do {
                    let extent = try await copy.prepare(at: .start)
                    #expect(extent.copied >= copied, "nothing is copied twice")
                    copied = extent.copied
                    try await copy.copyRows(extent) { _ in }
                    let comparisons = try await copy.compare(extent) { _ in }
                    #expect(comparisons.allSatisfy { $0.source == $0.target })
                    #expect(crash > 3)
                    break
                } catch is FaultyDatabase.Crash {
                    continue
                }
            }
            #expect(try await source.dump() == target.dump(), "seed \(seed)")
        }
    }

    @Test("that is cancelled stops between two transactions and goes on later", arguments: Engine.available)
    func cancellation(_ engine: Engine) async throws {
        try await Self.withBoth(.sqlite, engine) { source, target in
            let copy = Self.copy(source, target, rows: 5)
            await withTaskGroup(of: Void.self) { group in
                let (moved, told) = AsyncStream<Void>.makeStream()
                group.addTask {
                    await #expect(throws: CancellationError.self) {
                        let extent = try await copy.prepare(at: .start)
                        try await copy.copyRows(extent) { status in
                            if status.rows > 100 { told.yield() }
                        }
                        // It was quicker than its cancellation, which comes all the same.
                        while !Task.isCancelled { await Task.yield() }
                        try Task.checkCancellation()
                    }
                }
                for await _ in moved.prefix(1) {}
                group.cancelAll()
            }
            await Self.expectConflict("unfinished copy") { try await CopyProgress.requireNone(on: target) }
            let extent = try await copy.prepare(at: .start)
            #expect(extent.copied > 100)
            try await Self.run(copy)
            #expect(try await source.dump() == target.dump())
        }
    }

    @Test("is made by one process at a time", arguments: Engine.available)
    func twoAtOnce(_ engine: Engine) async throws {
        try await Self.withBoth(.sqlite, engine) { source, target in
            let extent = try await Self.copy(source, target).prepare(at: .start)
            let errors = await withTaskGroup(of: (any Error)?.self) { group in
                for rows in [3, 4] {
                    group.addTask {
                        do {
                            try await Self.copy(source, target, rows: rows).copyRows(extent) { _ in }
                            return nil
                        } catch {
                            return error
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(errors.contains { $0 == nil }, "The slower one is refused, the other goes on.")
            for case let error? in errors { #expect((error as? Failure)?.message.contains("Another") == true) }
            try await Self.run(Self.copy(source, target))
            #expect(try await source.dump() == target.dump())
        }
    }

    // MARK: Refusals

    @Test("is refused a target that holds anything, and leaves it as it is", arguments: Engine.available)
    func targetInUse(_ engine: Engine) async throws {
        try await Self.withBoth(.sqlite, engine) { source, target in
            try await Migrator().migrate(target, at: .start)
            try await target.addPeople()
            let before = try await target.dump()
            await Self.expectConflict("The target holds an installation already") {
                try await Self.run(Self.copy(source, target))
            }
            #expect(try await target.dump() == before)
            try await CopyProgress.requireNone(on: target)
        }
    }

    @Test("takes the place of what the migrations put into an empty target", arguments: Engine.available)
    func migratedTarget(_ engine: Engine) async throws {
        try await Self.withBoth(.sqlite, engine) { source, target in
            try await source.write { try $0.run("UPDATE roles SET description = 'Our own' WHERE org_id IS NULL") }
            try await Migrator().migrate(target, at: .start)
            try await Self.run(Self.copy(source, target))
            #expect(try await source.dump() == target.dump())
        }
    }

    @Test("is used by nobody before it is whole", arguments: Engine.available)
    func unfinished(_ engine: Engine) async throws {
        try await Self.withBoth(.sqlite, engine) { source, target in
            try await CopyProgress.requireNone(on: target)
            let copy = Self.copy(source, target)
            _ = try await copy.prepare(at: .start)
            await Self.expectConflict("run the same `witan copy` again") {
                try await CopyProgress.requireNone(on: target)
            }
            try await Engine.sqlite.withDatabase { third in
                await Self.expectConflict("unfinished copy") { try await Self.run(Self.copy(target, third.byHand)) }
            }
            try await CopyProgress.requireNone(on: source)
            try await Self.run(copy)
            try await CopyProgress.requireNone(on: target)
        }
    }

    @Test("goes on from no other source than it began with", arguments: Engine.available)
    func otherSource(_ engine: Engine) async throws {
        try await Self.withBoth(.sqlite, engine) { source, target in
            _ = try await Self.copy(source, target).prepare(at: .start)
            try await Engine.sqlite.withDatabase { other in
                let other = other.byHand
                try await CopyFixture(seed: 2).fill(other)
                await Self.expectConflict("begun from another source") {
                    try await Self.run(Self.copy(other, target))
                }
            }
        }
    }

    @Test("does not go on when its source was written to meanwhile", arguments: Engine.available)
    func changedSource(_ engine: Engine) async throws {
        try await Self.withBoth(.sqlite, engine) { source, target in
            _ = try await Self.copy(source, target).prepare(at: .start)
            try await Self.writeTo(source)
            await Self.expectConflict("written to since") { try await Self.run(Self.copy(source, target)) }
        }
    }

    @Test("finds out when its source is written to at any moment", arguments: Engine.available)
    func changingSource(_ engine: Engine) async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("InstallationCopyTests: seed \(seed)")
        var random = RandomSource.seeded(seed)
        let reads = try await Self.readsOfCopy(on: engine, writingBefore: .max)
        #expect(reads > 50)
        for moment in [1, 5, reads - 1, reads] + (0..<6).map({ _ in Int.random(in: 1...reads, using: &random) }) {
            if moment < 5 {
                // Nothing had been looked at yet.
                _ = try await Self.readsOfCopy(on: engine, writingBefore: moment)
            } else {
                await Self.expectConflict("written to since") {
                    _ = try await Self.readsOfCopy(on: engine, writingBefore: moment)
                }
            }
        }
    }

    /// Copies while something writes to the source before the read of that number; gives the number of reads.
    private static func readsOfCopy(on engine: Engine, writingBefore moment: Int) async throws -> Int {
        let reads = Atomic(0)
        try await withBoth(engine, .sqlite) { source, target in
            let changing = FaultyDatabase(
                source,
                beforeRead: { source in
                    let number = reads.add(1, ordering: .sequentiallyConsistent).newValue
                    if number == moment { try await writeTo(source) }
                }
            )
            try await run(copy(changing, target, rows: 20))
            #expect(try await source.dump() == target.dump())
        }
        return reads.load(ordering: .sequentiallyConsistent)
    }

    /// Changes the database as a server does: with a row of the audit log.
    private static func writeTo(_ database: any SQLDatabase) async throws {
        try await database.write { connection in
            try connection.run("DELETE FROM api_keys WHERE created = 3")
            let event = AuditEvent(
                id: ObjectID(high: 99, low: 99),
                created: .start,
                type: "api_key.deleted",
                outcome: .success,
                organizationID: nil,
                actorID: nil,
                actorEmail: nil,
                authentication: "api_key",
                credentialID: nil,
                objectType: "api_key",
                objectID: nil,
                objectName: nil,
                clientAddress: nil,
                userAgent: nil,
                traceID: nil
            )
            try AuditStore(authenticate: CopyFixture.code).append(event, on: connection)
        }
    }

    @Test(
        "names the table that differs, and is not declared complete",
        arguments: [
            ("api_keys", "UPDATE api_keys SET name = 'e' || char(769) WHERE name = 'é'"),
            ("group_users", "DELETE FROM group_users WHERE rowid = 3"),
            ("users", "UPDATE users SET given_name = NULL WHERE given_name = ''"),
            ("audit_chains", "UPDATE audit_chains SET seal = x'00'"),
        ]
    )
    func difference(_ table: String, _ damage: String) async throws {
        try await Self.withBoth(.sqlite, .sqlite) { source, target in
            let copy = Self.copy(source, target, rows: 10)
            let extent = try await copy.prepare(at: .start)
            try await copy.copyRows(extent) { _ in }
            #expect(try await target.write { try $0.run(SQLQuery(stringLiteral: damage)) } > 0)
            for _ in 1...2 {
                let comparisons = try await Self.run(copy)
                #expect(comparisons.filter { $0.source != $0.target }.map(\.table) == [table])
                await Self.expectConflict("unfinished copy") { try await CopyProgress.requireNone(on: target) }
            }
        }
    }

    @Test("is refused while a node runs on the source, and not for one that was killed")
    func nodes() async throws {
        try await Self.withBoth(.sqlite, .sqlite) { source, target in
            try await source.write { connection in
                let store = ClusterStore(keepsEvents: true)
                for (number, name) in [(1, "killed"), (2, "alive")] {
                    let id = ObjectID(high: 20, low: UInt64(number))
                    _ = try store.register(id, name: name, replacing: nil, at: .start, on: connection)
                }
            }
            let renewing = Self.copy(source, target) { _ in
                do {
                    try await source.write { connection in
                        try connection.run("UPDATE cluster_nodes SET renewals = renewals + 1 WHERE name = 'alive'")
                    }
                } catch {
                    Issue.record(error)
                }
            }
            await Self.expectConflict("The node alive runs on the source") { try await Self.run(renewing) }
            try await Self.run(Self.copy(source, target) { _ in })
            #expect(try await source.dump() == target.dump())
            let nodes = try await target.read { try ClusterStore(keepsEvents: true).members(on: $0) }
            #expect(nodes.isEmpty)
        }
    }

    @Test("needs this version's schema on both sides", arguments: Engine.available)
    func schemas(_ engine: Engine) async throws {
        let older = Migrator(migrations: Array(Migration.all.dropLast()))
        try await Engine.sqlite.withDatabase { source in
            let source = source.byHand
            try await engine.withDatabase { target in
                let target = target.byHand
                await Self.expectConflict("holds no installation") { try await Self.run(Self.copy(source, target)) }
                try await older.migrate(source, at: .start)
                await Self.expectConflict("run `witan migrate` on it") {
                    try await Self.run(Self.copy(source, target))
                }
                #expect(try await Migrator().status(of: target).current == 0, "The target was not touched.")
                try await CopyFixture().fill(source)
                try await older.migrate(target, at: .start)
                await Self.expectConflict("another version has used it") {
                    try await Self.run(Self.copy(source, target))
                }
                #expect(try await Migrator().status(of: target).current == Migration.all.count - 1)
            }
        }
    }
}
