import ArgumentParser
import Foundation
import WitanCore
import WitanSQLite
import WitanStorage

/// One of the two databases of `witan copy`.
struct CopySide: Sendable {
    /// What is done with it.
    enum Role: Sendable {
        /// It is read, and nobody writes to it meanwhile.
        case source
        /// It is made.
        case target
    }

    /// Where a database is, as the command line says it.
    enum Location: Sendable {
        /// The file, and the folder whose lock keeps servers from it.
        case sqlite(file: String, folder: String)
        /// A server.
        case postgres(PostgresLocation)

        /// Reads `sqlite:FOLDER`, `sqlite:FILE` or `postgres://…`; nil is the server that the environment names.
        init(_ text: String?) throws {
            guard let text else {
                guard case .postgres(let location) = try DataOptions.parse([]).location else {
                    throw UsageError("name the database, or give its URL in WITAN_DATABASE_URL")
                }
                self = .postgres(location)
                return
            }
            if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") {
                self = .postgres(
                    try PostgresLocation(
                        url: text,
                        directURL: nil,
                        replicaURL: nil,
                        connections: Self.connections,
                        // No statement is prepared, and thus any pooler may stand there.
                        pooler: .transaction
                    )
                )
                return
            }
            let scheme = "sqlite:"
            guard text.hasPrefix(scheme), text.count > scheme.count else {
                throw UsageError("write sqlite:FOLDER, sqlite:FILE or postgres://USER@HOST:PORT/NAME")
            }
            self.init(path: String(text.dropFirst(scheme.count)))
        }

        private init(path: String) {
            let url = URL(filePath: path).standardizedFileURL.resolvingSymlinksInPath()
            var isFolder: ObjCBool = false
            let exists = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
            if exists ? isFolder.boolValue : url.pathExtension != "db" {
                self = .sqlite(file: url.appending(path: "witan.db").path, folder: url.path)
            } else {
                self = .sqlite(file: url.path, folder: url.deletingLastPathComponent().path)
            }
        }

        private static let connections = 6

        /// Whether both are certainly one database.
        static func isSame(_ one: Location, _ other: Location) -> Bool {
            guard case .sqlite(let file, _) = one, case .sqlite(let otherFile, _) = other else { return false }
            return file == otherFile
        }

        /// The secrets beside the database, if it is in a folder that has some.
        var secretsFile: String? {
            guard case .sqlite(_, let folder) = self else { return nil }
            let path = "\(folder)/secrets"
            return FileManager.default.fileExists(atPath: path) ? path : nil
        }
    }

    /// Opens both while `body` uses them, and closes them however it ends.
    static func withBoth<Result>(
        _ from: Location,
        _ to: Location,
        _ body: (_ source: any SQLDatabase, _ target: any SQLDatabase) async throws -> Result
    ) async throws -> Result {
        try await CopySide(from, .source)
            .use { source in
                try await CopySide(to, .target).use { target in try await body(source, target) }
            }
    }

    private let engine: OpenDatabase
    private let lock: DataFolderLock?

    private init(_ location: Location, _ role: Role) throws {
        var limits = Limits()
        limits.statementDuration = Self.statementDuration
        switch location {
        case .postgres(let location):
            engine = .postgres(location, limits: limits, observer: .none)
            lock = nil
        case .sqlite(let file, let folder):
            switch role {
            case .source:
                guard FileManager.default.fileExists(atPath: file) else {
                    throw Failure(.invalidRequest, "There is no database at \(file): name an existing one with --from.")
                }
            case .target:
                try DataFolder.make(at: folder)
            }
            lock = try DataFolderLock(folder: folder)
            engine = try .sqlite(
                path: file,
                access: role == .source ? .readOnly : .readWrite,
                limits: limits,
                observer: .none
            )
        }
    }

    /// Counting a large table takes a while, and nobody waits for an answer meanwhile.
    private static let statementDuration: Duration = .seconds(600)

    private func use<Result>(_ body: (any SQLDatabase) async throws -> Result) async throws -> Result {
        let result: Result
        do {
            result = try await body(engine.sql)
        } catch {
            // The command's own error is the one to tell of.
            try? await engine.close()
            throw error
        }
        try await engine.close()
        return result
    }
}
