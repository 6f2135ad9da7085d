import Foundation
import Testing
import WitanAccess
import WitanCore
import WitanJSON

/// Hostile tokens in `Tests/Corpus/jwt`, named `WHAT.REASON.jwt` after what is wrong and why it must be refused.
///
/// Most are signed with the key of the seed 0, 1, … 31, so that nothing but their one fault speaks against them.
@Suite("Tokens: corpus")
struct TokenCorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Corpus/jwt")

    static func files() throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
    }

    private func makeVerifier(_ key: SigningKey) throws -> TokenVerifier {
        let issuer = try TrustedIssuer(
            name: TokenFixture.issuer,
            audience: TokenFixture.audience,
            keys: key.publicKeySet
        )
        return try TokenVerifier(issuers: [issuer], time: TokenTestClock().source)
    }

    @Test("each is refused, for the reason in its name")
    func refused() async throws {
        let verifier = try makeVerifier(SigningKey(seed: Array(0..<32)))
        let files = try Self.files()
        #expect(files.count >= 40)
        for file in files {
            let name = file.lastPathComponent
            let token = String(decoding: try Data(contentsOf: file), as: UTF8.self)
            let refusal = try await verifier.refusal(of: token)
            #expect(refusal?.rawValue == name.split(separator: ".").dropLast().last.map(String.init), "\(name)")
        }
    }

    @Test("a token without a fault, by the same key, is accepted")
    func control() async throws {
        let key = try SigningKey(seed: Array(0..<32))
        #expect(try await makeVerifier(key).refusal(of: key.sign(TokenFixture.claims)) == nil)
    }
}
