import Testing

@testable import WitanJSON

@Suite("JSONValue")
struct JSONValueTests {
    private static let oneOfEachKind: [JSONValue] = [nil, true, 1, "a", [1], ["a": 1]]

    @Test("literals make the kind they look like")
    func readsLiterals() {
        let value: JSONValue = ["a": nil, "b": true, "c": -3, "d": 0.25, "e": "text", "f": [1], "g": [:]]
        #expect(JSONWriter.string(of: value) == #"{"a":null,"b":true,"c":-3,"d":0.25,"e":"text","f":[1],"g":{}}"#)
    }

    @Test("an accessor gives the content of its own kind and nil for every other", arguments: oneOfEachKind)
    func accesses(_ value: JSONValue) {
        #expect(value.isNull == (value.kindName == "null"))
        #expect(value.bool == (value.kindName == "boolean" ? true : nil))
        #expect(value.number == (value.kindName == "number" ? JSONNumber(1) : nil))
        #expect(value.int == (value.kindName == "number" ? 1 : nil))
        #expect(value.string == (value.kindName == "string" ? "a" : nil))
        #expect(value.array == (value.kindName == "array" ? [1] : nil))
        #expect(value.object == (value.kindName == "object" ? ["a": 1] : nil))
    }

    @Test("every kind has its name")
    func namesKinds() {
        #expect(Self.oneOfEachKind.map(\.kindName) == ["null", "boolean", "number", "string", "array", "object"])
    }

    @Test("values are equal, and hash the same, exactly when their texts are")
    func comparesByText() throws {
        let texts = [
            "null", "true", "false", "0", "-0", "1", "1.0", "1e0", #""""#, #""1""#, #""null""#, "[]", "{}", "[[]]",
            "[{}]", "[1,2]", "[2,1]", "[12]", #"["12"]"#, #"["1","2"]"#, #"{"a":1,"b":2}"#, #"{"b":2,"a":1}"#,
            #"{"a":1}"#,
            #"{"a":"1"}"#, #"{"a1":""}"#, "\"\u{E9}\"", "\"e\u{301}\"", "{\"\u{E9}\":1}", "{\"e\u{301}\":1}",
        ]
        let values = try texts.map { try JSONParser.parse($0) }
        for (left, leftText) in zip(values, texts) {
            for (right, rightText) in zip(values, texts) {
                #expect((left == right) == (leftText.utf8.elementsEqual(rightText.utf8)), "\(leftText) \(rightText)")
            }
        }
        #expect(Set(values).count == values.count)
        #expect(try Set(values + texts.map { try JSONParser.parse($0) }).count == values.count)
    }

    @Test("printing, interpolating or dumping a value shows its kind only")
    func keepsContentToItself() {
        struct Holder { let value: JSONValue; let object: JSONObject }
        let object: JSONObject = ["hidden": "hidden", "list": ["hidden", ["hidden": true]]]
        let holder = Holder(value: .object(object), object: object)
        var dumped = ""
        dump(holder, to: &dumped)
        dump(JSONValue.string("hidden"), to: &dumped)
        let printed = "\(holder) \(object) \(holder.value) \(String(reflecting: holder)) \(String(reflecting: object))"
        #expect(!(printed + dumped).contains("hidden"))
        #expect("\(holder.value)" == "object")
        #expect("\(JSONValue.string("hidden"))" == "string")
    }
}

@Suite("JSONNumber")
struct JSONNumberTests {
    @Test(
        "the integer is exact or nil",
        arguments: [
            ("0", 0), ("-0", 0), ("42", 42), ("-42", -42), ("9223372036854775807", .max),
            ("-9223372036854775808", .min),
            ("9223372036854775808", nil), ("-9223372036854775809", nil), ("1.0", nil), ("1e2", nil), ("0.5", nil),
            ("123456789012345678901234567890", nil),
        ] as [(String, Int?)]
    )
    func readsIntegers(_ text: String, integer: Int?) {
        #expect(JSONNumber(checked: text).int == integer)
    }

    @Test(
        "the double is the nearest one, or nil beyond its range",
        arguments: [
            ("0", 0), ("1.5", 1.5), ("-1e2", -100), ("1E+2", 100), ("9007199254740993", 9_007_199_254_740_992),
            ("1.7976931348623157e308", .greatestFiniteMagnitude), ("1e309", nil), ("-1e999", nil), ("1e-999", 0),
            ("5e-324", .leastNonzeroMagnitude),
        ] as [(String, Double?)]
    )
    func readsDoubles(_ text: String, double: Double?) {
        #expect(JSONNumber(checked: text).double == double)
    }

    @Test("integers and doubles are written so that they read back the same", arguments: [Seed.ofThisRun])
    func writesNumbers(_ seed: Seed) throws {
        var random = SeededGenerator(seed)
        for _ in 0..<2_000 {
            let integer = Int64(bitPattern: random.next() >> UInt64.random(in: 0...63, using: &random))
            #expect(try JSONParser.parse(JSONNumber(integer).text).int == Int(integer))
            #expect(JSONNumber(Int(integer)) == JSONNumber(integer))
            let double = Double(bitPattern: random.next())
            guard double.isFinite else { continue }
            let number = try #require(JSONNumber(double))
            #expect(try JSONParser.parse(number.text).number == number)
            #expect(number.double == double)
        }
    }

    @Test("what JSON can't express makes no number", arguments: [Double.infinity, -.infinity, .nan, .signalingNaN])
    func refusesNonFinite(_ value: Double) {
        #expect(JSONNumber(value) == nil)
    }
}
