package import WitanCore

/// A value that goes into a statement or comes out of a row, of the kinds that both engines store.
package enum SQLValue: Sendable, Hashable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])
}

extension SQLValue {
    /// Refuses what not all engines can keep: PostgreSQL no U+0000, at which SQLite's functions stop, and SQLite no NaN,
    /// in place of which it would store null.
    package func requireStorable() throws(Failure) {
        switch self {
        case .text(let text) where text.utf8.contains(0):
            throw Failure(.invalidRequest, "A text that is stored cannot hold U+0000.")
        case .real(let real) where real.isNaN:
            throw Failure(.invalidRequest, "A number that is stored cannot be NaN.")
        case .null, .integer, .real, .text, .blob: break
        }
    }
}

extension SQLValue: ExpressibleByNilLiteral, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    package init(nilLiteral: ()) { self = .null }

    package init(integerLiteral value: Int64) { self = .integer(value) }

    package init(stringLiteral value: String) { self = .text(value) }
}
