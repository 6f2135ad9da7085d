import Foundation
import Testing
import WitanJSON

@Suite("The corpus of tiny files")
struct CorpusTests {
    /// `Tests/Corpus/json`; names begin with `y_` when the file is read, `n_` when refused, `i_` when it may be either.
    private static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Corpus/json")

    @Test("every file is read or refused as its name says")
    func readsCorpus() throws {
        let files = try FileManager.default.contentsOfDirectory(at: Self.folder, includingPropertiesForKeys: nil)
        #expect(files.count >= 30)
        for file in files {
            let bytes = [UInt8](try Data(contentsOf: file))
            // Why a file is refused is a matter for the tables.
            let isAccepted = (try? JSONParser.parse(bytes)) != nil
            switch file.lastPathComponent.prefix(2) {
            case "y_": #expect(isAccepted, "\(file.lastPathComponent)")
            case "n_": #expect(!isAccepted, "\(file.lastPathComponent)")
            case "i_": break
            default: Issue.record("\(file.lastPathComponent) starts with neither y_, n_ nor i_")
            }
        }
    }
}
