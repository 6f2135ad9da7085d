import Testing

@testable import WitanJSON

@Suite("JSONParser")
struct JSONParserTests {
    @Test("reads what RFC 8259 calls JSON", arguments: AcceptedCase.all)
    func accepts(_ accepted: AcceptedCase) throws {
        let value = try JSONParser.parse(accepted.text)
        #expect(value == accepted.value, "\(JSONWriter.string(of: value))")
    }

    @Test("refuses everything else, and says why and where", arguments: RefusedCase.all)
    func refuses(_ refused: RefusedCase) throws {
        let error = try #require(throws: JSONParseError.self) { try JSONParser.parse(refused.bytes) }
        #expect(error.reason == refused.reason)
        #expect(error.offset == refused.offset)
    }

    @Test(
        "numbers beyond any machine's are read, and keep their text",
        arguments: [
            "1e999", "-1e999", "1e-99999", "123456789012345678901234567890", "-0.0", "1e1000000000000",
            "0." + String(repeating: "0", count: 400) + "1", String(repeating: "9", count: 100_000),
        ]
    )
    func readsNumbersOfAnySize(_ text: String) throws {
        #expect(try JSONParser.parse(text).number?.text == text)
    }

    @Test(
        "half of a surrogate pair is refused, at the escape that began it",
        arguments: [
            (#""\uD800""#, 1), (#""\uDBFF""#, 1), (#""\uDC00""#, 1), (#""\uDFFF""#, 1), (#""ab\uD83D""#, 3),
            (#""\uD83Dx""#, 1), (#""\uD83D\n""#, 1), (#""\uD83D\uD83D""#, 1), (#""\uD83D\u0041""#, 1),
            (#""\uD83D\uE000""#, 1),
            (#""\uDE00\uD83D""#, 1), (#""\uD83D\uDE00\uD83D""#, 13), (#"{"\uD800":1}"#, 2), (#""\uD83D😀""#, 1),
        ]
    )
    func refusesLoneSurrogates(_ text: String, offset: Int) throws {
        let error = try #require(throws: JSONParseError.self) { try JSONParser.parse(text) }
        #expect(error.reason == .loneSurrogate)
        #expect(error.offset == offset)
    }

    @Test("a byte that is no UTF-8 is found in whichever of 40 places it stands")
    func refusesWrongByteInEveryPlace() throws {
        for position in 0..<40 {
            var content = Array(repeating: UInt8(ascii: "a"), count: 40)
            content[position] = 0xFF
            for escape in ["", "\\n"] {
                let bytes = Array("\"\(escape)".utf8) + content + Array("\"".utf8)
                let error = try #require(throws: JSONParseError.self) { try JSONParser.parse(bytes) }
                #expect(error.reason == .invalidUTF8)
                #expect(error.offset == 1 + escape.utf8.count + position)
            }
        }
    }

    @Test("every way in reads the same, and fails the same")
    func entriesAgree() throws {
        for text in [#"{"a":["ü",1]}"#, #"{"a":["ü",]}"#] {
            let bytes = Array(text.utf8)
            let expected = Result { () throws(JSONParseError) in try JSONParser.parse(bytes) }
            let results = [
                Result { () throws(JSONParseError) in try JSONParser.parse(text) },
                Result { () throws(JSONParseError) in try JSONParser.parse(bytes.span) },
                bytes.withUnsafeBufferPointer { bytes in
                    Result { () throws(JSONParseError) in try JSONParser.parse(bytes) }
                },
                bytes.withUnsafeBytes { bytes in
                    Result { () throws(JSONParseError) in try JSONParser.parse(bytes) }
                },
            ]
            for result in results {
                #expect(result == expected)
            }
        }
    }

    @Test("empty buffers without an address are refused like any empty text")
    func readsEmptyBuffers() {
        #expect(throws: JSONParseError.self) { try JSONParser.parse(UnsafeBufferPointer<UInt8>(start: nil, count: 0)) }
        #expect(throws: JSONParseError.self) { try JSONParser.parse(UnsafeRawBufferPointer(start: nil, count: 0)) }
    }

    @Test("a part of an object, array or string is never a whole", arguments: AcceptedCase.all)
    func refusesTruncation(_ accepted: AcceptedCase) throws {
        // Long text would only take long: what is cut is the same letter over and over.
        let bytes = Array(accepted.text.utf8.prefix(512))
        let isWhole = bytes.count == accepted.text.utf8.count
        let isClosed = [UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: "\"")].contains(bytes.last)
        for count in 0..<bytes.count {
            let result = Result { try JSONParser.parse(Array(bytes[..<count])) }
            if isClosed || !isWhole {
                #expect(throws: JSONParseError.self, "the first \(count) bytes") { try result.get() }
            }
        }
    }

    @Test("any byte in any place of a document gives a value or an error, never a crash")
    func survivesEveryByte() throws {
        let document = Array(#"{"a":[1.5e3,"ü\u00e9\uD83D\uDE00"],"b":{"c":null}}"#.utf8)
        for index in document.indices {
            for byte in UInt8.min...UInt8.max {
                var bytes = document
                bytes[index] = byte
                let result = Result { () throws(JSONParseError) in try JSONParser.parse(bytes) }
                if case .success(let value) = result {
                    #expect(try JSONParser.parse(JSONWriter.bytes(of: value)) == value)
                }
            }
        }
    }
}

@Suite("JSONParser limits")
struct JSONParserLimitTests {
    private func nested(_ depth: Int, open: String = "[", close: String = "]", inner: String = "") -> String {
        String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)
    }

    @Test("64 levels are read and the 65th is refused where it begins")
    func limitsDepth() throws {
        #expect(try JSONParser.parse(nested(64)).kindName == "array")
        #expect(try JSONParser.parse(nested(64, open: #"{"a":"#, close: "}", inner: "0")).kindName == "object")
        let error = try #require(throws: JSONParseError.self) { try JSONParser.parse(nested(65)) }
        #expect(error.reason == .tooDeep(maximum: 64))
        #expect(error.offset == 64)
        #expect(error.path == Array(repeating: .index(0), count: 64))
        #expect(throws: JSONParseError.self) {
            try JSONParser.parse(nested(65, open: #"{"a":"#, close: "}", inner: "0"))
        }
    }

    @Test("levels are counted inside each other, not side by side")
    func countsDepthNotWidth() throws {
        #expect(try JSONParser.parse("[[],[],{},[]]", maximumDepth: 2).array?.count == 4)
        #expect(throws: JSONParseError.self) { try JSONParser.parse("[[[]]]", maximumDepth: 2) }
    }

    @Test("a limit of 0 allows scalars only")
    func allowsScalarsOnly() throws {
        #expect(try JSONParser.parse("1", maximumDepth: 0) == 1)
        #expect(throws: JSONParseError.self) { try JSONParser.parse("[]", maximumDepth: 0) }
        #expect(throws: JSONParseError.self) { try JSONParser.parse("{}", maximumDepth: 0) }
    }

    @Test("a value at the greatest depth can be read, compared, hashed, merged and written")
    func worksAtGreatestDepth() throws {
        let text = nested(JSONParser.greatestMaximumDepth, open: #"{"a":"#, close: "}", inner: "0")
        let value = try JSONParser.parse(text, maximumDepth: .max)
        #expect(try value == JSONParser.parse(text, maximumDepth: .max))
        #expect(Set([value, value]).count == 1)
        #expect(value.mergedDeeply(with: value) == value)
        #expect(value.mergePatch(value) == value)
        #expect(JSONWriter.string(of: value) == text)
    }

    @Test(
        "10 MB of nothing but beginnings is an error, whatever depth was asked for",
        arguments: ["[", #"{"":"#, #"[{"a":"#, "[\n"]
    )
    func refusesDepthBombs(_ unit: String) throws {
        let bytes = Array(String(repeating: unit, count: 10_000_000 / unit.utf8.count).utf8)
        for depth in [64, 1_000_000, .max] {
            let error = try #require(throws: JSONParseError.self) { try JSONParser.parse(bytes, maximumDepth: depth) }
            #expect(error.reason == .tooDeep(maximum: min(depth, 512)))
        }
    }

    @Test("100,000 names are read, kept in order and found, without a look through all for each")
    func readsManyNames() throws {
        let count = 100_000
        let text = "{" + (0..<count).map { #""name\#($0)":\#($0)"# }.joined(separator: ",") + "}"
        let object = try #require(try JSONParser.parse(text).object)
        #expect(object.count == count)
        #expect(object.members.enumerated().allSatisfy { $1.name == "name\($0)" })
        #expect((0..<count).allSatisfy { object["name\($0)"]?.int == $0 })
        #expect(object["name\(count)"] == nil)
    }

    @Test("a name given twice is found behind 100,000 others")
    func findsDuplicateAmongManyNames() throws {
        let names = (0..<100_000).map { #""name\#($0)":0"# }
        let text = "{" + (names + [#""name77777":0"#]).joined(separator: ",") + "}"
        let error = try #require(throws: JSONParseError.self) { try JSONParser.parse(text) }
        #expect(error.reason == .duplicateName("name77777"))
        #expect(error.path == [.name("name77777")])
    }

    @Test("a name given 100,000 times is refused at the second")
    func refusesManyDuplicates() throws {
        let text = "{" + Array(repeating: #""a":0"#, count: 100_000).joined(separator: ",") + "}"
        let error = try #require(throws: JSONParseError.self) { try JSONParser.parse(text) }
        #expect(error.reason == .duplicateName("a"))
        #expect(error.offset == 7)
    }

    @Test("names that Unicode takes for the same are different, also among many")
    func tellsEquivalentNamesApart() throws {
        // Each name is 16 letters that are written in one of two ways, so all names are equal as `String`s.
        let names = (0..<65_536)
            .map { number in
                (0..<16).map { number >> $0 & 1 == 0 ? "\u{E9}" : "e\u{301}" }.joined()
            }
        let text = "{" + names.map { #""\#($0)":0"# }.joined(separator: ",") + "}"
        #expect(try JSONParser.parse(text).object?.count == names.count)
    }

    @Test("many strings with escapes, each cut off or whole, leave nothing of one in the next")
    func keepsEscapedStringsApart() throws {
        let text = #"["long\nstring with an escape","\t","plain","\u00e9\\"]"#
        #expect(try JSONParser.parse(text) == ["long\nstring with an escape", "\t", "plain", "é\\"])
    }
}

@Suite("JSONParseError")
struct JSONParseErrorTests {
    private func error(_ text: String) throws -> JSONParseError {
        try #require(throws: JSONParseError.self) { try JSONParser.parse(text) }
    }

    @Test("the path leads to the value at fault")
    func tellsPath() throws {
        #expect(try error("x").path == [])
        #expect(try error(#"{"a":[1,{"b":x}]}"#).path == [.name("a"), .index(1), .name("b")])
        #expect(try error(#"{"a":[{"b":1,"c":2,"b":3}]}"#).path == [.name("a"), .index(0), .name("b")])
        #expect(try error("[1,2").path == [])
        #expect(try error(#"[1,{"a" 2}]"#).path == [.index(1)])
    }

    @Test("the line and the column count what a person counts")
    func tellsLineAndColumn() throws {
        let first = try error("[1,x]")
        #expect(first.line == 1)
        #expect(first.column == 4)
        let later = try error("{\n  \"Grüße\": \"日本\",\n  \"ü\": x\n}")
        #expect(later.line == 3)
        #expect(later.column == 8)
    }

    @Test("the message is one sentence with the place")
    func tellsMessage() throws {
        #expect(
            try error("[1,x]").message == "The body is not valid JSON: expected a value at byte 3 (line 1, column 4)."
        )
    }

    @Test("no reason's message, description or debug description holds anything of the input")
    func keepsInputToItself() throws {
        let secret = "sk-secret"
        let texts = [
            #"{"\#(secret)":1,"\#(secret)":2}"#, #"{"\#(secret)":\#(secret)}"#, #""\#(secret)"#, #""\#(secret)\q""#,
            "[1 \(secret)]", #"{"\#(secret)" "\#(secret)"}"#, #"["\#(secret)\uD800"]"#, "null \(secret)",
        ]
        for text in texts {
            let error = try error(text)
            #expect(!"\(error.message)\(error)\(String(reflecting: error))".contains(secret))
        }
    }
}
