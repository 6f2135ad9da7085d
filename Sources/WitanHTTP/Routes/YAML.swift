package import WitanJSON
import Yams

/// Writes JSON values as YAML, members in their order.
package enum YAML {
    /// The value as a YAML document.
    package static func string(of value: JSONValue) throws -> String {
        try Yams.serialize(node: node(value), width: -1, allowUnicode: true)
    }

    private static func node(_ value: JSONValue) -> Node {
        switch value {
        case .null: Node("null", Tag(.null))
        case .bool(let bool): Node(bool ? "true" : "false", Tag(.bool))
        case .number(let number): Node(number.text, Tag(number.int == nil ? .float : .int))
        case .string(let text): text.contains("\n") ? Node(text, Tag(.str), .literal) : .scalar(Self.scalar(text))
        case .array(let values): Node(values.map(node))
        case .object(let object): Node(object.members.map { (.scalar(scalar($0.name)), node($0.value)) })
        }
    }

    /// A text that YAML would read as something else is put in quotes.
    private static func scalar(_ text: String) -> Node.Scalar {
        let plain = Node.Scalar(text)
        return Resolver.default.resolveTag(of: Node(text)) == .str
            ? plain : Node.Scalar(text, Tag(.str), .singleQuoted)
    }
}
