package import WitanCore

extension RateLimit {
    /// Reads a setting: `1000/s`, `60/m`, `1000/s burst 2000`, or `off`, which is `nil`.
    ///
    /// Without `burst`, as many events are allowed at once as in a period.
    package static func parse(_ text: String) throws(Failure) -> RateLimit? {
        let words = text.split(separator: " ")
        if words == ["off"] { return nil }
        let rate = words.first?.split(separator: "/", omittingEmptySubsequences: false) ?? []
        guard rate.count == 2, let period = Period(rawValue: String(rate[1])),
            words.count == 1 || (words.count == 3 && words[1] == "burst"),
            let events = number(rate[0]), let burst = words.count == 1 ? events : number(words[2])
        else {
            throw Failure(
                .invalidRequest,
                """
                A rate limit must be “off” or have the form “1000/s”, “60/m” or “1000/s burst 2000”, with numbers from \
                \(range.lowerBound) to \(range.upperBound).
                """
            )
        }
        return RateLimit(events, per: period, burst: burst)
    }

    private static func number(_ text: Substring) -> Int? {
        guard let value = Int(text), range.contains(value), text.utf8.first != UInt8(ascii: "+") else { return nil }
        return value
    }
}
