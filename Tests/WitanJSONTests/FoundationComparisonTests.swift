import Foundation
import Testing

@testable import WitanJSON

@Suite("Against Foundation's JSONSerialization")
struct FoundationComparisonTests {
    @Test("Foundation reads what we write as the same value", arguments: [Seed.ofThisRun])
    func foundationReadsOurs(_ seed: Seed) throws {
        var maker = ValueMaker(seed)
        for _ in 0..<3_000 {
            let value = maker.value()
            for pretty in [false, true] {
                let bytes = JSONWriter.bytes(of: value, pretty: pretty)
                let theirs = try #require(FoundationJSON.read(bytes), "\(JSONWriter.string(of: value))")
                #expect(agree(value, theirs), "\(JSONWriter.string(of: value))")
            }
        }
    }

    @Test("we read what Foundation writes as the same value", arguments: [Seed.ofThisRun])
    func weReadFoundations(_ seed: Seed) throws {
        var maker = ValueMaker(seed)
        for _ in 0..<3_000 {
            let object = foundationObject(of: maker.value())
            for options in [JSONSerialization.WritingOptions.fragmentsAllowed, [.fragmentsAllowed, .prettyPrinted]] {
                let data = try JSONSerialization.data(withJSONObject: object, options: options)
                let ours = try JSONParser.parse(Array(data))
                #expect(agree(ours, object), "\(String(decoding: data, as: UTF8.self))")
            }
        }
    }

    @Test("on damaged text, both agree but for the known differences", arguments: [Seed.ofThisRun])
    func agreesOnDamagedText(_ seed: Seed) throws {
        var damager = Damager(seed)
        var accepted = 0
        var refused = 0
        for _ in 0..<12_000 {
            let bytes = damager.damagedText()
            let text = String(decoding: bytes, as: UTF8.self)
            let theirs = FoundationJSON.read(bytes)
            do throws(JSONParseError) {
                let ours = try JSONParser.parse(bytes)
                accepted += 1
                if let theirs {
                    // Foundation drops the mark from the start of a string, where it is a character like any other.
                    #expect(agree(ours, theirs) || text.unicodeScalars.contains("\u{FEFF}"), "\(text)")
                } else {
                    #expect(hasNumberBeyondDouble(ours), "only we accept \(text)")
                }
            } catch {
                refused += 1
                #expect(theirs == nil || isLaxerInFoundation(error, in: bytes), "only Foundation accepts \(text)")
            }
        }
        #expect(accepted > 500)
        #expect(refused > 500)
    }
}

/// Foundation's view of JSON text: the value, or nil when it refuses.
private enum FoundationJSON {
    static func read(_ bytes: [UInt8]) -> Any? {
        // Whether it accepts is all that is asked.
        try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
    }
}

/// Foundation refuses numbers that no `Double` can hold; we leave that to who asks for the `Double`.
private func hasNumberBeyondDouble(_ value: JSONValue) -> Bool {
    switch value {
    case .null, .bool, .string: false
    case .number(let number): number.double == nil
    case .array(let elements): elements.contains(where: hasNumberBeyondDouble)
    case .object(let object): object.members.contains { hasNumberBeyondDouble($0.value) }
    }
}

/// Whether Foundation is known to accept what we refuse for this reason in this place.
private func isLaxerInFoundation(_ error: JSONParseError, in bytes: [UInt8]) -> Bool {
    // It guesses UTF-16 and UTF-32 from the first bytes.
    if bytes.prefix(4).contains(where: { $0 == 0 || $0 >= 0xFE }) { return true }
    return switch error.reason {
    case .duplicateName: true  // It keeps one of the two.
    case .byteOrderMark: true  // It skips the mark.
    case .expectedName: bytes[error.offset] == UInt8(ascii: "}")  // It allows a comma after the last member,
    case .expectedValue: bytes[error.offset] == UInt8(ascii: "]")  // and after the last element.
    default: false
    }
}

/// Whether our value and Foundation's say the same, as far as Foundation's can.
private func agree(_ ours: JSONValue, _ theirs: Any) -> Bool {
    switch ours {
    case .null:
        return theirs is NSNull
    case .bool(let value):
        return isBoolean(theirs) && theirs as? Bool == value
    case .number(let number):
        guard !isBoolean(theirs), let theirs = theirs as? NSNumber else { return false }
        if let integer = number.int { return theirs.int64Value == Int64(integer) }
        guard let double = number.double else { return false }
        // Foundation goes by way of `Decimal`, which loses some of the last digits.
        return abs(theirs.doubleValue - double) <= abs(double) * 1e-12
    case .string(let text):
        return (theirs as? String)?.utf8.elementsEqual(text.utf8) ?? false
    case .array(let elements):
        guard let theirs = theirs as? [Any], theirs.count == elements.count else { return false }
        return zip(elements, theirs).allSatisfy(agree)
    case .object(let object):
        guard let theirs = theirs as? [String: Any], theirs.count == object.count else { return false }
        return object.members.allSatisfy { name, value in theirs[name].map { agree(value, $0) } ?? false }
    }
}

private func isBoolean(_ value: Any) -> Bool {
    (value as? NSNumber).map { String(cString: $0.objCType) == "c" } ?? false
}

/// Our value in Foundation's types.
private func foundationObject(of value: JSONValue) -> Any {
    switch value {
    case .null: NSNull()
    case .bool(let value): value
    case .number(let number): number.int.map { NSNumber(value: $0) } ?? NSNumber(value: number.double ?? 0)
    case .string(let text): text
    case .array(let elements): elements.map(foundationObject)
    case .object(let object):
        Dictionary(uniqueKeysWithValues: object.members.map { ($0.name, foundationObject(of: $0.value)) })
    }
}

/// Makes text that is nearly JSON.
private struct Damager {
    private var maker: ValueMaker

    init(_ seed: Seed) {
        maker = ValueMaker(seed)
    }

    mutating func damagedText() -> [UInt8] {
        var bytes = JSONWriter.bytes(of: maker.value(depth: 3), pretty: .random(using: &maker.random))
        for _ in 0..<Int.random(in: 1...3, using: &maker.random) {
            damage(&bytes)
        }
        return bytes
    }

    private mutating func damage(_ bytes: inout [UInt8]) {
        let place = Int.random(in: 0...bytes.count, using: &maker.random)
        let end = min(bytes.count, place + Int.random(in: 0...4, using: &maker.random))
        switch Int.random(in: 0..<5, using: &maker.random) {
        case 0: bytes.replaceSubrange(place..<end, with: [UInt8.random(in: 0...255, using: &maker.random)])
        case 1: bytes.removeSubrange(place..<end)
        case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 3: bytes.removeSubrange(place...)
        default: bytes.insert(contentsOf: Self.tokens.randomElement(using: &maker.random) ?? [], at: place)
        }
    }

    private static let tokens: [[UInt8]] =
        [
            "\"", "\\", "\\u", "\\uD83D", "\\uDE00", "\\u0000", "\\n", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e",
            "E+",
            "1e999", "9", "true", "null", "\"\":", "\"a\":1,", "\"a\":1,\"a\":2,", " ", "\n", "\t", "\0", "\u{1F}",
            "/**/",
            "\u{FEFF}", "\u{E9}", "NaN",
        ]
        .map { Array($0.utf8) } + [[0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80], [0xFF]]
}
