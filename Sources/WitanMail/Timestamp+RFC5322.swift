import WitanCore

extension Timestamp {
    /// The date of a message (RFC 5322, 3.3), in UTC: `Wed, 12 Nov 2025 02:58:27 +0000`; good for 1970 to 9999.
    var rfc5322: String {
        let text = rfc3339
        let parts = text.prefix { $0 != "T" }.split(separator: "-")
        let time = text.drop { $0 != "T" }.dropFirst().prefix { $0 != "." }
        // The first of January 1970 was a Thursday.
        let weekday = Self.weekdays[Int((seconds / 86_400 + 4) % 7)]
        let month = Self.months[(Int(parts[1]) ?? 1) - 1]
        return "\(weekday), \(parts[2]) \(month) \(parts[0]) \(time) +0000"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}
