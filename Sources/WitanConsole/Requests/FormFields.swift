import WitanCore

/// The fields of a form or of a query, in order; names may repeat.
package struct FormFields: Sendable {
    /// All of them.
    package let fields: [(name: String, value: String)]

    /// Takes the fields in their order.
    package init(_ fields: [(name: String, value: String)] = []) {
        self.fields = fields
    }

    /// The first value of a name.
    package subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    /// The first value of a name without white space around it; nil when nothing is left.
    package func text(_ name: String) -> String? {
        self[name].map(\.trimmed).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Every value of a name.
    package func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    /// Whether there is a field of that name.
    package func has(_ name: String) -> Bool { fields.contains { $0.name == name } }

    /// The fields as a query, without the empty ones, with a question mark; nothing when none is left.
    package static func query(_ fields: [(name: String, value: String?)]) -> String {
        let parts = fields.compactMap { name, value in
            value.flatMap { $0.isEmpty ? nil : "\(encode(name))=\(encode($0))" }
        }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }

    /// A text as a part of an address.
    package static func encode(_ text: String) -> String { PercentEncoding.encode(text) }
}
