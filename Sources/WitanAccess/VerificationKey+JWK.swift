import WitanCore
import WitanJSON

extension VerificationKey {
    /// The least size of an RSA key (RFC 7518, section 3.3).
    private static let leastModulusBits = 2_048

    /// Reads a JSON Web Key (RFC 7517, section 4); `nil` when it is not a public key for one of our algorithms.
    ///
    /// A key that claims to be one and is malformed, or comes with its private part, is a failure that names the
    /// member after `place`. What else a key holds (`x5c`, `x5t`, …) is not looked at.
    init?(jwk: JSONObject, at place: String) throws(Failure) {
        let reader = JWKReader(jwk: jwk, place: place)
        guard let algorithm = reader.algorithm,
            try reader.isForVerifying(algorithm)
        else { return nil }
        if jwk["d"] != nil {
            throw reader.invalid("d", "must not be there: this is a private key, publish its public part alone")
        }
        let id = try reader.text("kid")
        do {
            switch algorithm {
            case .rs256:
                let modulus = Array(try reader.bytes("n").drop { $0 == 0 })
                guard modulus.bitWidth >= Self.leastModulusBits else { return nil }
                try self.init(id: id, modulus: modulus, exponent: reader.bytes("e"))
            case .es256:
                try self.init(id: id, x: reader.bytes("x", count: 32), y: reader.bytes("y", count: 32))
            case .edDSA:
                try self.init(id: id, ed25519: reader.bytes("x", count: 32))
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure.invalidSetting(place, "is not a valid public key for \(algorithm.rawValue)")
        }
    }
}

/// Reads the members of one key.
private struct JWKReader {
    let jwk: JSONObject
    let place: String

    /// The algorithm that the key's type and curve are for.
    var algorithm: SignatureAlgorithm? {
        switch (jwk["kty"]?.string, jwk["crv"]?.string) {
        case ("RSA", _): .rs256
        case ("EC", "P-256"): .es256
        case ("OKP", "Ed25519"): .edDSA
        default: nil
        }
    }

    func isForVerifying(_ algorithm: SignatureAlgorithm) throws(Failure) -> Bool {
        if let use = try text("use"), use != "sig" { return false }
        if let name = try text("alg"), name != algorithm.rawValue { return false }
        guard let operations = jwk["key_ops"] else { return true }
        guard let operations = operations.array else { throw invalid("key_ops", "must be an array of strings") }
        return operations.contains("verify")
    }

    func text(_ name: String) throws(Failure) -> String? {
        guard let value = jwk[name] else { return nil }
        guard let text = value.string else { throw invalid(name, "must be a string") }
        return text
    }

    func bytes(_ name: String, count: Int? = nil) throws(Failure) -> [UInt8] {
        guard let text = jwk[name]?.string, let bytes = Base64URL.decode(text.utf8), !bytes.isEmpty else {
            throw invalid(name, "must be bytes in base64url without padding")
        }
        if let count, bytes.count != count {
            throw invalid(name, "must be \(count) bytes in base64url without padding")
        }
        return bytes
    }

    func invalid(_ name: String, _ expectation: String) -> Failure {
        .invalidSetting("\(place).\(name)", expectation)
    }
}

extension [UInt8] {
    /// The number of bits of the big-endian integer; the first byte is not zero.
    fileprivate var bitWidth: Int {
        count * 8 - (first?.leadingZeroBitCount ?? 0)
    }
}
