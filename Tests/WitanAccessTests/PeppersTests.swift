import Testing
import WitanAccess
import WitanCore

@Suite("Peppers and stored digests")
struct PeppersTests {
    private static let key = "sk-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZWiTaN10ZfxF7"
    private static let first = Array(UInt8(0)..<32)
    private static let second: [UInt8] = stride(from: 255, to: 207, by: -1).map { UInt8($0) }

    /// Computed with Python's hashlib and hmac.
    private static let digests = [
        1: "0cfe49838afdec042de3c5625b810c1e0783ad9e0b3e17c2bb974818cbdf2efc",
        2: "f41bca61c16b8d5cff8dc65c2fe067b0f04383114bc00b2b4b9dbdad4fad3161",
    ]
    private static let checks = [
        1: "3039ac920a212e73fcdd51b8755868c1fc474466c4a20a61d812b2c639d0718a",
        2: "4e3678720e2437baf593530868a879a53e83ff0c8acd5224359830fba3510194",
    ]

    private let peppers: Peppers
    private let credential = CredentialDigest(of: Self.key)

    init() throws {
        peppers = try Peppers([1: Self.first, 2: Self.second])
    }

    @Test("The database holds HMAC-SHA256(pepper, SHA-256(key))", arguments: [1, 2])
    func storesDigests(version: Int) throws {
        #expect(peppers.digest(credential, version: version)?.bytes.hex == Self.digests[version])
        #expect(peppers.check(version: version)?.hex == Self.checks[version])
    }

    @Test("Candidates come newest first, and a version that is not there has no digest")
    func ordersVersions() throws {
        #expect(peppers.newest == 2)
        #expect(peppers.versions == [2, 1])
        let candidates = peppers.candidates(credential)
        #expect(candidates.map(\.version) == [2, 1])
        #expect(candidates.map(\.digest.bytes.hex) == [2, 1].map { Self.digests[$0] })
        #expect(peppers.digest(credential, version: 3) == nil)
        #expect(peppers.check(version: 3) == nil)
    }

    @Test("The digest of a text does not depend on how the text is stored")
    func hashesAnyStorage() {
        let padded = "Bearer \(Self.key) end"
        #expect(CredentialDigest(of: padded.dropFirst(7).dropLast(4)) == credential)
        #expect(CredentialDigest(of: Self.key.dropLast()) != credential)
        let long = String(repeating: "eyJ.", count: 1_000)
        #expect(CredentialDigest(of: long) == CredentialDigest(of: long[...]))
    }

    @Test("Stored digests compare equal when all 256 bits do, and only then")
    func comparesEveryBit() throws {
        let bytes = try #require(peppers.digest(credential, version: 1)).bytes
        let stored = try #require(StoredDigest(bytes: bytes))
        #expect(stored.bytes == bytes)
        #expect(stored.isEqual(to: try #require(peppers.digest(credential, version: 1))))
        for bit in 0..<256 {
            var other = bytes
            other[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!stored.isEqual(to: try #require(StoredDigest(bytes: other))), "bit \(bit)")
        }
    }

    @Test("A stored digest of another length is refused", arguments: [0, 31, 33, 64])
    func refusesOtherLengths(count: Int) {
        #expect(StoredDigest(bytes: [UInt8](repeating: 7, count: count)) == nil)
    }

    @Test(
        "Unusable peppers are refused",
        arguments: [[:], [1: Array(first.dropLast())], [0: first], [-1: first], [Int(Int32.max) + 1: first]]
    )
    func refuses(values: [Int: [UInt8]]) {
        #expect(throws: Failure.self) { try Peppers(values) }
    }
}
