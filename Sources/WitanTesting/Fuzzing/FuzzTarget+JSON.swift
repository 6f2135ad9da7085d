import Foundation
import WitanJSON

extension FuzzTarget {
    /// The JSON parser: what it accepts survives writing, and Foundation reads the same.
    static let json = FuzzTarget(name: "json") { bytes in
        let value: JSONValue
        do throws(JSONParseError) {
            value = try JSONParser.parse(bytes)
        } catch {
            try require((0...bytes.count).contains(error.offset), "a refusal names a place in the text")
            return .refused
        }
        for isPretty in [false, true] {
            let written = JSONWriter.bytes(of: value, pretty: isPretty)
            try require(try JSONParser.parse(written) == value, "a value stays the same when written and read")
        }
        try require(try JSONParser.parse(String(decoding: bytes, as: UTF8.self)) == value, "what is read is UTF-8")
        let comparison = try JSONDecoder().decode(FoundationComparison.self, from: Data(bytes), configuration: value)
        try require(comparison.agrees, "Foundation reads the same value")
        return .accepted
    }
}

/// Whether what Foundation reads is a value of ours; decoding fails when it is of another kind.
private struct FoundationComparison: DecodableWithConfiguration {
    let agrees: Bool

    init(from decoder: any Decoder, configuration value: JSONValue) throws {
        switch value {
        case .null:
            agrees = try decoder.singleValueContainer().decodeNil()
        case .bool(let bool):
            agrees = try decoder.singleValueContainer().decode(Bool.self) == bool
        case .number(let number):
            let container = try decoder.singleValueContainer()
            agrees =
                if let int = number.int {
                    try container.decode(Int.self) == int
                } else if let double = number.double, double.isNormal {
                    try container.decode(Double.self) == double
                } else {
                    // Foundation reads no number that is beyond a `Double`, nor one so close to zero.
                    !container.decodeNil()
                }
        case .string(let text):
            agrees = try decoder.singleValueContainer().decode(String.self).utf8.elementsEqual(text.utf8)
        case .array(let elements):
            var container = try decoder.unkeyedContainer()
            agrees =
                try elements.allSatisfy {
                    try container.decode(FoundationComparison.self, configuration: $0).agrees
                } && container.isAtEnd
        case .object(let object):
            let container = try decoder.container(keyedBy: MemberName.self)
            // Foundation keeps one of several names that are equal but for their normalization.
            guard Set(object.members.map(\.name)).count == object.count else {
                agrees = true
                return
            }
            agrees =
                try container.allKeys.count == object.count
                && object.members.allSatisfy { name, value in
                    let key = MemberName(stringValue: name)
                    return try container.decode(FoundationComparison.self, forKey: key, configuration: value).agrees
                }
        }
    }
}

private struct MemberName: CodingKey {
    let stringValue: String
    let intValue: Int? = nil

    init(stringValue: String) {
        self.stringValue = stringValue
    }

    init?(intValue: Int) {
        nil
    }
}
