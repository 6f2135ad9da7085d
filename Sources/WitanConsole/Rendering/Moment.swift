import WitanCore

/// A moment as pages show it: exact for the script, which makes it local, and readable without one.
struct Moment: Sendable {
    /// RFC 3339.
    let exact: String

    /// `2026-11-24`.
    let date: String

    /// `2026-11-24 17:20 UTC`.
    let text: String

    init(_ timestamp: Timestamp) {
        exact = timestamp.rfc3339
        date = String(exact.prefix(10))
        text = "\(date) \(exact.dropFirst(11).prefix(5)) UTC"
    }
}
