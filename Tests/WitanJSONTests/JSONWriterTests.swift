import Testing

@testable import WitanJSON

@Suite("JSONWriter")
struct JSONWriterTests {
    @Test(
        "a string is escaped where RFC 8259 asks for it and nowhere else",
        arguments: [
            ("", #""""#),
            ("plain", #""plain""#),
            ("\"\\", #""\"\\""#),
            ("/", #""/""#),
            ("\u{8}\t\n\u{C}\r", #""\b\t\n\f\r""#),
            ("\0\u{1}\u{B}\u{F}\u{10}\u{1F}", #""\u0000\u0001\u000b\u000f\u0010\u001f""#),
            ("\u{7F}\u{85}\u{2028}", "\"\u{7F}\u{85}\u{2028}\""),
            ("Grüße, 日本, 😀", #""Grüße, 日本, 😀""#),
            ("é e\u{301}", "\"é e\u{301}\""),
            ("<&'>", #""<&'>""#),
            ("a longer line\nand another \"one\"", #""a longer line\nand another \"one\"""#),
        ]
    )
    func escapesStrings(_ text: String, written: String) {
        #expect(JSONWriter.string(of: .string(text)).utf8.elementsEqual(written.utf8))
        var object = JSONObject()
        object[text] = 1
        #expect(JSONWriter.string(of: .object(object)).utf8.elementsEqual("{\(written):1}".utf8))
    }

    @Test("a special byte is found in whichever of 20 places it stands")
    func escapesInEveryPlace() throws {
        for position in 0..<20 {
            for special in ["\"", "\\", "\u{1F}", "\0"] {
                for filler in ["a", "\u{7F}", " ", "!", "#", "[", "]", "ü", "日"] {
                    let text = [
                        String(repeating: filler, count: position), special, String(repeating: filler, count: 9),
                    ]
                    .joined()
                    let written = JSONWriter.string(of: .string(text))
                    #expect(written.utf8.count == text.utf8.count + (special < " " ? 7 : 3))
                    #expect(try JSONParser.parse(written) == .string(text))
                }
            }
        }
    }

    @Test("text is compact, with members and elements in order")
    func writesCompactly() {
        let value: JSONValue = ["b": [1, [], [:], nil], "a": ["x": true, "y": "z"]]
        #expect(JSONWriter.string(of: value) == #"{"b":[1,[],{},null],"a":{"x":true,"y":"z"}}"#)
        #expect(JSONWriter.bytes(of: value) == Array(JSONWriter.string(of: value).utf8))
    }

    @Test("pretty text has a line for each member and element")
    func writesPrettily() {
        let value: JSONValue = ["name": "a", "list": [1, [2], []], "none": [:], "inner": ["x": nil]]
        #expect(
            JSONWriter.string(of: value, pretty: true) == """
                {
                  "name": "a",
                  "list": [
                    1,
                    [
                      2
                    ],
                    []
                  ],
                  "none": {},
                  "inner": {
                    "x": null
                  }
                }
                """
        )
        #expect(JSONWriter.string(of: "a", pretty: true) == #""a""#)
        #expect(JSONWriter.string(of: [], pretty: true) == "[]")
    }

    @Test("written piece by piece, text has its commas and colons")
    func streams() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("list")
        writer.beginArray()
        writer.int(-1)
        writer.int64(.min)
        writer.int(.max)
        writer.string("a\"b")
        writer.bool(true)
        writer.bool(false)
        writer.null()
        writer.number(JSONNumber(checked: "1.50"))
        writer.beginObject()
        writer.endObject()
        writer.beginArray()
        writer.endArray()
        writer.endArray()
        writer.name("a\nb")
        writer.write(["x": 1])
        writer.name("raw")
        writer.rawValue(#"{"y": 2}"#.utf8)
        writer.name("more")
        writer.rawValue([UInt8(ascii: "3")])
        writer.endObject()
        #expect(
            String(decoding: writer.bytes, as: UTF8.self) == #"{"list":[-1,-9223372036854775808,9223372036854775807,"#
                + #""a\"b",true,false,null,1.50,{},[]],"a\nb":{"x":1},"raw":{"y": 2},"more":3}"#
        )
    }

    @Test("a writer can be asked for pretty text piece by piece")
    func streamsPrettily() {
        var writer = JSONWriter(reservingCapacity: 0, pretty: true)
        writer.beginArray()
        writer.rawValue("[1,2]".utf8)
        writer.beginObject()
        writer.name("a")
        writer.int(1)
        writer.endObject()
        writer.endArray()
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "[\n  [1,2],\n  {\n    \"a\": 1\n  }\n]")
    }

    @Test("an end without its beginning, and a name without its value, stop the program")
    func refusesMisuse() async {
        await #expect(processExitsWith: .failure) {
            var writer = JSONWriter()
            writer.endArray()
        }
        await #expect(processExitsWith: .failure) {
            var writer = JSONWriter()
            writer.beginObject()
            writer.name("a")
            writer.endObject()
        }
    }

    @Test("what is written reads back the same, compact or pretty", arguments: [Seed.ofThisRun])
    func roundTrips(_ seed: Seed) throws {
        var maker = ValueMaker(seed)
        for _ in 0..<3_000 {
            let value = maker.value()
            let compact = JSONWriter.bytes(of: value)
            #expect(try JSONParser.parse(compact) == value)
            let pretty = try JSONParser.parse(JSONWriter.bytes(of: value, pretty: true))
            #expect(pretty == value)
            #expect(JSONWriter.bytes(of: pretty) == compact)
        }
    }

    @Test("text that was read is written as it was, numbers to the letter", arguments: AcceptedCase.numbers)
    func keepsNumbers(_ accepted: AcceptedCase) throws {
        let written = try JSONWriter.string(of: JSONParser.parse(accepted.text))
        #expect(written == accepted.text.filter { $0 != " " })
    }
}
