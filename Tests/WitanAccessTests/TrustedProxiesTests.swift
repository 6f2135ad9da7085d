import Testing
import WitanAccess
import WitanCore

@Suite("The client's address")
struct TrustedProxiesTests {
    private static let trusted = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]

    @Test(
        "X-Forwarded-For is believed from the right, as far as trusted proxies wrote it",
        arguments: [
            ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
            ("10.0.0.1", [], "10.0.0.1"),
            ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", ["6.6.6.6, 198.51.100.1, 10.9.9.9,192.0.2.7"], "198.51.100.1"),
            ("10.0.0.1", ["6.6.6.6", "198.51.100.1", "10.9.9.9"], "198.51.100.1"),
            ("10.0.0.1", ["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
            ("10.0.0.1", ["6.6.6.6, unknown"], "10.0.0.1"),
            ("10.0.0.1", ["6.6.6.6, 999.1.1.1, 10.2.2.2"], "10.2.2.2"),
            ("10.0.0.1", ["198.51.100.1, , ,"], "198.51.100.1"),
            ("10.0.0.1", ["", " "], "10.0.0.1"),
            ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", ["[2001:4860::8888]:443"], "2001:4860::8888"),
            ("10.0.0.1", ["2001:4860:0:0:0:0:0:8888"], "2001:4860::8888"),
            ("2001:db8::1", ["\t198.51.100.1 "], "198.51.100.1"),
            ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
            ("::FFFF:203.0.113.9", ["6.6.6.6"], "203.0.113.9"),
            ("192.0.2.8", ["6.6.6.6"], "192.0.2.8"),
            ("unix:/run/witan", ["6.6.6.6"], "unix:/run/witan"),
            ("10.0.0.1", ["198.51.100.1\0"], "10.0.0.1"),
        ]
    )
    func finds(peer: String, forwardedFor: [String], expected: String) throws {
        let proxies = try TrustedProxies(parsing: Self.trusted)
        #expect(proxies.clientAddress(peer: peer, forwardedFor: forwardedFor) == expected)
    }

    @Test("Without trusted proxies the header means nothing")
    func trustsNobody() {
        #expect(TrustedProxies().clientAddress(peer: "127.0.0.1", forwardedFor: ["6.6.6.6"]) == "127.0.0.1")
    }

    @Test(
        "An address is known to limiters by itself, or by its /64",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8:1:2::", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::", "2001:db8:1:3::/64"), ("::1", "::/64"), ("no address", "no address"),
        ]
    )
    func groups(address: String, expected: String) {
        #expect(IPAddress.limiterKey(for: address) == expected)
    }

    @Test(
        "Blocks contain what they say",
        arguments: [
            ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true), ("10.0.0.0/8", "::10.1.1.1", false),
            ("192.0.2.0/31", "192.0.2.1", true), ("192.0.2.0/31", "192.0.2.2", false),
            ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1/32", "192.0.2.0", false),
            ("0.0.0.0/0", "255.1.2.3", true), ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true), ("::/0", "10.1.1.1", false),
            ("::ffff:10.0.0.0/104", "10.1.1.1", true), ("::ffff:10.0.0.0/104", "11.1.1.1", false),
            ("2001:db8::/33", "2001:db8:7fff::", true), ("2001:db8::/33", "2001:db8:8000::", false),
            ("fe80::1", "fe80::1", true), ("fe80::1/128", "fe80::2", false),
        ]
    )
    func contains(block: String, address: String, expected: Bool) throws {
        #expect(try AddressBlock(parsing: block).contains(try #require(IPAddress(address))) == expected)
    }

    @Test(
        "A block that is none, or has bits after its prefix, is refused",
        arguments: [
            "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8/8",
            "10.0.0.1/8", "::1/64", "2001:db8::/129", "10.0.0/8", "localhost", "10.0.0.0 /8", "fe80::1%eth0",
        ]
    )
    func refuses(text: String) {
        #expect(throws: Failure.self) { try TrustedProxies(parsing: ["127.0.0.1", text]) }
    }

    @Test("Addresses are written in their shortest form", arguments: Seeds.few)
    func roundTrips(seed: UInt64) throws {
        var random = RandomSource.seeded(seed)
        for _ in 0..<1_000 {
            let groups = (0..<8)
                .map { _ in
                    Bool.random(using: &random) ? 0 : UInt16.random(in: .min ... .max, using: &random)
                }
            let full = groups.map { String($0, radix: 16) }.joined(separator: ":")
            let address = try #require(IPAddress(full))
            #expect(IPAddress(address.description) == address)
            #expect(address.description.utf8.count <= full.utf8.count || address.description.contains("."))
            let octets = groups.prefix(4).map { String($0 & 0xFF) }.joined(separator: ".")
            #expect(IPAddress(octets)?.description == octets)
        }
    }

    @Test(
        "What is no address is none",
        arguments: [
            "", " ", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "1.2.3.4\0", "::1\0", ":::", "1::2::3", "[::1]",
        ]
    )
    func refusesAddress(text: String) {
        #expect(IPAddress(text) == nil)
    }
}
