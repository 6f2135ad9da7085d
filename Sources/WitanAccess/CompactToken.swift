import WitanCore
import WitanJSON

/// A JSON Web Token taken apart (RFC 7515, section 7.1), nothing of it trusted yet.
struct CompactToken {
    /// The algorithm that the header names.
    let algorithm: SignatureAlgorithm

    /// The header's `kid`.
    let keyID: String?

    /// The claims, to be used only after the signature has been verified.
    let claims: JSONObject

    /// Whose keys to verify the signature with (`iss`).
    var issuer: String? { claims["iss"]?.string }

    /// What the signature is of.
    let signingInput: ArraySlice<UInt8>

    /// The signature.
    let signature: [UInt8]

    /// Takes a token apart, strictly: each part has one spelling, and each JSON object has each member once.
    ///
    /// Keys that come with a token (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.
    init(_ token: [UInt8]) throws(Failure) {
        let parts = token.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, let signature = Base64URL.decode(parts[2]) else { throw .refused(.malformed) }
        let header = try Self.object(parts[0])
        (algorithm, keyID) = try Self.read(header)
        claims = try Self.object(parts[1])
        signingInput = token[..<parts[1].endIndex]
        self.signature = signature
    }

    private static func object(_ part: ArraySlice<UInt8>) throws(Failure) -> JSONObject {
        guard let bytes = Base64URL.decode(part) else { throw .refused(.malformed) }
        let value: JSONValue
        do {
            value = try JSONParser.parse(bytes)
        } catch {
            throw .refused(.malformed)
        }
        guard let object = value.object else { throw .refused(.malformed) }
        return object
    }

    private static func read(_ header: JSONObject) throws(Failure) -> (SignatureAlgorithm, String?) {
        guard let algorithm = header["alg"]?.string.flatMap(SignatureAlgorithm.init) else {
            throw .refused(.algorithm)
        }
        // RFC 7515, 4.1.11: a reader that does not know an extension named in `crit` must refuse. We know none.
        guard header["crit"] == nil, header["b64"] == nil else { throw .refused(.header) }
        if let type = header["typ"] {
            guard let name = type.string, acceptedTypes.contains(name.lowercased()) else { throw .refused(.header) }
        }
        guard let id = header["kid"] else { return (algorithm, nil) }
        guard let id = id.string else { throw .refused(.header) }
        return (algorithm, id)
    }

    /// Media types, without regard to case (RFC 7515, 4.1.9); the second is for access tokens (RFC 9068, section 2.1).
    private static let acceptedTypes: Set = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"]
}
