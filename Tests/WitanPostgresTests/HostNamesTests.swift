import Testing
import WitanCore
import WitanTesting

@testable import WitanPostgres

@Suite("Where the database's host is")
struct HostNamesTests {
    @Test("a name is tried at each of its addresses, and kept for the certificate")
    func addresses() throws {
        let names = HostNames(.system) { host in
            host == "db.internal" ? .addresses((1...20).map { "10.0.0.\($0)" }) : .failure("another name: \(host)")
        }
        let server = ["host": "db.internal", "port": "6432", "sslmode": "verify-full"]
        let places = try names.places(of: server, until: .max)
        #expect(places.map { $0["hostaddr"] } == (1...8).map { "10.0.0.\($0)" })
        for place in places { #expect(place.filter { $0.key != "hostaddr" } == server) }
    }

    @Test(
        "nobody is asked about a socket, an address that the URL gives, or a host that it does not name",
        arguments: [
            ["host": "/run/postgresql"], ["host": "@witan"], ["host": "db", "hostaddr": "10.0.0.1"],
            ["hostaddr": "10.0.0.1"], [:],
        ]
    )
    func noName(server: [String: String]) throws {
        let names = HostNames(.system) { _ in .failure("it was asked") }
        #expect(try names.places(of: server, until: .max) == [server])
    }

    @Test("a name that there is not is told of as a database that cannot be reached")
    func noAddress() throws {
        let names = HostNames(.system) { _ in .failure("a certificate is no reason") }
        let error = #expect(throws: PostgresError.self) { try names.places(of: ["host": "db"], until: .max) }
        #expect(error?.state == "08001")
        #expect(error?.connectionMessage == "the address of db was not found: a certificate is no reason")
    }

    @Test("a resolver that says nothing is waited for until the deadline, by all on one thread, and its answer taken")
    func silence() throws {
        let gate = Gate()
        let questions = Counter()
        let clock = FakeClock()
        let names = HostNames(clock.source) { _ in
            questions.add()
            gate.waitUntilOpen()
            return .addresses(["10.0.0.1"])
        }
        let now = clock.source.monotonic()
        for _ in 1...10 {
            let error = #expect(throws: PostgresError.self) { try names.places(of: ["host": "db"], until: now) }
            #expect(error?.connectionMessage?.hasSuffix("no answer in time") == true)
        }
        #expect(questions.value <= 1)
        gate.open()
        let places = try names.places(of: ["host": "db"], until: now + 1)
        #expect(places == [["host": "db", "hostaddr": "10.0.0.1"]])
    }

    @Test("the system's resolver gives addresses as they are written", arguments: ["127.0.0.1", "::1"])
    func system(address: String) {
        guard case .addresses(let addresses) = HostNames.system(address) else {
            Issue.record("no address of \(address)")
            return
        }
        #expect(addresses == [address])
    }
}
