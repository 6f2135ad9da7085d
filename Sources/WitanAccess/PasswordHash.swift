internal import CryptoExtras
package import WitanCore

/// A password as the database keeps it: scrypt (RFC 7914) in the form `$scrypt$ln=15,r=8,p=3$SALT$HASH`, in base64url.
///
/// The parameters are OWASP's for scrypt with 32 MiB of memory (Password Storage Cheat Sheet), and stand in the text so
/// that later ones can be greater. Making one and checking one takes some tenths of a second of a processor: never on
/// a thread that others wait for.
package struct PasswordHash: Sendable, Concealed {
    /// The text for the database.
    package let text: String

    private let parameters: Parameters
    private let salt: [UInt8]
    private let hash: [UInt8]

    /// The shortest password that people may choose, in characters.
    package static let leastCharacters = 12

    /// The longest password, in bytes.
    package static let mostBytes = 1_024

    private struct Parameters: Sendable, Equatable {
        var logarithmOfRounds = 15
        var blockSize = 8
        var parallelism = 3
    }

    /// Hashes a password with a new salt.
    package static func make(_ password: String, using random: inout RandomSource) throws(Failure) -> PasswordHash {
        let parameters = Parameters()
        let salt = random.bytes(16)
        let hash = try derive(password, parameters, salt)
        return PasswordHash(parameters: parameters, salt: salt, hash: hash)
    }

    /// A hash that no password has, to be checked where nobody has one: it takes as long.
    package static let nobodys = PasswordHash(
        parameters: Parameters(),
        salt: [UInt8](repeating: 0, count: 16),
        hash: [UInt8](repeating: 0, count: hashBytes)
    )

    /// Reads what the database holds; nil when it is no hash that this version can check.
    package init?(text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt",
            let salt = Base64URL.decode(parts[3].utf8), let hash = Base64URL.decode(parts[4].utf8),
            hash.count == Self.hashBytes
        else { return nil }
        var numbers: [Int] = []
        for (part, name) in zip(parts[2].split(separator: ","), ["ln=", "r=", "p="]) {
            guard part.hasPrefix(name), let number = Int(part.dropFirst(name.count)) else { return nil }
            numbers.append(number)
        }
        guard numbers.count == 3, (1...17).contains(numbers[0]), (1...16).contains(numbers[1]),
            (1...16).contains(numbers[2])
        else { return nil }
        let parameters = Parameters(logarithmOfRounds: numbers[0], blockSize: numbers[1], parallelism: numbers[2])
        self.init(parameters: parameters, salt: salt, hash: hash)
    }

    /// Whether this is the password, found in a time that does not depend on where it differs.
    package func isHash(of password: String) throws(Failure) -> Bool {
        let other = try Self.derive(password, parameters, salt)
        return hash.isEqualInConstantTime(to: other) && self.salt != Self.nobodys.salt
    }

    private init(parameters: Parameters, salt: [UInt8], hash: [UInt8]) {
        self.parameters = parameters
        self.salt = salt
        self.hash = hash
        let (log, block, parallelism) = (parameters.logarithmOfRounds, parameters.blockSize, parameters.parallelism)
        text = "$scrypt$ln=\(log),r=\(block),p=\(parallelism)$\(Base64URL.encode(salt))$\(Base64URL.encode(hash))"
    }

    private static let hashBytes = 32

    private static func derive(
        _ password: String,
        _ parameters: Parameters,
        _ salt: [UInt8]
    ) throws(Failure) -> [UInt8] {
        do {
            let key = try KDF.Scrypt.deriveKey(
                from: Array(password.utf8),
                salt: salt,
                outputByteCount: hashBytes,
                rounds: 1 << parameters.logarithmOfRounds,
                blockSize: parameters.blockSize,
                parallelism: parameters.parallelism
            )
            return key.withUnsafeBytes { Array($0) }
        } catch {
            throw .bug("A password could not be hashed.", underlying: error)
        }
    }
}

extension Failure {
    /// Refuses a password that nobody should choose, in a sentence that names the rule.
    ///
    /// Length alone is asked for (NIST SP 800-63B, 3.1.1.2): rules about kinds of characters make passwords worse.
    package static func checkNewPassword(_ password: String) throws(Failure) {
        guard password.unicodeScalars.count >= PasswordHash.leastCharacters else {
            throw Failure(
                .invalidRequest,
                "The password must have at least \(PasswordHash.leastCharacters) characters; several words are fine."
            )
        }
        guard password.utf8.count <= PasswordHash.mostBytes else {
            throw Failure(.invalidRequest, "The password must have at most \(PasswordHash.mostBytes) bytes.")
        }
    }
}
