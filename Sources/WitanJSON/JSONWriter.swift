/// Appends JSON text to a buffer of UTF-8 bytes, without a tree in between.
///
/// The writer puts the commas and colons; the caller calls `name` before each member's value and ends what it begins.
/// Strings are escaped only where RFC 8259, 7 asks for it: quotation mark, reverse solidus and control characters.
package struct JSONWriter {
    /// The text so far.
    package private(set) var bytes: [UInt8] = []

    private let isPretty: Bool
    private var depth = 0
    /// Whether a value came before on this level, so that the next one follows a comma.
    private var needsComma = false
    /// Whether a name came before, so that the next value stays on its line.
    private var followsName = false

    /// Makes a writer with room for as many bytes, which writes for machines or, when pretty, for people.
    ///
    /// Pretty text has one member or element a line, two spaces of indentation a level and a space after colons.
    package init(reservingCapacity capacity: Int = 256, pretty: Bool = false) {
        isPretty = pretty
        bytes.reserveCapacity(capacity)
    }

    /// The text of a value.
    package static func string(of value: JSONValue, pretty: Bool = false) -> String {
        String(decoding: bytes(of: value, pretty: pretty), as: UTF8.self)
    }

    /// The text of a value in UTF-8.
    package static func bytes(of value: JSONValue, pretty: Bool = false) -> [UInt8] {
        var writer = JSONWriter(pretty: pretty)
        writer.write(value)
        return writer.bytes
    }
}

// MARK: - Values

extension JSONWriter {
    /// Writes a value with all that is in it.
    package mutating func write(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .number(let value): number(value)
        case .string(let value): string(value)
        case .array(let elements):
            beginArray()
            for element in elements {
                write(element)
            }
            endArray()
        case .object(let object):
            beginObject()
            for (name, value) in object.members {
                self.name(name)
                write(value)
            }
            endObject()
        }
    }

    /// Writes `null`.
    package mutating func null() {
        beginValue()
        append("null")
    }

    /// Writes `true` or `false`.
    package mutating func bool(_ value: Bool) {
        beginValue()
        append(value ? "true" : "false")
    }

    /// Writes an integer.
    package mutating func int(_ value: Int) {
        int64(Int64(value))
    }

    /// Writes a 64-bit integer.
    package mutating func int64(_ value: Int64) {
        beginValue()
        append(String(value))
    }

    /// Writes a number with the text it has.
    package mutating func number(_ value: JSONNumber) {
        beginValue()
        append(value.text)
    }

    /// Writes a string.
    package mutating func string(_ value: String) {
        beginValue()
        appendQuoted(value)
    }

    /// Writes a value that is JSON text already, as it stands.
    ///
    /// The bytes must be one whole JSON value; they aren't checked, nor laid out when the writer is pretty.
    package mutating func rawValue(_ text: some Collection<UInt8>) {
        beginValue()
        bytes.append(contentsOf: text)
    }

    /// Begins an object.
    package mutating func beginObject() {
        begin(UInt8(ascii: "{"))
    }

    /// Ends the object begun last.
    package mutating func endObject() {
        end(UInt8(ascii: "}"))
    }

    /// Begins an array.
    package mutating func beginArray() {
        begin(UInt8(ascii: "["))
    }

    /// Ends the array begun last.
    package mutating func endArray() {
        end(UInt8(ascii: "]"))
    }

    /// Writes the name of a member, whose value has to follow.
    package mutating func name(_ name: String) {
        beginValue()
        appendQuoted(name)
        bytes.append(UInt8(ascii: ":"))
        if isPretty {
            bytes.append(UInt8(ascii: " "))
        }
        followsName = true
    }
}

// MARK: - Layout

extension JSONWriter {
    /// Writes what has to stand between what came before and a value or a name.
    private mutating func beginValue() {
        if followsName {
            followsName = false
        } else {
            if needsComma {
                bytes.append(UInt8(ascii: ","))
            }
            breakLine()
        }
        needsComma = true
    }

    private mutating func begin(_ bracket: UInt8) {
        beginValue()
        bytes.append(bracket)
        depth += 1
        needsComma = false
    }

    private mutating func end(_ bracket: UInt8) {
        precondition(depth > 0 && !followsName, "An end without its beginning, or a name without its value.")
        depth -= 1
        if needsComma {
            breakLine()
        }
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func breakLine() {
        guard isPretty, !bytes.isEmpty else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
    }
}

// MARK: - Bytes

extension JSONWriter {
    private mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { bytes.append(contentsOf: $0) }
    }

    private mutating func appendQuoted(_ text: String) {
        var text = text
        bytes.append(UInt8(ascii: "\""))
        text.withUTF8 { appendEscaped($0) }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendEscaped(_ text: UnsafeBufferPointer<UInt8>) {
        var start = 0
        while true {
            let end = JSONText.firstSpecialByte(in: text.span, from: start)
            bytes.append(contentsOf: text[start..<end])
            guard end < text.count else { return }
            appendEscape(of: text[end])
            start = end + 1
        }
    }

    private mutating func appendEscape(of byte: UInt8) {
        switch byte {
        case 0x08: append("\\b")
        case 0x09: append("\\t")
        case 0x0A: append("\\n")
        case 0x0C: append("\\f")
        case 0x0D: append("\\r")
        case ..<0x20: append((byte < 0x10 ? "\\u000" : "\\u00") + String(byte, radix: 16))
        default:
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        }
    }
}
