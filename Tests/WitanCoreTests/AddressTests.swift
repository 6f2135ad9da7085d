import Testing
import WitanCore

@Suite("Parts of addresses")
struct AddressTests {
    @Test("every byte but the unreserved ones is a percent sign and two digits")
    func percentEncoding() {
        let unreserved = "ABCXYZabcxyz0189-._~"
        #expect(PercentEncoding.encode(unreserved) == unreserved)
        #expect(
            PercentEncoding.encode(" /?#[]@!$&'()*+,;=%\"")
                == "%20%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%25%22"
        )
        #expect(PercentEncoding.encode("é\u{0}") == "%C3%A9%00")
    }

    @Test("this machine is localhost and the addresses that lead nowhere else")
    func loopback() {
        for host in ["localhost", "127.0.0.1", "127.255.0.9", "[::1]"] { #expect(LoopbackHost.isLoopback(host)) }
        for host in [
            "", "localhost.evil.test", "a.localhost", "127.1", "127.0.0.1.evil.test", "127.0.0.256", "127.0.0.+1",
            "127..0.1", "128.0.0.1", "::1", "[::2]", "127.0.0.²",
        ] {
            #expect(!LoopbackHost.isLoopback(host), "\(host)")
        }
    }

    @Test("bytes are equal when all of them are, and there are as many")
    func constantTime() {
        let bytes: [UInt8] = [1, 2, 3]
        #expect(bytes.isEqualInConstantTime(to: bytes))
        #expect([UInt8]().isEqualInConstantTime(to: []))
        for other: [UInt8] in [[], [1, 2], [1, 2, 4], [0, 2, 3], [1, 2, 3, 0]] {
            #expect(!bytes.isEqualInConstantTime(to: other) && !other.isEqualInConstantTime(to: bytes))
        }
    }
}
