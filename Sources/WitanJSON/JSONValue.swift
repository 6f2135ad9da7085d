/// A JSON value that keeps what was written: the order of an object's members and the text of a number.
///
/// Two values are equal when their compact texts are: member order counts, `1` differs from `1.0`, and strings
/// are compared code unit by code unit (RFC 8259, 8.3), not by Unicode equivalence as `String` does.
///
/// Printing, interpolating or dumping a value shows its kind only, since what it holds may be secret.
package enum JSONValue: Sendable {
    /// The literal `null`.
    case null
    /// The literal `true` or `false`.
    case bool(Bool)
    /// A number, with its text.
    case number(JSONNumber)
    /// A string, with its escapes resolved.
    case string(String)
    /// The elements of an array.
    case array([JSONValue])
    /// The members of an object, in order.
    case object(JSONObject)
}

extension JSONValue {
    /// Whether this is the literal `null`.
    package var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The truth value, or nil when this isn't a boolean.
    package var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The number, or nil when this isn't a number.
    package var number: JSONNumber? {
        if case .number(let value) = self { value } else { nil }
    }

    /// The integer, or nil when this isn't a number that `JSONNumber.int` can give.
    package var int: Int? {
        number?.int
    }

    /// The text, or nil when this isn't a string.
    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The elements, or nil when this isn't an array.
    package var array: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The object, or nil when this isn't one.
    package var object: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The name of the value's kind, for sentences such as "expected a string, got an object".
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

extension JSONValue: Hashable {
    /// Whether the two values have the same compact text.
    package static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): left.hasSameCodeUnits(as: right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    /// Feeds the value's kind and content to a hasher.
    package func hash(into hasher: inout Hasher) {
        switch self {
        case .null:
            hasher.combine(0)
        case .bool(let value):
            hasher.combine(1)
            hasher.combine(value)
        case .number(let value):
            hasher.combine(2)
            hasher.combine(value)
        case .string(let value):
            hasher.combine(3)
            value.hashCodeUnits(into: &hasher)
        case .array(let value):
            hasher.combine(4)
            hasher.combine(value)
        case .object(let value):
            hasher.combine(5)
            hasher.combine(value)
        }
    }
}

extension JSONValue: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The value's kind, never its content.
    package var description: String {
        kindName
    }

    /// The value's kind, never its content.
    package var debugDescription: String {
        kindName
    }

    /// A mirror without children, so that `dump` shows no content either.
    package var customMirror: Mirror {
        Mirror(self, children: [])
    }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// Makes `null`.
    package init(nilLiteral: ()) {
        self = .null
    }

    /// Makes a boolean.
    package init(booleanLiteral value: Bool) {
        self = .bool(value)
    }

    /// Makes a number without a fraction.
    package init(integerLiteral value: Int) {
        self = .number(JSONNumber(value))
    }

    /// Makes a number with the shortest text that reads back as the same `Double`; `null` for one beyond its range.
    package init(floatLiteral value: Double) {
        self = JSONNumber(value).map(JSONValue.number) ?? .null
    }

    /// Makes a string.
    package init(stringLiteral value: String) {
        self = .string(value)
    }

    /// Makes an array.
    package init(arrayLiteral elements: JSONValue...) {
        self = .array(elements)
    }

    /// Makes an object; of a name given twice, the first place and the last value stay.
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements))
    }
}
