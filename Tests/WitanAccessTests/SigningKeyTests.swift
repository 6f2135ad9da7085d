import Testing
import WitanAccess
import WitanCore
import WitanJSON

@Suite("The signing key")
struct SigningKeyTests {
    /// RFC 8037, appendix A.1 to A.4.
    private static let seed = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
    private static let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    private static let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"

    private func make() throws -> SigningKey {
        try SigningKey(seed: #require(Base64URL.decode(Self.seed.utf8)))
    }

    @Test("the document and the thumbprint are those of RFC 8037's example")
    func document() throws {
        let key = try make()
        #expect(key.id == Self.thumbprint)
        let expected = """
            {"keys":[{"kty":"OKP","crv":"Ed25519","x":"\(Self.x)","kid":"\(Self.thumbprint)","alg":"EdDSA","use":"sig"}]}
            """
        #expect(String(decoding: key.publicDocument, as: UTF8.self) == expected)
        #expect(key.publicKeySet.contains(id: Self.thumbprint))
    }

    @Test("a token has header, claims and a signature of both")
    func sign() throws {
        let key = try make()
        let parts = try key.sign(["sub": "user-1", "n": 1]).split(separator: ".")
        let decoded = try parts.map { try #require(Base64URL.decode($0.utf8)) }
        let header = #"{"alg":"EdDSA","kid":"\#(Self.thumbprint)","typ":"JWT"}"#
        #expect(String(decoding: decoded[0], as: UTF8.self) == header)
        #expect(String(decoding: decoded[1], as: UTF8.self) == #"{"sub":"user-1","n":1}"#)
        let verification = try #require(key.publicKeySet.key(id: key.id, for: .edDSA))
        #expect(verification.isValidSignature(decoded[2], of: Array("\(parts[0]).\(parts[1])".utf8)[...]))
    }

    @Test("a seed of another length is refused", arguments: [0, 16, 31, 33, 64])
    func length(count: Int) {
        #expect(throws: Failure.self) { try SigningKey(seed: [UInt8](repeating: 1, count: count)) }
    }
}
