import CLibPQ
package import WitanCore

/// Where a PostgreSQL database is and how to sign in there, as a URL says it
/// (https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING).
package struct PostgresAddress: Sendable {
    /// The parameters of the connection by libpq's names; one of them may be a password.
    let parameters: [String: String]

    /// The host and the database, without user and password, for messages.
    package let description: String

    /// What a connection is told when the URL does not say it: a server that is gone is noticed within seconds.
    private static let standards = [
        "application_name": "witan",
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "20000",
    ]

    /// Reads `postgres://user:password@host:port/name?sslmode=verify-full` or `postgresql://…`.
    ///
    /// - Throws: `.invalidRequest` with a sentence that does not repeat the URL, since no part of one that is wrong is
    ///   known not to be of the password.
    package init(url: String) throws(Failure) {
        guard let scheme = ["postgres://", "postgresql://"].first(where: url.hasPrefix) else {
            throw Self.invalid("must begin with postgres://, such as postgres://witan@db.example.com/witan.")
        }
        try Self.require(url.dropFirst(scheme.count))
        var error: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &error) else {
            // libpq's own message repeats parts of the URL.
            PQfreemem(error)
            throw Self.invalid(
                """
                cannot be read: write postgres://USER:PASSWORD@HOST:PORT/NAME, with %40 for @ and the like within a \
                part, and only parameters that libpq knows after the question mark.
                """
            )
        }
        defer { PQconninfoFree(options) }
        var parameters = Self.standards
        var option = options
        while let keyword = option.pointee.keyword {
            // An empty value is none, as libpq has it.
            if let value = option.pointee.val, value.pointee != 0 {
                parameters[String(cString: keyword)] = String(cString: value)
            }
            option += 1
        }
        parameters["client_encoding"] = "UTF8"
        try Self.require(parameters)
        self.parameters = parameters
        let hosts = Self.list(parameters["host"] ?? parameters["hostaddr"])
        let ports = Self.list(parameters["port"])
        let places = hosts.indices.map { index in
            let port = ports.count == 1 ? ports[0] : ports.isEmpty ? "" : ports[index]
            let host = hosts[index].isEmpty ? "the local socket" : hosts[index]
            return port.isEmpty ? host : "\(host.contains(":") ? "[\(host)]" : host):\(port)"
        }
        let server = places.isEmpty ? "the local socket" : places.joined(separator: ",")
        description = "\(server)/\(parameters["dbname"] ?? parameters["user"] ?? "")"
    }

    /// The parameters for each server to try, in their order, when the URL names several.
    ///
    /// libpq tries one after another by itself, but waits for a machine that is gone until all the time is over; so it does
    /// with the addresses of a name (`HostNames`). Of several servers, the one that takes writes is meant unless the URL
    /// says otherwise or any will do.
    func servers(isReplica: Bool) -> [[String: String]] {
        let lists = ["host", "hostaddr", "port"]
            .compactMap { name in
                parameters[name].map { (name: name, items: Self.list($0)) }
            }
        let count = lists.filter { $0.name != "port" }.map(\.items.count).max() ?? 1
        guard count > 1 else { return [parameters] }
        let wanted = parameters["target_session_attrs"] ?? (isReplica ? "any" : "primary")
        // A standby first, and when none can be had any server.
        return (wanted == "prefer-standby" ? ["standby", "any"] : [wanted])
            .flatMap { attributes in
                (0..<count)
                    .map { index in
                        var server = parameters
                        for list in lists { server[list.name] = list.items[list.items.count == 1 ? 0 : index] }
                        server["target_session_attrs"] = attributes
                        return server
                    }
            }
    }

    private static func list(_ text: String?) -> [String] {
        text.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
    }
}

// MARK: - Refusals

extension PostgresAddress {
    private static func invalid(_ sentence: String) -> Failure {
        Failure(.invalidRequest, "The database's URL \(sentence)")
    }

    /// Refuses what libpq would read as something else than was meant, so that a part of a password became a host or a
    /// name, which are shown.
    private static func require(_ rest: Substring) throws(Failure) {
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw invalid("holds a space or a control character: write %20 for a space.")
        }
        // As libpq does: a user, if there is one, ends at the first @, unless there is a / before.
        let end = rest.firstIndex { $0 == "@" || $0 == "/" }
        let hasUser = end.map { rest[$0] == "@" } ?? false
        let place = hasUser ? end.map { rest[rest.index(after: $0)...] } ?? rest : rest
        guard !place.prefix(while: { $0 != "?" }).contains("@") else {
            throw invalid(
                "has an @ too many: write %40 for @, and %2F for /, within a user's name, a password or a database's name."
            )
        }
    }

    /// Refuses values that libpq would repeat in its message as it refuses them.
    private static func require(_ parameters: [String: String]) throws(Failure) {
        for name in ["host", "hostaddr", "port", "dbname", "user"] {
            guard parameters[name]?.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) ?? true else {
                throw invalid("has a control character in its \(name).")
            }
        }
        for (name, values) in words {
            guard let value = parameters[name], !values.contains(value) else { continue }
            throw invalid("has a \(name) that is none of \(values.joined(separator: ", ")).")
        }
        for name in numbers {
            guard let value = parameters[name], !isNumber(value) || Int32(value) == nil else { continue }
            throw invalid("has a \(name) that is no number.")
        }
        let hosts = list(parameters["host"])
        let addresses = list(parameters["hostaddr"])
        let ports = list(parameters["port"])
        guard hosts.allSatisfy({ $0.hasPrefix("/") || $0.hasPrefix("@") || !$0.contains("@") }) else {
            throw invalid("has an @ in its host: write %40 for @ within a user's name or a password.")
        }
        guard ports.allSatisfy({ $0.isEmpty || isNumber($0) && UInt16($0).map { $0 > 0 } ?? false }) else {
            throw invalid("has a port that is no number from 1 to 65535; write %3A for : within a password.")
        }
        guard hosts.isEmpty || addresses.isEmpty || hosts.count == addresses.count else {
            throw invalid("names another number of hosts than of addresses (hostaddr).")
        }
        guard ports.count <= 1 || ports.count == max(hosts.count, addresses.count) else {
            throw invalid("names another number of ports than of hosts.")
        }
    }

    private static func isNumber(_ text: String) -> Bool {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// The values of parameters that take one of a few words.
    private static let words: [(name: String, values: [String])] = [
        ("sslmode", ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
        (
            "target_session_attrs",
            ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"]
        ),
        ("channel_binding", ["disable", "prefer", "require"]),
        ("gssencmode", ["disable", "prefer", "require"]),
        ("ssl_min_protocol_version", ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]),
        ("ssl_max_protocol_version", ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]),
        ("sslcompression", ["0", "1"]), ("sslsni", ["0", "1"]), ("keepalives", ["0", "1"]),
        ("replication", ["false", "off", "no", "0"]),
    ]

    /// Parameters that take a number.
    private static let numbers = [
        "connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
    ]
}

// MARK: - Concealment

extension PostgresAddress: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The same, for a debugger too.
    package var debugDescription: String { description }

    /// Nothing but that.
    package var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
