/// Takes whatever looks like a key or a JSON Web Token out of free text: the last defence of a log line.
///
/// It errs on the side of hiding. What it leaves alone: previews (`sk-****abcd`), and words in which a prefix happens to
/// occur (`task-4711`).
package enum SecretRedactor {
    /// The text with each secret replaced by its prefix and `****`, in time linear in its length.
    package static func redact(_ text: String) -> String {
        var text = text
        let redacted: [UInt8]? = text.withUTF8 { bytes in
            guard mayHoldSecret(bytes) else { return nil }
            var output: [UInt8] = []
            var copied = 0
            var position = 0
            while let start = bytes[position...].firstIndex(where: isTokenByte) {
                let end = bytes[start...].firstIndex { !isTokenByte($0) } ?? bytes.endIndex
                if let secret = secret(in: bytes[start..<end]) {
                    output.append(contentsOf: bytes[copied..<secret.lowerBound])
                    output.append(contentsOf: mask)
                    copied = secret.upperBound
                }
                position = end
            }
            guard copied > 0 else { return nil }
            output.append(contentsOf: bytes[copied...])
            return output
        }
        return redacted.map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    /// Whether any prefix's end occurs, which it does in few texts; plain indices, since this is looked at for every line.
    private static func mayHoldSecret(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var previous: UInt8 = 0
        for byte in bytes {
            switch (previous, byte) {
            case (UInt8(ascii: "k"), UInt8(ascii: "-")), (UInt8(ascii: "t"), UInt8(ascii: "-")),
                (UInt8(ascii: "y"), UInt8(ascii: "J")):
                return true
            default:
                previous = byte
            }
        }
        return false
    }

    private static let mask = Array("****".utf8)
    private static let keyPrefixes = SecretKind.allCases.map { Array($0.rawValue.utf8) }
    /// The start of `{"` in base64, with which the header of every JSON Web Token begins.
    private static let tokenPrefix = Array("eyJ".utf8)

    /// How much must follow a prefix that stands at the start of a word.
    private static let leastAfterBoundary = 8
    /// How many letters and digits must follow a prefix inside a word: more than a part of a UUID has.
    private static let leastInsideWord = 20

    /// The part of `word` to hide: all that follows the first prefix, but for full stops that end a sentence.
    private static func secret(in word: Slice<UnsafeBufferPointer<UInt8>>) -> Range<Int>? {
        let end = word.lastIndex { $0 != UInt8(ascii: ".") }.map { $0 + 1 } ?? word.startIndex
        let word = word[..<end]
        let lastStop = word.lastIndex(of: UInt8(ascii: ".")) ?? word.startIndex
        for start in word.indices {
            let rest = word[start...]
            if rest.starts(with: tokenPrefix), lastStop - start >= leastAfterBoundary {
                return start + tokenPrefix.count..<end
            }
            for prefix in keyPrefixes where rest.starts(with: prefix) {
                // Runs of letters and digits after different prefixes share no byte, because each prefix ends in "-":
                // looking at each of them keeps the whole linear.
                let body = rest.dropFirst(prefix.count)
                let isAtBoundary = start == word.startIndex || !isLetterOrDigit(word[start - 1])
                if isAtBoundary && body.count >= leastAfterBoundary
                    || body.prefix(while: isLetterOrDigit).count >= leastInsideWord
                {
                    return body.startIndex..<end
                }
            }
        }
        return nil
    }

    /// Whether the byte may be part of a key or a token: base64url, and the dots between a token's parts.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: isLetterOrDigit(byte)
        }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}
