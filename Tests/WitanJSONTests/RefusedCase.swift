import Testing
import WitanJSON

/// Text that isn't JSON, or is JSON that this parser refuses by choice, with the error's reason and place.
struct RefusedCase: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let reason: JSONParseError.Reason
    let offset: Int

    init(_ name: String, _ text: String, _ reason: JSONParseError.Reason, at offset: Int) {
        self.init(name, Array(text.utf8), reason, at: offset)
    }

    init(_ name: String, _ bytes: [UInt8], _ reason: JSONParseError.Reason, at offset: Int) {
        self.name = name
        self.bytes = bytes
        self.reason = reason
        self.offset = offset
    }

    /// A string with these bytes between the quotation marks.
    private init(_ name: String, inString bytes: [UInt8], _ reason: JSONParseError.Reason, at offset: Int) {
        self.init(name, [UInt8(ascii: "\"")] + bytes + [UInt8(ascii: "\"")], reason, at: offset)
    }

    var testDescription: String { name }

    static let all = structures + numbers + strings + encodings + objects + arrays

    static let structures: [RefusedCase] = [
        RefusedCase("nothing", "", .unexpectedEnd, at: 0),
        RefusedCase("white space only", " \n ", .unexpectedEnd, at: 3),
        RefusedCase("two values", "1 2", .expectedNothingMore, at: 2),
        RefusedCase("two arrays", "[][]", .expectedNothingMore, at: 2),
        RefusedCase("object and comma", "{},", .expectedNothingMore, at: 2),
        RefusedCase("extra closing bracket", "[]]", .expectedNothingMore, at: 2),
        RefusedCase("extra closing brace", "{}}", .expectedNothingMore, at: 2),
        RefusedCase("string and a letter", #""a"b"#, .expectedNothingMore, at: 3),
        RefusedCase("NUL after the value", "null\0", .expectedNothingMore, at: 4),
        RefusedCase("NUL alone", "\0", .expectedValue, at: 0),
        RefusedCase("NUL in place of a value", "[\0]", .expectedValue, at: 1),
        RefusedCase("comment before", "/* c */1", .expectedValue, at: 0),
        RefusedCase("comment after", "1 // c", .expectedNothingMore, at: 2),
        RefusedCase("shell comment", "# c\n1", .expectedValue, at: 0),
        RefusedCase("form feed as white space", "\u{C}1", .expectedValue, at: 0),
        RefusedCase("vertical tab as white space", "[\u{B}1]", .expectedValue, at: 1),
        RefusedCase("no-break space as white space", "[\u{A0}1]", .expectedValue, at: 1),
        RefusedCase("line separator as white space", "\u{2028}1", .expectedValue, at: 0),
        RefusedCase("zero-width joiner as white space", "[\u{2060}]", .expectedValue, at: 1),
        RefusedCase("byte order mark", "\u{FEFF}{}", .byteOrderMark, at: 0),
        RefusedCase("byte order mark alone", "\u{FEFF}", .byteOrderMark, at: 0),
        RefusedCase("half a byte order mark", [0xEF, 0xBB, 0x31], .expectedValue, at: 0),
        RefusedCase("byte order mark after white space", " \u{FEFF}1", .expectedValue, at: 1),
        RefusedCase("True", "True", .expectedValue, at: 0),
        RefusedCase("NULL", "NULL", .expectedValue, at: 0),
        RefusedCase("nul", "[nul]", .expectedValue, at: 1),
        RefusedCase("half of true", "tru", .unexpectedEnd, at: 3),
        RefusedCase("truth", "truth", .expectedValue, at: 0),
        RefusedCase("nullify", "nullify", .expectedNothingMore, at: 4),
        RefusedCase("undefined", "undefined", .expectedValue, at: 0),
        RefusedCase("bare word", "key", .expectedValue, at: 0),
        RefusedCase("single quotation marks", "'key'", .expectedValue, at: 0),
        RefusedCase("comma alone", ",", .expectedValue, at: 0),
        RefusedCase("colon alone", ":", .expectedValue, at: 0),
        RefusedCase("closing bracket alone", "]", .expectedValue, at: 0),
        RefusedCase("reverse solidus alone", "\\", .expectedValue, at: 0),
        RefusedCase("markup", "<null>", .expectedValue, at: 0),
        RefusedCase("brackets that cross", "[{]}", .expectedName, at: 2),
        RefusedCase("array closed with a brace", "[1}", .expectedCommaOrEndOfArray, at: 2),
        RefusedCase("object closed with a bracket", #"{"a":1]"#, .expectedCommaOrEndOfObject, at: 6),
    ]

    static let numbers: [RefusedCase] = [
        RefusedCase("minus alone", "-", .unexpectedEnd, at: 1),
        RefusedCase("minus and a letter", "-a", .invalidNumber, at: 1),
        RefusedCase("two minus signs", "--1", .invalidNumber, at: 1),
        RefusedCase("minus and a space", "- 1", .invalidNumber, at: 1),
        RefusedCase("plus sign", "+1", .expectedValue, at: 0),
        RefusedCase("leading zero", "01", .invalidNumber, at: 1),
        RefusedCase("leading zero after minus", "-01", .invalidNumber, at: 2),
        RefusedCase("two zeros", "00", .invalidNumber, at: 1),
        RefusedCase("point first", ".5", .expectedValue, at: 0),
        RefusedCase("minus and a point", "-.5", .invalidNumber, at: 1),
        RefusedCase("point last", "[1.]", .invalidNumber, at: 3),
        RefusedCase("point at the end", "1.", .unexpectedEnd, at: 2),
        RefusedCase("point and an exponent", "1.e5", .invalidNumber, at: 2),
        RefusedCase("two points", "1.2.3", .expectedNothingMore, at: 3),
        RefusedCase("decimal comma", "[1,5", .unexpectedEnd, at: 4),
        RefusedCase("exponent without digits", "[1e]", .invalidNumber, at: 3),
        RefusedCase("exponent that ends", "1e", .unexpectedEnd, at: 2),
        RefusedCase("exponent with a sign only", "[1e+]", .invalidNumber, at: 4),
        RefusedCase("exponent with two signs", "1e+-1", .invalidNumber, at: 3),
        RefusedCase("exponent with a fraction", "1e1.5", .expectedNothingMore, at: 3),
        RefusedCase("two exponents", "1e1e1", .expectedNothingMore, at: 3),
        RefusedCase("exponent alone", "e1", .expectedValue, at: 0),
        RefusedCase("zero and an exponent without digits", "0e", .unexpectedEnd, at: 2),
        RefusedCase("NaN", "NaN", .expectedValue, at: 0),
        RefusedCase("minus NaN", "-NaN", .invalidNumber, at: 1),
        RefusedCase("Infinity", "Infinity", .expectedValue, at: 0),
        RefusedCase("minus Infinity", "-Infinity", .invalidNumber, at: 1),
        RefusedCase("inf", "inf", .expectedValue, at: 0),
        RefusedCase("hexadecimal", "0x1F", .expectedNothingMore, at: 1),
        RefusedCase("binary", "0b1", .expectedNothingMore, at: 1),
        RefusedCase("group separator", "1_000", .expectedNothingMore, at: 1),
        RefusedCase("space within", "[1 000]", .expectedCommaOrEndOfArray, at: 3),
        RefusedCase("letter after", "[1a]", .expectedCommaOrEndOfArray, at: 2),
        RefusedCase("full-width digit", "\u{FF11}", .expectedValue, at: 0),
        RefusedCase("Arabic-Indic digit after a digit", "1\u{661}", .expectedNothingMore, at: 1),
        RefusedCase("fraction sign", "1/2", .expectedNothingMore, at: 1),
    ]

    static let strings: [RefusedCase] = [
        RefusedCase("quotation mark alone", "\"", .unexpectedEnd, at: 1),
        RefusedCase("no end", "\"abc", .unexpectedEnd, at: 4),
        RefusedCase("no end after eight letters", "\"abcdefgh", .unexpectedEnd, at: 9),
        RefusedCase("end that is escaped", #""abc\""#, .unexpectedEnd, at: 6),
        RefusedCase("reverse solidus at the end", #""\"#, .unexpectedEnd, at: 2),
        RefusedCase("unknown escape", #""\a""#, .invalidEscape, at: 2),
        RefusedCase("escape of a single quotation mark", #""\'""#, .invalidEscape, at: 2),
        RefusedCase("escape in hexadecimal", #""\x41""#, .invalidEscape, at: 2),
        RefusedCase("escape in octal", #""\012""#, .invalidEscape, at: 2),
        RefusedCase("escape of a vertical tab", #""\v""#, .invalidEscape, at: 2),
        RefusedCase("escape of NUL by a digit", #""\0""#, .invalidEscape, at: 2),
        RefusedCase("escaped line end", "\"\\\n\"", .invalidEscape, at: 2),
        RefusedCase("escaped letter of many bytes", "\"\\ü\"", .invalidEscape, at: 2),
        RefusedCase("capital U", #""\U0041""#, .invalidEscape, at: 2),
        RefusedCase("u without digits", #""\u""#, .invalidEscape, at: 3),
        RefusedCase("u with three digits", #""\u004""#, .invalidEscape, at: 6),
        RefusedCase("u that ends", #""\u00"#, .unexpectedEnd, at: 5),
        RefusedCase("u with a letter beyond F", #""\u004G""#, .invalidEscape, at: 6),
        RefusedCase("u with a sign", #""\u+041""#, .invalidEscape, at: 3),
        RefusedCase("u with a space", #""\u 041""#, .invalidEscape, at: 3),
        RefusedCase("u with braces", #""\u{41}""#, .invalidEscape, at: 3),
        RefusedCase("line end", "\"a\nb\"", .controlCharacter, at: 2),
        RefusedCase("tab", "\"a\tb\"", .controlCharacter, at: 2),
        RefusedCase("NUL", "\"a\0b\"", .controlCharacter, at: 2),
        RefusedCase("last control character", "\"abcdefghij\u{1F}\"", .controlCharacter, at: 11),
        RefusedCase("control character after an escape", "\"\\n\u{1}\"", .controlCharacter, at: 3),
        RefusedCase("control character in a name", "{\"a\n\":1}", .controlCharacter, at: 3),
    ]

    static let encodings: [RefusedCase] = [
        RefusedCase("lone continuation byte", inString: [0x80], .invalidUTF8, at: 1),
        RefusedCase("continuation byte after letters", inString: [0x61, 0x62, 0xBF], .invalidUTF8, at: 3),
        RefusedCase("continuation byte too many", inString: [0xC3, 0xA9, 0xA9], .invalidUTF8, at: 3),
        RefusedCase("overlong solidus of two bytes", inString: [0xC0, 0xAF], .invalidUTF8, at: 1),
        RefusedCase("overlong DEL", inString: [0xC1, 0xBF], .invalidUTF8, at: 1),
        RefusedCase("overlong solidus of three bytes", inString: [0xE0, 0x80, 0xAF], .invalidUTF8, at: 1),
        RefusedCase("overlong of three bytes, highest", inString: [0xE0, 0x9F, 0xBF], .invalidUTF8, at: 1),
        RefusedCase("overlong of four bytes", inString: [0xF0, 0x80, 0x80, 0xAF], .invalidUTF8, at: 1),
        RefusedCase("overlong of four bytes, highest", inString: [0xF0, 0x8F, 0xBF, 0xBF], .invalidUTF8, at: 1),
        RefusedCase("overlong of five bytes", inString: [0xF8, 0x80, 0x80, 0x80, 0xAF], .invalidUTF8, at: 1),
        RefusedCase("overlong of six bytes", inString: [0xFC, 0x80, 0x80, 0x80, 0x80, 0xAF], .invalidUTF8, at: 1),
        RefusedCase("overlong NUL", inString: [0xC0, 0x80], .invalidUTF8, at: 1),
        RefusedCase("overlong quotation mark", inString: [0xC0, 0xA2], .invalidUTF8, at: 1),
        RefusedCase("first surrogate", inString: [0xED, 0xA0, 0x80], .invalidUTF8, at: 1),
        RefusedCase("last surrogate", inString: [0xED, 0xBF, 0xBF], .invalidUTF8, at: 1),
        RefusedCase(
            "pair of surrogates in UTF-8",
            inString: [0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80],
            .invalidUTF8,
            at: 1
        ),
        RefusedCase("beyond U+10FFFF", inString: [0xF4, 0x90, 0x80, 0x80], .invalidUTF8, at: 1),
        RefusedCase("far beyond U+10FFFF", inString: [0xF7, 0xBF, 0xBF, 0xBF], .invalidUTF8, at: 1),
        RefusedCase("0xFE", inString: [0xFE], .invalidUTF8, at: 1),
        RefusedCase("0xFF", inString: [0xFF], .invalidUTF8, at: 1),
        RefusedCase("first of two bytes only", inString: [0x61, 0xC3], .invalidUTF8, at: 2),
        RefusedCase("two of three bytes only", inString: [0xE2, 0x82], .invalidUTF8, at: 1),
        RefusedCase("three of four bytes only", inString: [0xF0, 0x9F, 0x98], .invalidUTF8, at: 1),
        RefusedCase("Latin-1", inString: [0x47, 0x72, 0xFC, 0xDF, 0x65], .invalidUTF8, at: 3),
        RefusedCase("first byte before an escape", inString: [0xC3, 0x5C, 0x6E], .invalidUTF8, at: 1),
        RefusedCase("continuation byte after an escape", inString: [0x5C, 0x6E, 0xA9], .invalidUTF8, at: 3),
        RefusedCase(
            "escape between the bytes of a letter",
            inString: [0xC3] + Array(#"\u0061"#.utf8) + [0xA9],
            .invalidUTF8,
            at: 1
        ),
        RefusedCase("wrong byte after many right ones", inString: Array("Grüße".utf8) + [0x80], .invalidUTF8, at: 8),
        RefusedCase("in a name", Array(#"{""#.utf8) + [0xFF] + Array(#"":1}"#.utf8), .invalidUTF8, at: 2),
        RefusedCase("out of a string", [0x5B, 0xFF, 0x5D], .expectedValue, at: 1),
        RefusedCase("after the value", [0x31, 0xFF], .expectedNothingMore, at: 1),
        RefusedCase("UTF-16, big endian", [0x00, 0x5B, 0x00, 0x5D], .expectedValue, at: 0),
        RefusedCase("UTF-16, little endian", [0x5B, 0x00, 0x5D, 0x00], .expectedValue, at: 1),
        RefusedCase("UTF-16 with its mark", [0xFF, 0xFE, 0x31, 0x00], .expectedValue, at: 0),
        RefusedCase("UTF-32, big endian", [0x00, 0x00, 0x00, 0x31], .expectedValue, at: 0),
    ]

    static let objects: [RefusedCase] = [
        RefusedCase("opening brace alone", "{", .unexpectedEnd, at: 1),
        RefusedCase("name only", #"{"a""#, .unexpectedEnd, at: 4),
        RefusedCase("name and the end", #"{"a"}"#, .expectedColon, at: 4),
        RefusedCase("colon at the end", #"{"a":"#, .unexpectedEnd, at: 5),
        RefusedCase("no value", #"{"a":}"#, .expectedValue, at: 5),
        RefusedCase("no end", #"{"a":1"#, .unexpectedEnd, at: 6),
        RefusedCase("comma at the end", #"{"a":1,"#, .unexpectedEnd, at: 7),
        RefusedCase("comma last", #"{"a":1,}"#, .expectedName, at: 7),
        RefusedCase("two commas", #"{"a":1,,"b":2}"#, .expectedName, at: 7),
        RefusedCase("comma first", #"{,"a":1}"#, .expectedName, at: 1),
        RefusedCase("no comma", #"{"a":1 "b":2}"#, .expectedCommaOrEndOfObject, at: 7),
        RefusedCase("no colon", #"{"a" 1}"#, .expectedColon, at: 5),
        RefusedCase("comma for a colon", #"{"a",1}"#, .expectedColon, at: 4),
        RefusedCase("two colons", #"{"a"::1}"#, .expectedValue, at: 5),
        RefusedCase("equals sign for a colon", #"{"a"=1}"#, .expectedColon, at: 4),
        RefusedCase("colon only", "{:1}", .expectedName, at: 1),
        RefusedCase("name without quotation marks", "{a:1}", .expectedName, at: 1),
        RefusedCase("name in single quotation marks", "{'a':1}", .expectedName, at: 1),
        RefusedCase("number as a name", "{1:1}", .expectedName, at: 1),
        RefusedCase("null as a name", "{null:1}", .expectedName, at: 1),
        RefusedCase("array as a name", "{[]:1}", .expectedName, at: 1),
        RefusedCase("comment among the members", #"{"a":1/**/}"#, .expectedCommaOrEndOfObject, at: 6),
        RefusedCase("two values for a name", #"{"a":1 2}"#, .expectedCommaOrEndOfObject, at: 7),
        RefusedCase("name twice", #"{"a":1,"a":2}"#, .duplicateName("a"), at: 7),
        RefusedCase("name twice with one value", #"{"a":1,"b":2,"a":1}"#, .duplicateName("a"), at: 13),
        RefusedCase("empty name twice", #"{"":1,"":1}"#, .duplicateName(""), at: 6),
        RefusedCase("name twice, once escaped", #"{"a":1,"\u0061":2}"#, .duplicateName("a"), at: 7),
        RefusedCase("name twice on a lower level", #"{"a":[{"b":1,"b":2}]}"#, .duplicateName("b"), at: 13),
    ]

    static let arrays: [RefusedCase] = [
        RefusedCase("opening bracket alone", "[", .unexpectedEnd, at: 1),
        RefusedCase("no end of an array", "[1", .unexpectedEnd, at: 2),
        RefusedCase("no end of an inner array", "[[1]", .unexpectedEnd, at: 4),
        RefusedCase("comma at the end of the text", "[1,", .unexpectedEnd, at: 3),
        RefusedCase("comma last in an array", "[1,]", .expectedValue, at: 3),
        RefusedCase("comma first in an array", "[,1]", .expectedValue, at: 1),
        RefusedCase("comma only", "[,]", .expectedValue, at: 1),
        RefusedCase("two commas in an array", "[1,,2]", .expectedValue, at: 3),
        RefusedCase("no comma between elements", "[1 2]", .expectedCommaOrEndOfArray, at: 3),
        RefusedCase("no comma between arrays", "[[][]]", .expectedCommaOrEndOfArray, at: 3),
        RefusedCase("colon between elements", "[1:2]", .expectedCommaOrEndOfArray, at: 2),
        RefusedCase("semicolon between elements", "[1;2]", .expectedCommaOrEndOfArray, at: 2),
        RefusedCase("member in an array", #"["a":1]"#, .expectedCommaOrEndOfArray, at: 4),
        RefusedCase("three dots", "[...]", .expectedValue, at: 1),
        RefusedCase("star", "[*]", .expectedValue, at: 1),
    ]
}
