package import WitanCore

/// Moves a whole installation from one database to another, of whichever engines.
///
/// Each batch of rows is one transaction with the note of how far the copy has come, so that a copy that was cut off at
/// any moment goes on where it stopped. Nobody may write to the source meanwhile; whoever does is found out.
package struct InstallationCopy: Sendable {
    /// What a copy is doing.
    package struct Status: Sendable, Hashable {
        /// The two halves of the work.
        package enum Step: Sendable, Hashable {
            case copying
            case comparing
        }

        /// What is done with the rows.
        package let step: Step

        /// The table that it is at.
        package let table: String

        /// How many rows of all tables it is done with, in this step.
        package let rows: Int

        /// How many rows there are.
        package let total: Int
    }

    /// What a copy has to do.
    package struct Extent: Sendable, Hashable {
        /// How many rows the target had from an earlier try.
        package let copied: Int

        /// How many rows the source has.
        package let total: Int

        /// Takes both numbers.
        package init(copied: Int, total: Int) {
            self.copied = copied
            self.total = total
        }
    }

    /// The content of a table.
    package struct Content: Sendable, Hashable {
        /// How many rows it has.
        package let rows: Int

        /// A hash of all of them, in the order of their keys.
        package let checksum: [UInt8]
    }

    /// A table on both sides.
    package struct Comparison: Sendable, Hashable {
        /// The table's name.
        package let table: String

        /// What the source holds.
        package let source: Content

        /// What the target holds.
        package let target: Content
    }

    /// Told of each step forward, often; it must be quick.
    package typealias Reporter = @Sendable (Status) -> Void

    let source: any SQLDatabase
    let target: any SQLDatabase
    let pageSize: CopiedTable.PageSize
    private let makeChecksum: @Sendable () -> any CopyChecksum
    private let pause: @Sendable (Duration) async -> Void

    /// Takes both databases, and a function that begins a hash; `pause` waits for as long.
    package init(
        from source: any SQLDatabase,
        to target: any SQLDatabase,
        pageSize: CopiedTable.PageSize = CopiedTable.PageSize(),
        pause: @escaping @Sendable (Duration) async -> Void = { await ChangeTimer().wait(atMost: $0) },
        makeChecksum: @escaping @Sendable () -> any CopyChecksum
    ) {
        self.source = source
        self.target = target
        self.pageSize = pageSize
        self.pause = pause
        self.makeChecksum = makeChecksum
    }

    /// Makes the target ready, or finds out how far it has come.
    ///
    /// - Throws: `.conflict` when the source has another schema than this version or is half a copy itself, or the
    ///   target is neither empty nor a copy that was begun from this source as it is now.
    package func prepare(at now: Timestamp) async throws -> Extent {
        try await requireUsableSource()
        try await migrateTarget(at: now)
        let identity = try await identity()
        let progress = try await target.write { connection in
            guard try !CopyProgress.exists(on: connection) else { return try CopyProgress.load(on: connection) }
            try Self.requireEmpty(connection)
            for table in CopiedTable.all.reversed() where table.isFilledByMigrations {
                try table.deleteAll(on: connection)
            }
            return try CopyProgress.begin(of: CopiedTable.all, from: identity, on: connection)
        }
        guard progress.source == identity else { throw Self.otherSource }
        return Extent(copied: progress.rows, total: try await total())
    }

    /// Copies the rows that the target does not have yet.
    ///
    /// - Throws: `.conflict` when another copy writes to the target; what the engines throw. It can be called again.
    package func copyRows(_ extent: Extent, report: Reporter) async throws {
        var progress = try await target.read { try CopyProgress.load(on: $0) }
        var done = progress.rows
        for table in CopiedTable.all {
            var page = try await read(table, of: source, after: progress[table].lastKey)
            while let last = page.rows.last {
                let current = page
                // The next rows are read while these are written.
                async let next =
                    current.isLast
                    ? CopiedTable.Page(rows: [], isLast: true)
                    : read(table, of: source, after: table.key(of: last))
                progress = try await write(current.rows, last, of: table, after: progress)
                done += current.rows.count
                report(Status(step: .copying, table: table.name, rows: done, total: extent.total))
                page = try await next
            }
        }
    }

    /// Reads all rows of both sides and compares their numbers and hashes.
    ///
    /// - Throws: `.conflict` when the source was written to since the copy began; what the engines throw.
    package func compare(_ extent: Extent, report: Reporter) async throws -> [Comparison] {
        var comparisons: [Comparison] = []
        var done = 0
        for table in CopiedTable.all {
            let before = done
            async let copied = content(of: table, in: target)
            let original = try await content(of: table, in: source) { rows in
                report(Status(step: .comparing, table: table.name, rows: before + rows, total: extent.total))
            }
            comparisons.append(Comparison(table: table.name, source: original, target: try await copied))
            done += original.rows
        }
        let progress = try await target.read { try CopyProgress.load(on: $0) }
        guard progress.source == (try await identity()) else { throw Self.otherSource }
        return comparisons
    }

    /// Declares the target complete; from now on it can be used.
    package func finish() async throws {
        try await target.write { try CopyProgress.end(on: $0) }
    }
}

// MARK: - Before

extension InstallationCopy {
    private func requireUsableSource() async throws {
        let status = try await Migrator().status(of: source)
        guard status.current > 0 else {
            throw Failure(.conflict, "The source holds no installation: check what --from names.")
        }
        try Self.requireThisSchema(status, of: "source", "run `witan migrate` on it first")
        try await CopyProgress.requireNone(on: source)
        try await requireNoNodes()
    }

    /// Refuses a source that a server runs on; one that was killed is still registered, but renews nothing any more.
    private func requireNoNodes() async throws {
        let store = ClusterStore(keepsEvents: true)
        let before = try await source.read { try store.members(on: $0) }
        guard !before.isEmpty else { return }
        await pause(Self.renewalDuration)
        let after = try await source.read { try store.members(on: $0) }
        guard let node = after.first(where: { !before.contains($0) }) else { return }
        throw Failure(.conflict, "The node \(node.name) runs on the source: stop all servers of the source first.")
    }

    /// Long enough for a node to renew its registration several times.
    private static let renewalDuration: Duration = .seconds(1)

    /// Only what is empty is migrated: the database of an older installation is named by mistake, and stays as it is.
    private func migrateTarget(at now: Timestamp) async throws {
        let status = try await Migrator().status(of: target)
        guard status.current > 0 else {
            try await Migrator().migrate(target, at: now)
            return
        }
        try Self.requireThisSchema(status, of: "target", "another version has used it; name an empty one")
    }

    /// Refuses other schemas: those of newer versions have columns that this one does not know.
    private static func requireThisSchema(
        _ status: Migrator.Status,
        of side: String,
        _ advice: String
    ) throws(Failure) {
        guard status.current != status.latest else { return }
        let advice = status.current > status.latest ? "copy with the version of Witan that it belongs to" : advice
        throw Failure(
            .conflict,
            "The \(side) has schema \(status.current), and this version of Witan \(status.latest): \(advice)."
        )
    }

    private static func requireEmpty(_ connection: any SQLConnection) throws(Failure) {
        for table in CopiedTable.all where !table.isFilledByMigrations {
            guard try table.isEmpty(on: connection) else {
                throw Failure(
                    .conflict,
                    "The target holds an installation already (its table \(table.name) has rows): name an empty one."
                )
            }
        }
    }

    /// A hash of what tells the source from other installations and from its own past, at one moment.
    private func identity() async throws -> [UInt8] {
        try await source.read { [makeChecksum, pageSize] connection in
            var checksum = makeChecksum()
            for table in CopiedTable.identifying {
                var key: [SQLValue]?
                repeat {
                    let page = try table.page(after: key, pageSize, on: connection)
                    checksum.update(page.rows)
                    key = page.isLast ? nil : page.rows.last.map(table.key)
                } while key != nil
            }
            return checksum.digest()
        }
    }

    private func total() async throws -> Int {
        var total = 0
        for table in CopiedTable.all { total += try await source.read { try table.count(on: $0) } }
        return total
    }

    private static let otherSource = Failure(
        .conflict,
        """
        The copy in the target was begun from another source, or this source has been written to since then: stop \
        whatever uses the source, empty the target, and begin again.
        """
    )
}

// MARK: - Rows

extension InstallationCopy {
    private func read(
        _ table: CopiedTable,
        of database: any SQLDatabase,
        after key: [SQLValue]?
    ) async throws -> CopiedTable.Page {
        try Task.checkCancellation()
        return try await database.read { [pageSize] in try table.page(after: key, pageSize, on: $0) }
    }

    private func write(
        _ rows: [SQLRow],
        _ last: SQLRow,
        of table: CopiedTable,
        after progress: CopyProgress
    ) async throws -> CopyProgress {
        try await target.write { connection in
            var progress = progress
            let place = CopyProgress.Place(
                rows: progress[table].rows + rows.count,
                lastKey: table.key(of: last)
            )
            try progress.advance(table, to: place, on: connection)
            try table.insert(rows, on: connection)
            return progress
        }
    }

    private func content(
        of table: CopiedTable,
        in database: any SQLDatabase,
        report: (Int) -> Void = { _ in }
    ) async throws -> Content {
        var checksum = makeChecksum()
        var rows = 0
        var page = try await read(table, of: database, after: nil)
        while let last = page.rows.last {
            checksum.update(page.rows)
            rows += page.rows.count
            report(rows)
            if page.isLast { break }
            page = try await read(table, of: database, after: table.key(of: last))
        }
        return Content(rows: rows, checksum: checksum.digest())
    }
}
