import Testing
import WitanAccess
import WitanCore

/// Passwords as the database keeps them (RFC 7914; ADR 0018).
@Suite("Hashes of passwords")
struct PasswordHashTests {
    @Test("a password is that of its hash, also when the hash was read as text, and no other is")
    func check() throws {
        var random = RandomSource.seeded(1)
        let hash = try PasswordHash.make("correct horse battery staple", using: &random)
        let other = try PasswordHash.make("correct horse battery staple", using: &random)
        #expect(hash.text != other.text)
        #expect(hash.text.hasPrefix("$scrypt$ln=15,r=8,p=3$"))
        let read = try #require(PasswordHash(text: hash.text))
        #expect(try read.isHash(of: "correct horse battery staple"))
        for wrong in [
            "correct horse battery stapl", "correct horse battery staple ", "", "Correct horse battery staple",
        ] {
            #expect(try !read.isHash(of: wrong))
        }
        #expect(!"\(hash)".contains(hash.text.suffix(20)))
    }

    @Test("the hash is scrypt's: the third vector of RFC 7914, section 12, shortened to 32 bytes")
    func vector() throws {
        // scrypt (P="pleaseletmein", S="SodiumChloride", N=16384, r=8, p=1)
        let bytes = try #require(
            [UInt8](hex: "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2")
        )
        let salt = Base64URL.encode(Array("SodiumChloride".utf8))
        let text = "$scrypt$ln=14,r=8,p=1$\(salt)$\(Base64URL.encode(bytes))"
        #expect(try #require(PasswordHash(text: text)).isHash(of: "pleaseletmein"))
        #expect(try !#require(PasswordHash(text: text)).isHash(of: "pleaseletmeim"))
    }

    @Test(
        "what is no hash, or asks for more than a hash may cost, is none",
        arguments: [
            "", "x", "$scrypt$", "$bcrypt$ln=15,r=8,p=3$AAAA$AAAA", "$scrypt$ln=15,r=8,p=3$AAAA$AAAA",
            "$scrypt$ln=30,r=8,p=3$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=15,r=800,p=3$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$r=8,ln=15,p=3$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ]
    )
    func malformed(text: String) {
        #expect(PasswordHash(text: text) == nil)
    }

    @Test("nobody has the password of nobody's hash")
    func nobody() throws {
        #expect(try !PasswordHash.nobodys.isHash(of: ""))
    }

    @Test("a new password is long enough, and not too long")
    func rules() {
        #expect(throws: Failure.self) { try Failure.checkNewPassword("eleven char") }
        #expect(throws: Failure.self) { try Failure.checkNewPassword(String(repeating: "a", count: 1_025)) }
        #expect(throws: Never.self) { try Failure.checkNewPassword("twelve chars") }
    }
}
