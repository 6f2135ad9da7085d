/// A JSON number of any size and precision, kept as the text it was written with.
///
/// Two numbers are equal when their texts are, so `1`, `1.0` and `1e0` are three different numbers.
package struct JSONNumber: Sendable, Hashable {
    /// The number in the grammar of RFC 8259, 6.
    package let text: String

    /// Makes a number from an integer.
    package init(_ value: Int) {
        text = String(value)
    }

    /// Makes a number from a 64-bit integer.
    package init(_ value: Int64) {
        text = String(value)
    }

    /// Makes a number with the shortest text that reads back as the same `Double`.
    ///
    /// Gives nil for infinities and NaN, which JSON can't express.
    package init?(_ value: Double) {
        guard value.isFinite else { return nil }
        text = value.description
    }

    /// Makes a number from text that a parser has checked against the grammar.
    init(checked text: String) {
        self.text = text
    }

    /// The number as an integer, or nil when it has a fraction or an exponent, or doesn't fit.
    ///
    /// Goes by the text: `1` is an integer, `1.0` and `1e2` are not. `-0` is 0.
    package var int: Int? {
        Int(text)
    }

    /// The nearest `Double`, or nil when the number is beyond its range.
    package var double: Double? {
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }
}
