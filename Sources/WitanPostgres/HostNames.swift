import Dispatch
import Synchronization
import WitanCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Finds the addresses of servers' names, on threads of its own: a resolver knows no deadline.
///
/// One that does not answer holds a thread for each name at the most, however often the name is asked for meanwhile.
final class HostNames: Sendable {
    /// What a resolver says of a name: its addresses, at least one, or why there are none.
    enum Answer: Sendable {
        case addresses([String])
        case failure(String)
    }

    /// Asks for a name's addresses, for as long as that takes.
    typealias Resolver = @Sendable (_ host: String) -> Answer

    /// A question that may have been answered.
    private final class Lookup: Sendable {
        let answer = Mutex<Answer?>(nil)
    }

    private let resolver: Resolver
    private let time: TimeSource
    private let lookups = Mutex<[String: Lookup]>([:])

    /// Addresses of a name that are tried; each may take the whole time for connecting.
    private static let addresses = 8

    init(_ time: TimeSource, resolver: @escaping Resolver = HostNames.system) {
        self.time = time
        self.resolver = resolver
    }

    /// The parameters for each address of a server's, in the resolver's order; the name stays beside them, for the
    /// certificate is of the name.
    ///
    /// Sockets and what libpq takes from its environment are left to it. Keeps the calling thread, which is a worker's
    /// own, until the deadline at the latest.
    func places(of server: [String: String], until deadline: Int64) throws(PostgresError) -> [[String: String]] {
        guard let host = server["host"], let first = host.first, first != "/", first != "@",
            server["hostaddr"]?.isEmpty ?? true, getenv("PGHOSTADDR") == nil
        else { return [server] }
        return try addresses(of: host, until: deadline).prefix(Self.addresses)
            .map { address in
                var place = server
                place["hostaddr"] = address
                return place
            }
    }

    private func addresses(of host: String, until deadline: Int64) throws(PostgresError) -> [String] {
        let lookup = lookups.withLock { lookups in
            if let lookup = lookups[host] { return lookup }
            let lookup = Lookup()
            lookups[host] = lookup
            begin(lookup, of: host)
            return lookup
        }
        while true {
            switch lookup.answer.withLock({ $0 }) {
            case .addresses(let addresses): return addresses
            case .failure(let reason): throw Self.error(host, reason)
            case nil: break
            }
            guard time.monotonic() < deadline else { throw Self.error(host, "no answer in time") }
            poll(nil, 0, 1)
        }
    }

    private func begin(_ lookup: Lookup, of host: String) {
        DispatchQueue(label: "HostNames")
            .async {
                let answer = self.resolver(host)
                lookup.answer.withLock { $0 = answer }
                // Whoever asks from now on asks anew: a name may lead elsewhere by then.
                self.lookups.withLock { $0[host] = nil }
            }
    }

    private static func error(_ host: String, _ reason: String) -> PostgresError {
        PostgresError(state: "08001", connectionMessage: "the address of \(host) was not found: \(reason)")
    }

    // MARK: The system's resolver

    /// Longer than any address, with the name of a network's interface.
    private static let addressBytes: socklen_t = 256

    /// Asks the system's resolver, in the same way as libpq does.
    static let system: Resolver = { host in
        var hints = addrinfo()
        var first: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &first)
        defer { if let first { freeaddrinfo(first) } }
        guard code == 0 else { return .failure(String(cString: gai_strerror(code))) }
        var addresses: [String] = []
        var next = first
        while let entry = next {
            // Each comes once for every kind of socket.
            if let address = text(of: entry.pointee), !addresses.contains(address) { addresses.append(address) }
            next = entry.pointee.ai_next
        }
        return addresses.isEmpty ? .failure("no address") : .addresses(addresses)
    }

    private static func text(of entry: addrinfo) -> String? {
        var text = [CChar](repeating: 0, count: Int(addressBytes))
        guard getnameinfo(entry.ai_addr, entry.ai_addrlen, &text, addressBytes, nil, 0, NI_NUMERICHOST) == 0 else {
            return nil
        }
        return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
    }
}
