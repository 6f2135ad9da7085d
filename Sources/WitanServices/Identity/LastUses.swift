import Synchronization
package import WitanCore
package import WitanStorage

/// Remembers when credentials were used, and writes it now and then: a request itself writes nothing.
///
/// What a server that is killed had not written yet is lost, which is at most `Limits.lastUseInterval` of it.
package final class LastUses: Sendable {
    private struct Use: Hashable {
        let table: CredentialStore.LastUseTable
        let id: ObjectID
    }

    private let pending = Mutex<[Use: Timestamp]>([:])
    private let store = CredentialStore()
    private let sessions = SessionStore()
    private let time: TimeSource
    private let limits: Limits

    /// Takes the clock, and how many uses wait at the most.
    package init(time: TimeSource, limits: Limits = Limits()) {
        self.time = time
        self.limits = limits
    }

    /// Notes that a credential was used; beyond the limit of what waits, uses of further ones go unnoted.
    package func note(_ identity: Identity) {
        let table: CredentialStore.LastUseTable
        switch identity.authentication {
        case .apiKey: table = .apiKeys
        case .serviceToken: table = .serviceTokens
        case .browser: table = .sessions
        case .token, .session, .commandLine, .none: return
        }
        guard let id = identity.keyID else { return }
        let (use, now) = (Use(table: table, id: id), time.now())
        pending.withLock { pending in
            guard pending.count < limits.pendingLastUses || pending[use] != nil else { return }
            pending[use] = now
        }
    }

    /// Writes what was noted, and removes sessions whose time is over.
    ///
    /// What cannot be written is kept for the next time.
    ///
    /// A few rows at a time, so that no transaction that shares their commit waits long when the database is far away.
    /// What is left after `duration` is kept too.
    package func flush(to database: any SQLDatabase, within duration: Duration = .seconds(60)) async throws {
        let end = time.monotonic() + duration.nanoseconds
        var uses = pending.withLock { pending in
            defer { pending = [:] }
            return pending
        }
        defer { keep(uses) }
        for table in CredentialStore.LastUseTable.allCases {
            let all = uses.keys.filter { $0.table == table }
            for start in stride(from: 0, to: all.count, by: Self.rowsPerWrite) {
                guard time.monotonic() < end else { return }
                let part = all[start..<min(start + Self.rowsPerWrite, all.count)]
                let moments = Dictionary(
                    uniqueKeysWithValues: part.compactMap { use in uses[use].map { (use.id, $0) } }
                )
                try await database.write(.concurrent) { [store] connection in
                    try store.setLastUses(moments, in: table, on: connection)
                }
                for use in part { uses[use] = nil }
            }
        }
        let now = time.now()
        try await database.write(.concurrent) { [sessions] connection in
            try sessions.deleteExpired(at: now, limit: Self.rowsDeletedAtOnce, on: connection)
        }
    }

    /// Writing one again does no harm: the later of two times stays.
    private func keep(_ uses: [Use: Timestamp]) {
        pending.withLock { pending in pending.merge(uses) { later, _ in later } }
    }

    private static let rowsPerWrite = 10
    private static let rowsDeletedAtOnce = 200
}
