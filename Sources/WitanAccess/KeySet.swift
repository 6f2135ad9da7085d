import Crypto
package import WitanCore
import WitanJSON

/// The public keys of an issuer, from a JWKS document (RFC 7517, section 5).
package struct KeySet: Sendable {
    /// Tells this set from one of another document.
    let fingerprint: SHA256.Digest

    private let keys: [VerificationKey]
    private let keysByID: [String: VerificationKey]

    /// Reads a document.
    ///
    /// Taken are signature keys (`use`, `alg` and `key_ops` are absent or fit) of the types RSA with 2,048 bits or
    /// more, EC on P-256, and OKP on Ed25519; others are passed over, shared secrets (`oct`) among them. A failure
    /// names the place: a key of these types that is malformed, a `kid` given twice, a document with no key to take.
    package init(document: [UInt8], limits: Limits = Limits()) throws(Failure) {
        guard document.count <= limits.keySetBytes else {
            throw .invalidSetting("The JWKS document", "must not be longer than \(limits.keySetBytes) bytes")
        }
        var keys: [VerificationKey] = []
        var keysByID: [String: VerificationKey] = [:]
        for (position, jwk) in try Self.elements(of: document, limits: limits).enumerated() {
            let place = "The JWKS document's keys[\(position)]"
            guard let object = jwk.object else { throw .invalidSetting(place, "must be an object") }
            guard let key = try VerificationKey(jwk: object, at: place) else { continue }
            if let id = key.id, keysByID.updateValue(key, forKey: id) != nil {
                throw .invalidSetting("\(place).kid", "must differ from the `kid` of every other key")
            }
            keys.append(key)
        }
        guard !keys.isEmpty else {
            throw .invalidSetting(
                "The JWKS document",
                "must hold a public signature key for RS256 (2,048 bits or more), ES256 or EdDSA"
            )
        }
        self.keys = keys
        self.keysByID = keysByID
        fingerprint = SHA256.hash(data: document)
    }

    private static func elements(of document: [UInt8], limits: Limits) throws(Failure) -> [JSONValue] {
        let root: JSONValue
        do {
            root = try JSONParser.parse(document, maximumDepth: limits.jsonDepth)
        } catch {
            throw Failure(.invalidRequest, "The JWKS document is not valid JSON: \(error.detail).")
        }
        guard let elements = root.object?["keys"]?.array else {
            throw .invalidSetting("The JWKS document", "must be an object with an array as its member `keys`")
        }
        return elements
    }

    /// Whether a key has this `kid`.
    package func contains(id: String) -> Bool {
        keysByID[id] != nil
    }

    /// The key for a token: the one with its `kid`, or, when it has none, the only one for its algorithm.
    ///
    /// `nil` when the key with the `kid` is for another algorithm.
    package func key(id: String?, for algorithm: SignatureAlgorithm) -> VerificationKey? {
        if let id {
            guard let key = keysByID[id], key.algorithm == algorithm else { return nil }
            return key
        }
        let fitting = keys.filter { $0.algorithm == algorithm }
        return fitting.count == 1 ? fitting.first : nil
    }
}
