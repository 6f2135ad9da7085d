import ArgumentParser
import WitanAccess
import WitanCore
import WitanServices
import WitanStorage

/// One run of `witan copy`, from whatever an earlier one has left to the end.
struct CopyRun: Sendable {
    private let source: any SQLDatabase
    private let target: any SQLDatabase
    private let secrets: ServerSecrets?
    private let time = TimeSource.system

    /// Takes the databases, and the secrets if they are at hand.
    init(_ source: any SQLDatabase, _ target: any SQLDatabase, _ secrets: ServerSecrets?) {
        self.source = source
        self.target = target
        self.secrets = secrets
    }

    /// Copies what is missing, compares both sides, checks the audit log, and declares the target complete.
    ///
    /// - Throws: `ExitCode` when its task was cancelled, having told how to go on.
    func run() async throws -> CopyReport {
        if let secrets { try await requireOwnPeppers(secrets) }
        let begin = time.monotonic()
        let copy = InstallationCopy(from: source, to: target) { Checksum() }
        let extent = try await copy.prepare(at: time.now())
        let display = CopyDisplay(copied: extent.copied, time: time)
        defer { display.end() }
        do {
            try await copy.copyRows(extent) { display.show($0) }
            let copied = time.monotonic()
            let comparisons = try await copy.compare(extent) { display.show($0) }
            display.end()
            var report = CopyReport(
                extent: extent,
                comparisons: comparisons,
                copyingTime: .nanoseconds(copied - begin),
                checkingTime: .nanoseconds(time.monotonic() - copied)
            )
            guard report.differences.isEmpty else { return report }
            report.audit = try await auditReport()
            try await copy.finish()
            return report
        } catch is CancellationError {
            display.tellInterruption()
            throw ExitCode(Self.interrupted)
        }
    }

    /// As shells say it of a command that SIGINT ended.
    private static let interrupted: Int32 = 130

    /// Refuses secrets that are not the source's: with them, no key would work in the target.
    private func requireOwnPeppers(_ secrets: ServerSecrets) async throws {
        let checks = try await source.read { try CredentialStore().pepperChecks(on: $0) }
        for (version, check) in checks where secrets.peppers.check(version: version) != check {
            throw Failure(
                .invalidRequest,
                """
                Pepper \(version) of the source is not in the secrets, or another one is: name the secrets that \
                belong to the source with --secrets.
                """
            )
        }
    }

    private func auditReport() async throws -> AuditStore.Report? {
        guard let secrets else { return nil }
        let ids = ObjectIDGenerator(time: time, random: .system)
        return try await AuditLog(key: secrets.auditKey, ids: ids, time: time).verify(in: target)
    }
}

extension Checksum: CopyChecksum {}
