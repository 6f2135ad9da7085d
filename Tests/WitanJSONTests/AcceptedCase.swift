import Testing

@testable import WitanJSON

/// Text that every parser must read, and what it says.
struct AcceptedCase: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    let value: JSONValue

    init(_ name: String, _ text: String, _ value: JSONValue) {
        self.name = name
        self.text = text
        self.value = value
    }

    var testDescription: String { name }

    static let all = structures + numbers + strings + objects + arrays

    private static func number(_ text: String) -> AcceptedCase {
        AcceptedCase("number \(text)", text, .number(JSONNumber(checked: text)))
    }

    static let structures: [AcceptedCase] = [
        AcceptedCase("null alone", "null", nil),
        AcceptedCase("true alone", "true", true),
        AcceptedCase("false alone", "false", false),
        AcceptedCase("string alone", #""key""#, "key"),
        AcceptedCase("empty string alone", #""""#, ""),
        AcceptedCase("empty array alone", "[]", []),
        AcceptedCase("empty object alone", "{}", [:]),
        AcceptedCase("white space of all four kinds before", " \t\r\nnull", nil),
        AcceptedCase("white space of all four kinds after", "null\n\r\t ", nil),
        AcceptedCase("white space everywhere", " [ 1 ,\n{ \"a\"\t:\r\ntrue } ] ", [1, ["a": true]]),
        AcceptedCase("line end after the value", "[true]\n", [true]),
        AcceptedCase("much white space", String(repeating: " \n", count: 1000) + "1", 1),
        AcceptedCase("literals side by side", "[true,false,null]", [true, false, nil]),
    ]

    static let numbers: [AcceptedCase] =
        [
            "0", "-0", "7", "-7", "10", "1234567890", "0.5", "-0.5", "0.000", "1.0", "3.14159", "10.01",
            "1e0", "1E0", "1e5", "1e+5", "1e-5", "1E+05", "0e1", "0e+1", "0E-0", "-0.0e-0", "1.5e300", "123.456e78",
            "-1e-999", "9223372036854775807", "-9223372036854775808", "9007199254740993",
            "0.1000000000000000055511151231257827",
        ]
        .map(number) + [
            AcceptedCase("number between spaces", "[ 4 ]", [4]),
            AcceptedCase("number before a closing brace", #"{"a":1}"#, ["a": 1]),
        ]

    static let strings: [AcceptedCase] = [
        AcceptedCase("every short escape", #""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
        AcceptedCase("solidus without an escape", #""a/b""#, "a/b"),
        AcceptedCase("escape of NUL", #""\u0000""#, "\0"),
        AcceptedCase("escape of a control character", #""\u001f""#, "\u{1F}"),
        AcceptedCase("escape of a letter", #""\u0041""#, "A"),
        AcceptedCase("escape in lower and upper case", #""\u00e9\u00E9""#, "éé"),
        AcceptedCase("escape of two bytes", #""\u00fc""#, "ü"),
        AcceptedCase("escape of three bytes", #""\u20AC""#, "€"),
        AcceptedCase("pair of surrogates", #""\uD83D\uDE00""#, "😀"),
        AcceptedCase("lowest pair of surrogates", #""\ud800\udc00""#, "\u{10000}"),
        AcceptedCase("highest pair of surrogates", #""\uDBFF\uDFFF""#, "\u{10FFFF}"),
        AcceptedCase("two pairs of surrogates", #""\uD83D\uDE00\uD83D\uDE01""#, "😀😁"),
        AcceptedCase("last code before the surrogates", #""\uD7FF""#, "\u{D7FF}"),
        AcceptedCase("first code after the surrogates", #""\uE000""#, "\u{E000}"),
        AcceptedCase("escaped reverse solidus before a u", #""\\u0041""#, "\\u0041"),
        AcceptedCase("escaped quotation mark before the end", #""\"""#, "\""),
        AcceptedCase("escaped reverse solidus before the end", #""\\""#, "\\"),
        AcceptedCase("escape after eight letters", #""abcdefgh\nabcdefgh""#, "abcdefgh\nabcdefgh"),
        AcceptedCase("escape in each place of a word", #""a\nbc\ncde\ndefg\nefghi\n""#, "a\nbc\ncde\ndefg\nefghi\n"),
        AcceptedCase("letters of two bytes", #""Grüße""#, "Grüße"),
        AcceptedCase("letters of three bytes", #""日本語""#, "日本語"),
        AcceptedCase("letters of four bytes", #""𝄞 clef""#, "𝄞 clef"),
        AcceptedCase("escapes between letters of many bytes", #""ü\tü\u00fc日\n""#, "ü\tüü日\n"),
        AcceptedCase("DEL without an escape", "\"\u{7F}\"", "\u{7F}"),
        AcceptedCase("C1 control without an escape", "\"\u{85}\"", "\u{85}"),
        AcceptedCase("line separators without an escape", "\"\u{2028}\u{2029}\"", "\u{2028}\u{2029}"),
        AcceptedCase("byte order mark within", "\"\u{FEFF}\"", "\u{FEFF}"),
        AcceptedCase("noncharacters", "\"\u{FFFF}\u{FFFE}\u{1FFFE}\"", "\u{FFFF}\u{FFFE}\u{1FFFE}"),
        AcceptedCase("escaped noncharacter", #""\uFFFF""#, "\u{FFFF}"),
        AcceptedCase("last scalar", "\"\u{10FFFF}\"", "\u{10FFFF}"),
        AcceptedCase("combining mark kept apart", "\"e\u{301}\"", "e\u{301}"),
        AcceptedCase("comment in a string", #""/* no comment */ // none""#, "/* no comment */ // none"),
        AcceptedCase("brackets in a string", #""[{]}:,""#, "[{]}:,"),
        AcceptedCase("seven letters", #""abcdefg""#, "abcdefg"),
        AcceptedCase("eight letters", #""abcdefgh""#, "abcdefgh"),
        AcceptedCase("nine letters", #""abcdefghi""#, "abcdefghi"),
        AcceptedCase(
            "string of 100,000 letters",
            "\"" + String(repeating: "x", count: 100_000) + "\"",
            .string(String(repeating: "x", count: 100_000))
        ),
    ]

    static let objects: [AcceptedCase] = [
        AcceptedCase("one member", #"{"a":1}"#, ["a": 1]),
        AcceptedCase("order of members", #"{"b":1,"a":2,"c":3}"#, ["b": 1, "a": 2, "c": 3]),
        AcceptedCase("empty name", #"{"":0}"#, ["": 0]),
        AcceptedCase("name with escapes", #"{"\u0061\n":0}"#, ["a\n": 0]),
        AcceptedCase("name that is NUL", #"{"\u0000":0}"#, ["\0": 0]),
        AcceptedCase("names that differ in case", #"{"a":1,"A":2}"#, ["a": 1, "A": 2]),
        AcceptedCase("names that differ in white space", #"{"a":1,"a ":2}"#, ["a": 1, "a ": 2]),
        AcceptedCase(
            "names that differ in normalization only",
            "{\"\u{E9}\":1,\"e\u{301}\":2}",
            ["\u{E9}": 1, "e\u{301}": 2]
        ),
        AcceptedCase("one name on two levels", #"{"a":{"a":{"a":null}}}"#, ["a": ["a": ["a": nil]]]),
        AcceptedCase("one name in two siblings", #"[{"a":1},{"a":1}]"#, [["a": 1], ["a": 1]]),
        AcceptedCase(
            "every kind of value",
            #"{"n":null,"b":true,"s":"","a":[],"o":{}}"#,
            [
                "n": nil, "b": true, "s": "", "a": [], "o": [:],
            ]
        ),
    ]

    static let arrays: [AcceptedCase] = [
        AcceptedCase("one element", "[0]", [0]),
        AcceptedCase("several elements", "[1,2,3]", [1, 2, 3]),
        AcceptedCase("arrays in an array", "[[],[[]],[[],[]]]", [[], [[]], [[], []]]),
        AcceptedCase("empty string in an array", #"[""]"#, [""]),
        AcceptedCase("white space in an empty array", "[ \n]", []),
        AcceptedCase("white space in an empty object", "{ \t}", [:]),
        AcceptedCase("every kind of element", #"[null,false,-1,"x",[],{}]"#, [nil, false, -1, "x", [], [:]]),
    ]
}
