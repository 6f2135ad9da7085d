/// Which hosts of URLs are this machine.
package enum LoopbackHost {
    /// Whether what is sent to a host passes no network: `localhost`, `[::1]`, or an address of 127.0.0.0/8.
    ///
    /// Names below `localhost` do not count: not every resolver keeps them on the machine (RFC 6761, 6.3).
    package static func isLoopback(_ host: some StringProtocol) -> Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        // Without the look at the digits, a sign would count as part of a number.
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { part in
                part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } && UInt8(part) != nil
            }
    }
}
