/// Why text was refused as JSON, and where.
///
/// Nothing here but `path` and a duplicate's name comes from the input, and neither is part of the message.
package struct JSONParseError: Error, Sendable, Hashable {
    /// What was wrong.
    package enum Reason: Sendable, Hashable {
        /// The text ends inside a value, or before there is one.
        case unexpectedEnd
        /// Something else stands where a value has to.
        case expectedValue
        /// Something else stands where the name of a member has to.
        case expectedName
        /// Something else stands where the colon after a name has to.
        case expectedColon
        /// Something else stands where a comma or the end of the object has to.
        case expectedCommaOrEndOfObject
        /// Something else stands where a comma or the end of the array has to.
        case expectedCommaOrEndOfArray
        /// Something other than white space follows the value.
        case expectedNothingMore
        /// A number isn't written as RFC 8259, 6 has it.
        case invalidNumber
        /// A control character below U+0020 stands in a string without an escape.
        case controlCharacter
        /// A reverse solidus in a string starts no known escape.
        case invalidEscape
        /// A `\u` escape gives half of a surrogate pair.
        case loneSurrogate
        /// A string isn't valid UTF-8.
        case invalidUTF8
        /// The text starts with a byte order mark.
        case byteOrderMark
        /// An object has the member with this name already.
        case duplicateName(String)
        /// More arrays and objects stand inside each other than this.
        case tooDeep(maximum: Int)
    }

    /// What was wrong.
    package let reason: Reason
    /// Where it was, in bytes from the start of the text.
    package let offset: Int
    /// The line of the offset, from 1.
    package let line: Int
    /// The column of the offset, in Unicode scalars from 1.
    package let column: Int
    /// The way from the outermost value to the one being read; for a duplicate, its name comes last.
    package private(set) var path: [JSONPathComponent] = []

    /// A sentence for whoever sent the text, with nothing of the text in it.
    package var message: String {
        "The body is not valid JSON: \(detail)."
    }

    /// The part of the message that says what was wrong and where, for a sentence about something else than a body.
    package var detail: String {
        switch reason {
        case .unexpectedEnd: "it ends too early, at \(place)"
        case .expectedValue: "expected a value at \(place)"
        case .expectedName: "expected a member name in quotation marks at \(place)"
        case .expectedColon: "expected a colon after a member name at \(place)"
        case .expectedCommaOrEndOfObject: "expected a comma or a closing brace at \(place)"
        case .expectedCommaOrEndOfArray: "expected a comma or a closing bracket at \(place)"
        case .expectedNothingMore: "expected nothing after the value at \(place)"
        case .invalidNumber: "expected a number as JSON writes it at \(place)"
        case .controlCharacter: "a control character has to be escaped at \(place)"
        case .invalidEscape: "expected a valid escape sequence at \(place)"
        case .loneSurrogate: "expected both halves of a surrogate pair at \(place)"
        case .invalidUTF8: "expected valid UTF-8 at \(place)"
        case .byteOrderMark: "it has to start without a byte order mark"
        case .duplicateName: "a member name is given for the second time in one object at \(place)"
        case .tooDeep(let maximum): "it nests more than \(maximum) levels deep at \(place)"
        }
    }

    /// The same error, seen from the value around the one being read.
    func within(_ component: JSONPathComponent) -> JSONParseError {
        var error = self
        error.path.insert(component, at: 0)
        return error
    }

    private var place: String {
        "byte \(offset) (line \(line), column \(column))"
    }
}

extension JSONParseError: CustomStringConvertible, CustomDebugStringConvertible {
    /// The message, so that printing the error shows nothing of the input.
    package var description: String {
        message
    }

    /// The message, so that printing the error shows nothing of the input.
    package var debugDescription: String {
        message
    }
}
