import Testing
import WitanAccess
import WitanCore

@Suite("The file of secrets")
struct ServerSecretsTests {
    private static let thirtyTwo = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    private static let fortyEight = "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eDf3t3c29rZ2NfW1dTT0tHQ"
    private static let tooShort = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg=="

    @Test("Both forms of a signing key, comments, blank lines, tabs and foreign line ends are read")
    func parses() throws {
        // The signing key is the middle line of what `openssl genpkey -algorithm ed25519` printed.
        let secrets = try ServerSecrets.parse(
            "# comment\r\n\r\n  pepper 2\t\(Self.fortyEight)  \r\npepper 1 \(Self.thirtyTwo)\r\naudit \(Self.fortyEight)"
                + "\r\nsigning MC4CAQAwBQYDK2VwBCIEIGVRW0rSGAbkl4/0DGUUgA8KFG0cviJRAGTmBfvmaxtR"
        )
        #expect(secrets.peppers.versions == [2, 1])
        #expect(secrets.signingKeySeed.hex == "65515b4ad21806e4978ff40c6514800f0a146d1cbe22510064e605fbe66b1b51")
        // Computed with Python's hmac.
        #expect(
            secrets.auditKey.authenticationCode(for: Array("row".utf8)).hex
                == "260c4954eb55ab66b8016a054a82e38765c006d3b9762b2569dfb9ac2661d3e9"
        )
        #expect(
            secrets.peppers.check(version: 2)?.hex == "4e3678720e2437baf593530868a879a53e83ff0c8acd5224359830fba3510194"
        )
    }

    @Test("What is written is read back, through rotation and removal", arguments: Seeds.few)
    func roundTrips(seed: UInt64) throws {
        var random = RandomSource.seeded(seed)
        let fresh = try ServerSecrets.generate(using: &random)
        #expect(fresh.peppers.versions == [1])
        #expect(fresh.signingKeySeed.count == 32)
        let rotated = try fresh.rotatingPeppers(using: &random)
        #expect(rotated.peppers.versions == [2, 1])
        #expect(rotated.peppers.check(version: 1) == fresh.peppers.check(version: 1))
        #expect(rotated.peppers.check(version: 2) != fresh.peppers.check(version: 1))
        let reduced = try rotated.removingPepper(version: 1)
        #expect(reduced.peppers.versions == [2])
        for secrets in [fresh, rotated, reduced] {
            let read = try ServerSecrets.parse(secrets.serialized())
            #expect(read.peppers.versions == secrets.peppers.versions)
            for version in secrets.peppers.versions {
                #expect(read.peppers.check(version: version) == secrets.peppers.check(version: version))
            }
            #expect(read.auditKey.authenticationCode(for: [1]) == fresh.auditKey.authenticationCode(for: [1]))
            #expect(read.signingKeySeed == fresh.signingKeySeed)
            #expect(read.serialized() == secrets.serialized())
        }
    }

    @Test("Neither the newest pepper nor one that is not there can be removed", arguments: [1, 2])
    func keepsNewest(version: Int) throws {
        var random = RandomSource.seeded(1)
        let secrets = try ServerSecrets.generate(using: &random)
        #expect(throws: Failure.self) { try secrets.removingPepper(version: version) }
    }

    @Test(
        "A wrong line is refused by its number, and nothing of it is repeated",
        arguments: [
            ("pepper 1 \(tooShort)", "at least 32 bytes"), ("pepper one \(thirtyTwo)", "whole number"),
            ("pepper 01 \(thirtyTwo)", "whole number"), ("pepper +1 \(thirtyTwo)", "whole number"),
            ("pepper 0 \(thirtyTwo)", "whole number"), ("pepper 9 \(thirtyTwo)", "given twice"),
            ("pepper \(thirtyTwo)", "the form"), ("pepper 1 \(thirtyTwo) 2", "the form"),
            ("pepper 1 \(thirtyTwo.dropLast())", "not base64"), ("pepper 1 AAECAwQFBgcI_-oLDA0ODxAR", "not base64"),
            ("pepper 1 AB==", "not base64"), ("pepper 1 A===", "not base64"), ("pepper 1 =AAA", "not base64"),
            ("audit \(thirtyTwo)", "given twice"), ("signing \(thirtyTwo)", "given twice"),
            ("Pepper 1 \(thirtyTwo)", "must begin with"), (thirtyTwo, "must begin with"),
        ]
    )
    func namesTheLine(line: String, expected: String) {
        let text =
            "# comment\npepper 9 \(Self.thirtyTwo)\naudit \(Self.thirtyTwo)\nsigning \(Self.thirtyTwo)\n\(line)\n"
        let failure = #expect(throws: Failure.self) { try ServerSecrets.parse(text) }
        #expect(failure?.message.hasPrefix("Line 5 of the secrets:") == true)
        #expect(failure?.message.contains(expected) == true)
        #expect(failure?.message.contains("AAEC") == false)
    }

    @Test(
        "Something missing or of a wrong size is refused",
        arguments: [
            ("audit \(thirtyTwo)\nsigning \(thirtyTwo)", "pepper"),
            ("pepper 1 \(thirtyTwo)\nsigning \(thirtyTwo)", "audit"),
            ("pepper 1 \(thirtyTwo)\naudit \(thirtyTwo)", "signing"),
            ("audit \(tooShort)", "at least 32 bytes"), ("signing \(tooShort)", "Ed25519"),
            ("signing \(fortyEight)", "Ed25519"), ("", "audit"),
        ]
    )
    func namesWhatIsMissing(text: String, expected: String) {
        let failure = #expect(throws: Failure.self) { try ServerSecrets.parse(text) }
        #expect(failure?.message.contains(expected) == true)
    }
}
