import Crypto
package import WitanCore
package import WitanJSON

/// The server's own Ed25519 key, with which it signs its sessions.
package struct SigningKey: Sendable, Concealed {
    /// The key's `kid`: its thumbprint (RFC 7638, section 3; RFC 8037, appendix A.3).
    package let id: String

    /// The JWKS document with the public key, for `/.well-known/jwks.json`.
    package let publicDocument: [UInt8]

    /// The public key, for checking the server's own tokens.
    package let publicKeySet: KeySet

    private let key: Curve25519.Signing.PrivateKey

    /// Takes the seed, 32 secret random bytes (RFC 8032, section 5.1.5); equal seeds make equal keys.
    package init(seed: [UInt8]) throws(Failure) {
        do {
            key = try Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        } catch {
            throw .invalidSetting("The signing key", "must be 32 bytes long")
        }
        let x = JSONValue.string(Base64URL.encode(key.publicKey.rawRepresentation))
        // Exactly these members in this order, without white space, are what the thumbprint is of.
        let canonical = JSONWriter.bytes(of: ["crv": "Ed25519", "kty": "OKP", "x": x])
        id = Base64URL.encode(Array(SHA256.hash(data: canonical)))
        let jwk: JSONValue = [
            "kty": "OKP", "crv": "Ed25519", "x": x, "kid": .string(id), "alg": "EdDSA", "use": "sig",
        ]
        publicDocument = JSONWriter.bytes(of: ["keys": [jwk]])
        publicKeySet = try KeySet(document: publicDocument)
    }

    /// The claims as a signed token, with `alg`, `kid` and `typ` in its header.
    package func sign(_ claims: JSONObject) throws(Failure) -> String {
        let header: JSONValue = ["alg": "EdDSA", "kid": .string(id), "typ": "JWT"]
        let parts = [JSONWriter.bytes(of: header), JSONWriter.bytes(of: .object(claims))]
        let signingInput = parts.map(Base64URL.encode).joined(separator: ".")
        do {
            let signature = try key.signature(for: Array(signingInput.utf8))
            return "\(signingInput).\(Base64URL.encode(signature))"
        } catch {
            throw .bug("Ed25519 gave no signature", underlying: error)
        }
    }
}
