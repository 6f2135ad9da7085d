/// What a client says it takes (RFC 9110, 12.5.1).
enum MediaTypes {
    /// Whether `text/plain` is preferred to `application/json`; without a preference, JSON.
    static func prefersText(accept: String?) -> Bool {
        guard let accept, accept != "*/*", accept != "application/json" else { return false }
        return quality(of: "text", "plain", in: accept) > quality(of: "application", "json", in: accept)
    }

    /// The quality of a media type: that of the most specific range that holds it.
    private static func quality(of type: Substring, _ subtype: Substring, in accept: String) -> Double {
        var best = (specificity: -1, quality: 0.0)
        for range in accept.split(separator: ",") {
            let parts = range.split(separator: ";").map { trimmed($0) }
            let names = parts.first?.lowercased().split(separator: "/") ?? []
            guard names.count == 2 else { continue }
            let specificity: Int
            switch (names[0], names[1]) {
            case (type, subtype): specificity = 2
            case (type, "*"): specificity = 1
            case ("*", "*"): specificity = 0
            default: continue
            }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") || $0.hasPrefix("Q=") }
            let quality = weight.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            if specificity > best.specificity { best = (specificity, quality) }
        }
        return best.quality
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
