package import WitanCore

/// Whom a message is from or to: an address, and the name of a person when there is one.
///
/// The address is an addr-spec (RFC 5322, 3.4.1) with a dot-atom before the `@` and a host name after it, in ASCII.
/// Quoted local parts, address literals and internationalized addresses (RFC 6531) are refused.
package struct MailAddress: Sendable, Hashable {
    /// The address itself: `ada@example.org`.
    package let address: String

    /// The name that mail programs show before it.
    package let name: String?

    /// Takes an address and a name, which may be any text; `.invalidRequest` unless the address has the form above.
    package init(_ address: String, name: String? = nil) throws(Failure) {
        guard address.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw Failure(
                .invalidRequest,
                "An e-mail address has ASCII characters alone; write an international domain in its xn-- form."
            )
        }
        guard Self.isValid(address) else {
            throw Failure(.invalidRequest, "An e-mail address has the form name@example.org.")
        }
        self.address = address
        self.name = name
    }

    /// Reads an address as people write it: `ada@example.org` or `Ada Lovelace <ada@example.org>`.
    ///
    /// Double quotes around the name are left out; what it contains is free but for quotes and angle brackets.
    package init(parsing text: String) throws(Failure) {
        guard text.hasSuffix(">"), let bracket = text.firstIndex(of: "<") else {
            try self.init(text)
            return
        }
        var name = text[..<bracket].trimmingBlanks
        if name.count > 1, name.hasPrefix("\""), name.hasSuffix("\"") { name = name.dropFirst().dropLast() }
        guard !name.contains(where: { "\"<>".contains($0) }) else {
            throw Failure(.invalidRequest, "An address with a name has the form Ada Lovelace <ada@example.org>.")
        }
        try self.init(
            String(text[text.index(after: bracket)...].dropLast()),
            name: name.isEmpty ? nil : String(name)
        )
    }

    /// What stands after the `@`.
    var domain: Substring { address[address.index(after: address.lastIndex(of: "@") ?? address.startIndex)...] }

    /// The longest address that fits into the path of a command, angle brackets included (RFC 5321, 4.5.3.1.3).
    private static let longest = 254

    /// The longest local part (RFC 5321, 4.5.3.1.1).
    private static let longestLocalPart = 64

    private static func isValid(_ address: String) -> Bool {
        let parts = address.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, address.utf8.count <= longest, parts[0].utf8.count <= longestLocalPart else {
            return false
        }
        let atoms = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        return atoms.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(isAtomText) } && HostName.isValid(parts[1])
    }

    /// `atext` (RFC 5322, 3.2.3).
    private static func isAtomText(_ byte: UInt8) -> Bool {
        HostName.isLetterOrDigit(byte) || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
    }
}

extension MailAddress: CustomStringConvertible {
    /// The address without the name.
    package var description: String { address }
}

extension Substring {
    fileprivate var trimmingBlanks: Substring {
        var text = drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text
    }
}
