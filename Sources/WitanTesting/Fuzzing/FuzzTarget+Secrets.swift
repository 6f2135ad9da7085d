import WitanAccess
import WitanCore

extension FuzzTarget {
    /// An API key or service token: what is accepted stays as it is, and not with another character in any place.
    static let secret = FuzzTarget(name: "secret") { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        guard let secret = Secret(parsing: text) else { return .refused }
        try require(secret.reveal().utf8.elementsEqual(text.utf8), "a key is kept as it was sent")
        try require(text.hasPrefix(secret.kind.rawValue), "a key is of the kind that its prefix says")
        try require(Secret(parsing: secret.preview) == nil, "what is shown of a key is no key")
        try require("\(secret)" == secret.preview, "a key that is printed shows no more than its preview")
        let digits = Array(text.utf8)
        for place in digits.indices.dropFirst(secret.kind.rawValue.utf8.count) {
            var typed = digits
            typed[place] = digits[place] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
            try require(
                Secret(parsing: String(decoding: typed, as: UTF8.self)) == nil,
                "a key with one wrong digit is refused"
            )
        }
        return .accepted
    }

    /// The file of secrets: what is accepted survives writing, and no refusal repeats what stands in the file.
    static let secretsFile = FuzzTarget(name: "secrets-file") { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        let secrets: ServerSecrets
        do throws(Failure) {
            secrets = try ServerSecrets.parse(text)
        } catch {
            let words = text.split(whereSeparator: \.isWhitespace)
            try require(
                !words.contains { $0.count >= longestOwnWord && error.message.contains($0) },
                "a refusal repeats nothing of the file"
            )
            return .refused
        }
        let written = secrets.serialized()
        let read = try ServerSecrets.parse(written)
        try require(read.serialized() == written, "secrets stay the same when written and read")
        try require(read.peppers.versions == secrets.peppers.versions, "all peppers are written")
        _ = try SigningKey(seed: read.signingKeySeed)
        return .accepted
    }

    /// Longer than any word of a refusal's own.
    private static let longestOwnWord = 12
}
