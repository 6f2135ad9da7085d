@testable import WitanJSON

/// Makes values of every kind and shape, at random.
struct ValueMaker {
    var random: SeededGenerator

    init(_ seed: Seed) {
        random = SeededGenerator(seed)
    }

    mutating func value(depth: Int = 4) -> JSONValue {
        switch Int.random(in: 0..<(depth == 0 ? 5 : 8), using: &random) {
        case 0: .null
        case 1: .bool(.random(using: &random))
        case 2: .number(number())
        case 3, 4: .string(string())
        case 5: .array(array(depth: depth))
        default: .object(object(depth: depth))
        }
    }

    mutating func document() -> JSONValue {
        Bool.random(using: &random) ? .object(object(depth: 4)) : .array(array(depth: 4))
    }

    /// A number that a `Double` can hold, with text in any form that JSON allows.
    private mutating func number() -> JSONNumber {
        var text = Bool.random(using: &random) ? "-" : ""
        text += String(random.next() >> UInt64.random(in: 1...63, using: &random))
        if Int.random(in: 0..<3, using: &random) == 0 {
            text += "." + digits(1...12)
        }
        if Int.random(in: 0..<3, using: &random) == 0 {
            text += ["e", "E"].randomElement(using: &random) ?? "e"
            text += ["", "+", "-"].randomElement(using: &random) ?? ""
            text += digits(1...2)
        }
        return JSONNumber(checked: text)
    }

    private mutating func digits(_ count: ClosedRange<Int>) -> String {
        (0..<Int.random(in: count, using: &random)).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined()
    }

    private mutating func string() -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...24, using: &random) {
            text.append(scalar())
        }
        return String(text)
    }

    private mutating func scalar() -> Unicode.Scalar {
        let ranges: [ClosedRange<UInt32>] = [
            0x00...0x1F, 0x20...0x7F, 0x20...0x7F, 0x20...0x7F, 0x22...0x22, 0x5C...0x5C, 0x80...0x7FF, 0x800...0xD7FF,
            0xE000...0xFFFF, 0x10000...0x10FFFF, 0x300...0x36F,
        ]
        let range = ranges.randomElement(using: &random) ?? 0x20...0x7F
        let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) ?? " "
        // Foundation drops a byte order mark from the start of a string.
        return scalar == "\u{FEFF}" ? " " : scalar
    }

    private mutating func array(depth: Int) -> [JSONValue] {
        (0..<Int.random(in: 0...6, using: &random)).map { _ in value(depth: depth - 1) }
    }

    private mutating func object(depth: Int) -> JSONObject {
        var object = JSONObject()
        // Now and then more members than are looked through one by one.
        let most = Int.random(in: 0..<16, using: &random) == 0 ? 40 : 6
        for number in 0..<Int.random(in: 0...most, using: &random) {
            // The number keeps names apart for Foundation, which takes equivalent ones for the same.
            object[string() + "\(number)"] = value(depth: depth - 1)
        }
        return object
    }
}
