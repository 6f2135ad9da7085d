package import WitanCore

/// Everything that must outlive the process and must not be in the database: peppers, audit key and signing key.
///
/// The text form has one of them a line: `pepper VERSION BASE64`, `audit BASE64`, `signing BASE64`; empty lines and
/// lines that begin with `#` say nothing. Whoever writes it to a file gives the file mode 0600.
package struct ServerSecrets: Sendable, Concealed {
    /// What credentials' digests are keyed with.
    package let peppers: Peppers

    /// What the audit log is chained with.
    package let auditKey: AuditKey

    /// The 32 bytes of the Ed25519 private key that signs the server's own sessions (RFC 8032, section 5.1.5).
    package let signingKeySeed: [UInt8]

    /// Fresh ones, with one pepper.
    package static func generate(using random: inout RandomSource) throws(Failure) -> ServerSecrets {
        ServerSecrets(
            peppers: try Peppers([1: random.bytes(Peppers.leastBytes)]),
            auditKey: AuditKey(bytes: random.bytes(leastAuditKeyBytes)),
            signingKeySeed: random.bytes(seedBytes)
        )
    }

    /// The same with one pepper more, which new keys use from then on.
    package func rotatingPeppers(using random: inout RandomSource) throws(Failure) -> ServerSecrets {
        replacingPeppers(
            try Peppers(
                peppers.values.merging([peppers.newest + 1: random.bytes(Peppers.leastBytes)]) { first, _ in first }
            )
        )
    }

    /// The same without one pepper, which must not be the newest; keys stored under it are accepted no longer.
    package func removingPepper(version: Int) throws(Failure) -> ServerSecrets {
        guard peppers.versions.contains(version) else {
            throw Failure(.invalidRequest, "There is no pepper \(version): choose one of \(peppers.versions).")
        }
        guard version != peppers.newest else {
            throw Failure(.conflict, "Pepper \(version) is the newest: add a newer one before removing it.")
        }
        return replacingPeppers(try Peppers(peppers.values.filter { $0.key != version }))
    }

    /// The text form, which `parse` reads.
    package func serialized() -> String {
        let peppers = peppers.values.sorted { $0.key < $1.key }.map { "pepper \($0.key) \(Base64.encode($0.value))\n" }
        return """
            # Witan's secrets: keep them private, and keep a copy, because no key can be checked without them.
            \(peppers.joined())audit \(Base64.encode(auditKey.bytes))
            signing \(Base64.encode(signingKeySeed))

            """
    }

    private init(peppers: Peppers, auditKey: AuditKey, signingKeySeed: [UInt8]) {
        self.peppers = peppers
        self.auditKey = auditKey
        self.signingKeySeed = signingKeySeed
    }

    private func replacingPeppers(_ peppers: Peppers) -> ServerSecrets {
        ServerSecrets(peppers: peppers, auditKey: auditKey, signingKeySeed: signingKeySeed)
    }

    private static let leastAuditKeyBytes = 32
    private static let seedBytes = 32
}

// MARK: - Parsing

extension ServerSecrets {
    /// Reads the text form.
    ///
    /// `signing` also takes the one line between the markers of an Ed25519 private key in PEM (RFC 8410, section 7).
    /// A refusal names the line's number, never anything that stands in it.
    package static func parse(_ text: String) throws(Failure) -> ServerSecrets {
        var peppers: [Int: [UInt8]] = [:]
        var auditKey: [UInt8]?
        var seed: [UInt8]?
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let fields = line.split(whereSeparator: \.isWhitespace)
            guard let keyword = fields.first, !keyword.hasPrefix("#") else { continue }
            func refusal(_ sentence: String) -> Failure {
                Failure(.invalidRequest, "Line \(index + 1) of the secrets: \(sentence)")
            }
            func bytes(at place: Int, form: String) throws(Failure) -> [UInt8] {
                guard fields.count == place + 1 else { throw refusal("must have the form “\(form)”.") }
                guard let bytes = Base64.decode(fields[place]) else {
                    throw refusal("what stands for BASE64 is not base64 with its padding.")
                }
                return bytes
            }
            switch keyword {
            case "pepper":
                let value = try bytes(at: 2, form: "pepper VERSION BASE64")
                guard let version = Int(fields[1]), String(version) == fields[1], version > 0 else {
                    throw refusal("VERSION must be a whole number from 1.")
                }
                guard peppers[version] == nil else { throw refusal("this pepper's version is given twice.") }
                guard value.count >= Peppers.leastBytes else {
                    throw refusal("a pepper must be at least \(Peppers.leastBytes) bytes long.")
                }
                peppers[version] = value
            case "audit":
                guard auditKey == nil else { throw refusal("the audit key is given twice.") }
                let value = try bytes(at: 1, form: "audit BASE64")
                guard value.count >= leastAuditKeyBytes else {
                    throw refusal("the audit key must be at least \(leastAuditKeyBytes) bytes long.")
                }
                auditKey = value
            case "signing":
                guard seed == nil else { throw refusal("the signing key is given twice.") }
                guard let value = privateKeySeed(try bytes(at: 1, form: "signing BASE64")) else {
                    throw refusal("the signing key must be the \(seedBytes) bytes of an Ed25519 private key.")
                }
                seed = value
            default:
                throw refusal("must begin with “pepper”, “audit”, “signing” or “#”.")
            }
        }
        guard let auditKey else { throw Failure(.invalidRequest, "The secrets need a line “audit BASE64”.") }
        guard let seed else { throw Failure(.invalidRequest, "The secrets need a line “signing BASE64”.") }
        return ServerSecrets(
            peppers: try Peppers(peppers),
            auditKey: AuditKey(bytes: auditKey),
            signingKeySeed: seed
        )
    }

    /// What comes before the seed in the only PKCS #8 form that an Ed25519 key without attributes has.
    private static let privateKeyInfo: [UInt8] = [
        0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ]

    private static func privateKeySeed(_ bytes: [UInt8]) -> [UInt8]? {
        let seed = bytes.starts(with: privateKeyInfo) ? Array(bytes.dropFirst(privateKeyInfo.count)) : bytes
        return seed.count == seedBytes ? seed : nil
    }
}
