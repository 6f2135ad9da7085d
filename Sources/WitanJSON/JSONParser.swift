/// Reads JSON text into a `JSONValue`, strictly after RFC 8259.
///
/// The text is one value in valid UTF-8 with nothing but white space around it. Where the RFC leaves a choice, the
/// parser refuses: a byte order mark, an escape for half of a surrogate pair, a member name given twice in an object,
/// more nesting than the limit. Work and memory grow in proportion to the text; the caller bounds its size.
package struct JSONParser {
    /// How deep arrays and objects may stand inside each other unless the caller says otherwise.
    package static let defaultMaximumDepth = 64

    /// The greatest depth a caller can ask for, since reading and releasing a value take stack for each level.
    package static let greatestMaximumDepth = 512

    private let maximumDepth: Int
    private var offset = 0
    /// The content of the string being read when it has escapes, kept to be used again.
    private var unescaped: [UInt8] = []

    private init(maximumDepth: Int) {
        self.maximumDepth = min(maximumDepth, Self.greatestMaximumDepth)
    }

    /// Reads one value.
    ///
    /// `maximumDepth` is the number of arrays and objects that may stand inside each other, 0 for a scalar only;
    /// more than `greatestMaximumDepth` counts as that.
    package static func parse(
        _ bytes: Span<UInt8>,
        maximumDepth: Int = defaultMaximumDepth
    ) throws(JSONParseError) -> JSONValue {
        var parser = JSONParser(maximumDepth: maximumDepth)
        return try parser.document(bytes)
    }

    /// Reads one value from bytes, as `parse(_: Span<UInt8>)` does.
    package static func parse(
        _ bytes: UnsafeBufferPointer<UInt8>,
        maximumDepth: Int = defaultMaximumDepth
    ) throws(JSONParseError) -> JSONValue {
        try parse(bytes.span, maximumDepth: maximumDepth)
    }

    /// Reads one value from bytes, as `parse(_: Span<UInt8>)` does.
    package static func parse(
        _ bytes: UnsafeRawBufferPointer,
        maximumDepth: Int = defaultMaximumDepth
    ) throws(JSONParseError) -> JSONValue {
        try bytes.withMemoryRebound(to: UInt8.self) { bytes throws(JSONParseError) in
            try parse(bytes.span, maximumDepth: maximumDepth)
        }
    }

    /// Reads one value from bytes, as `parse(_: Span<UInt8>)` does.
    package static func parse(
        _ bytes: [UInt8],
        maximumDepth: Int = defaultMaximumDepth
    ) throws(JSONParseError) -> JSONValue {
        try parse(bytes.span, maximumDepth: maximumDepth)
    }

    /// Reads one value from the text's UTF-8, as `parse(_: Span<UInt8>)` does.
    package static func parse(
        _ text: String,
        maximumDepth: Int = defaultMaximumDepth
    ) throws(JSONParseError) -> JSONValue {
        var text = text
        let result = text.withUTF8 { bytes in
            Result { () throws(JSONParseError) in try parse(bytes.span, maximumDepth: maximumDepth) }
        }
        return try result.get()
    }
}

// MARK: - Values

extension JSONParser {
    private mutating func document(_ bytes: Span<UInt8>) throws(JSONParseError) -> JSONValue {
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF {
            throw failure(.byteOrderMark, bytes, at: 0)
        }
        skipWhiteSpace(bytes)
        let value = try value(bytes, depth: 0)
        skipWhiteSpace(bytes)
        guard offset == bytes.count else { throw unexpected(.expectedNothingMore, bytes) }
        return value
    }

    private mutating func value(_ bytes: Span<UInt8>, depth: Int) throws(JSONParseError) -> JSONValue {
        switch peek(bytes) {
        case UInt8(ascii: "\""):
            return .string(try string(bytes))
        case UInt8(ascii: "{"):
            return .object(try object(bytes, depth: depth + 1))
        case UInt8(ascii: "["):
            return .array(try array(bytes, depth: depth + 1))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return .number(try number(bytes))
        case UInt8(ascii: "t"):
            try literal("true", bytes)
            return .bool(true)
        case UInt8(ascii: "f"):
            try literal("false", bytes)
            return .bool(false)
        case UInt8(ascii: "n"):
            try literal("null", bytes)
            return .null
        default:
            throw unexpected(.expectedValue, bytes)
        }
    }

    private mutating func object(_ bytes: Span<UInt8>, depth: Int) throws(JSONParseError) -> JSONObject {
        try enter(bytes, depth: depth)
        var object = JSONObject()
        guard !skip(UInt8(ascii: "}"), bytes) else { return object }
        repeat {
            skipWhiteSpace(bytes)
            guard peek(bytes) == UInt8(ascii: "\"") else { throw unexpected(.expectedName, bytes) }
            let start = offset
            let name = try string(bytes)
            skipWhiteSpace(bytes)
            guard skip(UInt8(ascii: ":"), bytes) else { throw unexpected(.expectedColon, bytes) }
            skipWhiteSpace(bytes)
            do throws(JSONParseError) {
                let value = try value(bytes, depth: depth)
                guard object.appendIfAbsent(name, value) else {
                    throw failure(.duplicateName(name), bytes, at: start)
                }
            } catch {
                throw error.within(.name(name))
            }
            skipWhiteSpace(bytes)
        } while skip(UInt8(ascii: ","), bytes)
        guard skip(UInt8(ascii: "}"), bytes) else { throw unexpected(.expectedCommaOrEndOfObject, bytes) }
        return object
    }

    private mutating func array(_ bytes: Span<UInt8>, depth: Int) throws(JSONParseError) -> [JSONValue] {
        try enter(bytes, depth: depth)
        var array: [JSONValue] = []
        guard !skip(UInt8(ascii: "]"), bytes) else { return array }
        repeat {
            skipWhiteSpace(bytes)
            do throws(JSONParseError) {
                array.append(try value(bytes, depth: depth))
            } catch {
                throw error.within(.index(array.count))
            }
            skipWhiteSpace(bytes)
        } while skip(UInt8(ascii: ","), bytes)
        guard skip(UInt8(ascii: "]"), bytes) else { throw unexpected(.expectedCommaOrEndOfArray, bytes) }
        return array
    }

    /// Steps over the opening bracket or brace and what white space follows.
    private mutating func enter(_ bytes: Span<UInt8>, depth: Int) throws(JSONParseError) {
        guard depth <= maximumDepth else { throw unexpected(.tooDeep(maximum: maximumDepth), bytes) }
        offset &+= 1
        skipWhiteSpace(bytes)
    }

    private mutating func literal(_ text: String, _ bytes: Span<UInt8>) throws(JSONParseError) {
        let start = offset
        for byte in text.utf8 {
            guard skip(byte, bytes) else {
                throw offset == bytes.count
                    ? unexpected(.expectedValue, bytes) : failure(.expectedValue, bytes, at: start)
            }
        }
    }
}

// MARK: - Numbers

extension JSONParser {
    private mutating func number(_ bytes: Span<UInt8>) throws(JSONParseError) -> JSONNumber {
        let start = offset
        _ = skip(UInt8(ascii: "-"), bytes)
        if !skip(UInt8(ascii: "0"), bytes) {
            try digits(bytes)
        } else if isDigit(peek(bytes)) {
            throw unexpected(.invalidNumber, bytes)
        }
        if skip(UInt8(ascii: "."), bytes) {
            try digits(bytes)
        }
        if skip(UInt8(ascii: "e"), bytes) || skip(UInt8(ascii: "E"), bytes) {
            _ = skip(UInt8(ascii: "+"), bytes) || skip(UInt8(ascii: "-"), bytes)
            try digits(bytes)
        }
        let text = bytes.extracting(start..<offset).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        return JSONNumber(checked: text)
    }

    /// Steps over one digit or more.
    private mutating func digits(_ bytes: Span<UInt8>) throws(JSONParseError) {
        guard isDigit(peek(bytes)) else { throw unexpected(.invalidNumber, bytes) }
        repeat {
            offset &+= 1
        } while isDigit(peek(bytes))
    }

    private func isDigit(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") < 10
    }
}

// MARK: - Strings

extension JSONParser {
    /// Reads the string whose opening quotation mark is at the offset.
    private mutating func string(_ bytes: Span<UInt8>) throws(JSONParseError) -> String {
        offset &+= 1
        let start = offset
        offset = JSONText.firstSpecialByte(in: bytes, from: start)
        let hasEscapes = peek(bytes) == UInt8(ascii: "\\")
        if hasEscapes {
            try unescape(bytes, from: start)
        }
        let raw = bytes.extracting(start..<offset)
        guard skip(UInt8(ascii: "\""), bytes) else { throw unexpected(.controlCharacter, bytes) }
        guard let text = hasEscapes ? text(of: unescaped.span) : text(of: raw) else {
            // No escape gives the middle of a UTF-8 sequence, so what is wrong was wrong before the escapes were read.
            throw failure(.invalidUTF8, bytes, at: start + lengthOfValidPrefix(of: raw))
        }
        return text
    }

    /// Puts the rest of a string into `unescaped`, up to a byte that ends it or can't stand in it.
    private mutating func unescape(_ bytes: Span<UInt8>, from start: Int) throws(JSONParseError) {
        unescaped.removeAll(keepingCapacity: true)
        var start = start
        while true {
            bytes.extracting(start..<offset).withUnsafeBufferPointer { unescaped.append(contentsOf: $0) }
            guard peek(bytes) == UInt8(ascii: "\\") else { return }
            try escapeSequence(bytes)
            start = offset
            offset = JSONText.firstSpecialByte(in: bytes, from: start)
        }
    }

    /// Reads the escape sequence whose reverse solidus is at the offset, and appends what it stands for.
    private mutating func escapeSequence(_ bytes: Span<UInt8>) throws(JSONParseError) {
        let start = offset
        offset &+= 1
        let byte = peek(bytes)
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0C)
        case UInt8(ascii: "n"): unescaped.append(0x0A)
        case UInt8(ascii: "r"): unescaped.append(0x0D)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"):
            var code = try codeUnit(bytes)
            if (0xD800..<0xDC00).contains(code), peek(bytes) == UInt8(ascii: "\\") {
                offset &+= 1
                guard peek(bytes) == UInt8(ascii: "u") else { throw failure(.loneSurrogate, bytes, at: start) }
                let low = try codeUnit(bytes)
                guard (0xDC00..<0xE000).contains(low) else { throw failure(.loneSurrogate, bytes, at: start) }
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw failure(.loneSurrogate, bytes, at: start) }
            unescaped.append(contentsOf: scalar.utf8)
            return
        default:
            throw unexpected(.invalidEscape, bytes)
        }
        offset &+= 1
    }

    /// Reads the four hexadecimal digits after the `u` at the offset.
    private mutating func codeUnit(_ bytes: Span<UInt8>) throws(JSONParseError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            offset &+= 1
            let byte = peek(bytes)
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): code = code << 4 | UInt32(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "A")...UInt8(ascii: "F"): code = code << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): code = code << 4 | UInt32(byte - UInt8(ascii: "a") + 10)
            default: throw unexpected(.invalidEscape, bytes)
            }
        }
        offset &+= 1
        return code
    }

    /// The text of UTF-8, or nil when it isn't valid.
    private func text(of content: Span<UInt8>) -> String? {
        // The initializer that validates costs as much as a short string's whole parse; ASCII needs none.
        let isASCII = JSONText.isASCII(content)
        return content.withUnsafeBufferPointer { content in
            isASCII ? String(decoding: content, as: UTF8.self) : String(validating: content, as: UTF8.self)
        }
    }

    private func lengthOfValidPrefix(of content: Span<UInt8>) -> Int {
        content.withUnsafeBufferPointer { content in
            var decoder = Unicode.UTF8.ForwardParser()
            var iterator = content.makeIterator()
            var length = 0
            while case .valid(let scalar) = decoder.parseScalar(from: &iterator) {
                length += scalar.count
            }
            return length
        }
    }
}

// MARK: - Bytes

extension JSONParser {
    /// The byte at the offset, or NUL, which stands nowhere in JSON, at the end.
    private func peek(_ bytes: Span<UInt8>) -> UInt8 {
        offset < bytes.count ? bytes[offset] : 0
    }

    /// Steps over the byte at the offset if it is this one.
    private mutating func skip(_ byte: UInt8, _ bytes: Span<UInt8>) -> Bool {
        guard peek(bytes) == byte else { return false }
        offset &+= 1
        return true
    }

    private mutating func skipWhiteSpace(_ bytes: Span<UInt8>) {
        while true {
            switch peek(bytes) {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): offset &+= 1
            default: return
            }
        }
    }

    /// The error for a byte at the offset that isn't what has to stand there, or for the end.
    private func unexpected(_ reason: JSONParseError.Reason, _ bytes: Span<UInt8>) -> JSONParseError {
        failure(offset < bytes.count ? reason : .unexpectedEnd, bytes, at: offset)
    }

    private func failure(_ reason: JSONParseError.Reason, _ bytes: Span<UInt8>, at offset: Int) -> JSONParseError {
        var line = 1
        var column = 1
        for index in 0..<offset {
            if bytes[index] == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if bytes[index] & 0xC0 != 0x80 {
                column += 1
            }
        }
        return JSONParseError(reason: reason, offset: offset, line: line, column: column)
    }
}
