import Foundation
import Testing
import WitanTesting

/// `Tests/Corpus`, where the fuzzer starts (`make fuzz`): a folder for each target.
///
/// Names begin with `y_` when the file is accepted and with `n_` when it is refused; of others either is right.
@Suite("The corpora and what is nearly in them")
struct CorpusTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: "Corpus")

    /// `WITAN_SEED=42 swift test` tries the mutations of a seed again.
    private static let seed: UInt64 =
        ProcessInfo.processInfo.environment["WITAN_SEED"].flatMap { UInt64($0) } ?? .random(in: .min ... .max)

    private func files(_ target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let folder = Self.root.appending(path: target.name)
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
            .map { ($0.lastPathComponent, Array(try Data(contentsOf: $0))) }
    }

    @Test("every folder belongs to a target, and every target has one")
    func foldersAreTargets() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.root.path)
        #expect(Set(folders) == Set(FuzzTarget.all.map(\.name)))
    }

    @Test("every file is accepted or refused as its name says, and nothing breaks", arguments: FuzzTarget.all)
    func filesHold(target: FuzzTarget) async throws {
        let files = try files(target)
        #expect(files.count >= 15)
        for file in files {
            let verdict = try await target.check(file.bytes)
            switch file.name.prefix(2) {
            case "y_": #expect(verdict == .accepted, "\(file.name)")
            case "n_": #expect(verdict == .refused, "\(file.name)")
            default: break
            }
        }
    }

    @Test("nothing breaks when the files are changed", arguments: FuzzTarget.all, [seed])
    func mutationsHold(target: FuzzTarget, seed: UInt64) async throws {
        var mutator = Mutator(corpus: try files(target).map(\.bytes), seed: seed)
        for _ in 0..<3_000 {
            let bytes = mutator.next()
            do {
                _ = try await target.check(bytes)
            } catch {
                Issue.record("\(error): WITAN_SEED=\(seed), \(Data(bytes).base64EncodedString())")
                return
            }
        }
    }
}
