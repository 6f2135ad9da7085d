import Foundation
import Testing
import WitanJSON

extension ProcessTests {
    @Suite struct CrashTests {
        private static let crashes = 10
        private static let clients = 8

        @Test(
            "SIGKILL under load loses no answered key and leaves no half-made row, ten times over",
            arguments: TestDatabase.Engine.available
        )
        func crashes(_ engine: TestDatabase.Engine) async throws {
            try await engine.with { try await Self.crash($0) }
        }

        private static func crash(_ database: TestDatabase) async throws {
            var random = SeededRandom(for: "CrashTests")
            var ledger = Ledger()
            for crash in 1...Self.crashes {
                let moment = Moment(
                    answers: .random(in: 0...150, using: &random),
                    microseconds: .random(in: 0...5_000, using: &random)
                )
                let round = try await database.serve("--rate-limit", "off", "--log-level", "error") { server in
                    if ledger.answered.isEmpty { ledger.answered["first key"] = try server.printedKey() }
                    try await ledger.check(server)
                    return try await Self.load(server, crash: crash, moment: moment, key: ledger.owner)
                }
                #expect(round.end == .signal(9))
                ledger.note(round.result)
                // Every other time the server itself is the first to meet what the crash left.
                if crash.isMultiple(of: 2) { try await ledger.examine(database) }
            }
            let last = try await database.serve("--rate-limit", "off") { server in
                try await ledger.check(server)
                try await ledger.checkEveryKey(server)
                return try await server.client(key: ledger.owner).keys().count
            }
            #expect(last.end == .code(0))
            try await ledger.examine(database, keys: last.result)
            print(
                "CrashTests on \(database.engine): \(ledger.answered.count) keys were answered, \(last.result) are there."
            )
        }

        /// When a server is killed: so long after so many answers.
        private struct Moment {
            let answers: Int
            let microseconds: Int
        }

        /// Makes keys over several connections until the server is gone.
        private static func load(
            _ server: ServerProcess,
            crash: Int,
            moment: Moment,
            key: String
        ) async throws -> [String: String] {
            let client = server.client(key: key)
            let answers = Count()
            let (enough, continuation) = AsyncStream<Never>.makeStream()
            if moment.answers == 0 { continuation.finish() }
            return try await withThrowingTaskGroup(of: [String: String].self) { group in
                group.addTask {
                    for await _ in enough {}
                    try await Task.sleep(for: .microseconds(moment.microseconds))
                    try server.kill()
                    return [:]
                }
                for number in 1...clients {
                    group.addTask {
                        var answered: [String: String] = [:]
                        for attempt in 1... {
                            let name = "\(crash).\(number).\(attempt)"
                            // An error is the server's end, which this waits for.
                            guard let answer = try? await client.create(name) else { break }
                            #expect(answer.status == 200, "\(answer.text)")
                            answered[name] = try answer["key"]?.string
                            if answers.next() == moment.answers { continuation.finish() }
                        }
                        return answered
                    }
                }
                return try await group.reduce(into: [:]) { all, answered in all.merge(answered) { first, _ in first } }
            }
        }

        /// What was answered, and what that means for what must be there.
        private struct Ledger {
            var answered: [String: String] = [:]
            private var newest: [String: String] = [:]
            private var crashes = 0

            var owner: String { answered["first key"] ?? "" }

            mutating func note(_ round: [String: String]) {
                newest = round
                answered.merge(round) { first, _ in first }
                crashes += 1
            }

            /// Every answered key is listed, and what else is listed was asked for on a connection that was cut.
            func check(_ server: ServerProcess) async throws {
                let listed = try await server.client(key: owner).keys().compactMap { $0["name"]?.string }
                let names = Set(listed)
                #expect(names.count == listed.count, "no name was asked for twice")
                #expect(names.isSuperset(of: answered.keys))
                #expect(names.subtracting(answered.keys).count <= crashes * clients)
                try await logIn(Array(newest.values), at: server)
            }

            func checkEveryKey(_ server: ServerProcess) async throws {
                try await logIn(Array(answered.values), at: server)
            }

            private func logIn(_ keys: [String], at server: ServerProcess) async throws {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for share in 0..<clients {
                        group.addTask {
                            for index in stride(from: share, to: keys.count, by: clients) {
                                let status = try await server.client(key: keys[index]).loginStatus()
                                #expect(status == 200)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }

            /// Each key has its row in the audit log and each row its key; the log is whole, and so is the database.
            func examine(_ database: TestDatabase, keys: Int? = nil) async throws {
                let doctor = try await database.witan("doctor")
                doctor.expectSuccess()
                let verified = try await database.witan("audit", "verify")
                verified.expectSuccess()
                guard let keys else { return }
                // The organization and its owner have one each.
                #expect(verified.output.hasPrefix("\(keys + 2) rows"), "\(verified.output)")
                let halves = try await database.query(
                    """
                    SELECT COUNT(*) FROM api_keys FULL JOIN
                    (SELECT object_id FROM audit_events WHERE event_type = 'api_key.created') AS created
                    ON id = object_id WHERE id IS NULL OR object_id IS NULL
                    """
                )
                #expect(halves == "0")
            }
        }
    }
}
