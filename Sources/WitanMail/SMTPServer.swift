import NIOCore
package import WitanCore

/// Where a mail server is, and how to speak to it.
package struct SMTPServer: Sendable {
    /// How a connection is kept private.
    package enum Security: Sendable, Hashable {
        /// Not at all.
        case none

        /// By STARTTLS (RFC 3207). Only a server on this machine may do without it.
        case startTLS

        /// By TLS from the first byte (RFC 8314, 3.3).
        case tls
    }

    /// Its name or address; the certificate must be for it.
    package let host: String

    /// Its TCP port.
    package let port: Int

    /// How the connection is kept private.
    package let security: Security

    /// Whom to authenticate as; `nil` for not at all.
    package let username: String?

    /// The password of `username`, which nothing but the server's own AUTH command may see.
    let password: String?

    /// Takes the parts; `.invalidRequest`, with a sentence that holds none of them, unless they fit together.
    ///
    /// User name and password come together, and never without TLS but to a server on this machine.
    package init(
        host: String,
        port: Int,
        security: Security,
        username: String? = nil,
        password: String? = nil
    ) throws(Failure) {
        guard HostName.isValid(host) || HostName.address(host) != nil else {
            throw Self.invalid("has no valid host name or address")
        }
        guard (1...65_535).contains(port) else { throw Self.invalid("needs a port from 1 to 65535") }
        guard (username == nil) == (password == nil) else {
            throw Self.invalid("needs a user name and a password, or neither")
        }
        for credential in [username, password] {
            guard let credential else { continue }
            guard !credential.isEmpty, !credential.unicodeScalars.contains(where: Self.isControl) else {
                throw Self.invalid("has an empty user name or password, or a control character in one")
            }
        }
        guard username == nil || security != .none || HostName.isLoopback(host) else {
            throw Self.invalid("would get the password without TLS; leave out ?tls=none")
        }
        self.host = host
        self.port = port
        self.security = security
        self.username = username
        self.password = password
    }

    /// Whether it is on this machine.
    var isLoopback: Bool { HostName.isLoopback(host) }

    static func invalid(_ clause: String) -> Failure {
        Failure(.invalidRequest, "The mail server \(clause).")
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control
    }
}

extension SMTPServer: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Host and port.
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The same as `description`.
    package var debugDescription: String { description }

    /// A mirror without children, so that no dump holds the password.
    package var customMirror: Mirror { Mirror(self, unlabeledChildren: EmptyCollection<Never>()) }
}

// MARK: - What went wrong

extension SMTPServer {
    /// What the server did or did not, as a sentence.
    func failure(_ clause: String, underlying: (any Error)? = nil) -> Failure {
        Failure(.unavailable, "The mail server \(self) \(clause).", underlying: underlying)
    }

    /// What the server refused, with the beginning of its answer, whose text may be anything.
    ///
    /// Control and format characters are left out. A server that repeats what it was sent must not put the password
    /// into an error text, so all forms in which it was sent are blotted out.
    func refusal(of matter: String, _ reply: SMTPReply, limits: SMTPLimits) -> Failure {
        var text = Self.printable(reply.lines.joined(separator: " "))
        if let username, let password {
            // By scalars, for a mark that combines with the last character would hide it from a search by characters.
            for form in [Base64.encode("\0\(username)\0\(password)".utf8), Base64.encode(password.utf8), password] {
                let form = Self.printable(form)
                if !form.isEmpty { text = text.replacing(form, with: "****".unicodeScalars) }
            }
        }
        let answer = String(
            String.UnicodeScalarView("\(reply.code) ".unicodeScalars + text.prefix(limits.shownReplyScalars))
        )
        return failure("refused \(matter), with the answer “\(answer)”")
    }

    private static func printable(_ text: String) -> String.UnicodeScalarView {
        text.unicodeScalars.filter { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: false
            default: true
            }
        }
    }
}
