import Testing
import WitanCore

@testable import WitanPostgres

@Suite("The database's URL")
struct PostgresAddressTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let url: String
        let description: String
        var parameters: [String: String] = [:]

        var testDescription: String { url }
    }

    private static let accepted = [
        Case(
            url: "postgres://witan:hunter2@db.example.com:5433/keys?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            description: "db.example.com:5433/keys",
            parameters: [
                "user": "witan", "password": "hunter2", "host": "db.example.com", "port": "5433", "dbname": "keys",
                "sslmode": "verify-full", "sslrootcert": "/etc/ca.pem",
            ]
        ),
        Case(url: "postgresql://db/keys", description: "db/keys", parameters: ["host": "db", "dbname": "keys"]),
        Case(url: "postgres://", description: "the local socket/"),
        Case(url: "postgres://witan@/", description: "the local socket/witan", parameters: ["user": "witan"]),
        Case(
            url: "postgres:///keys?host=/run/postgresql",
            description: "/run/postgresql/keys",
            parameters: ["host": "/run/postgresql"]
        ),
        Case(
            url: "postgres://%2Frun%2Fpostgresql:5433/keys",
            description: "/run/postgresql:5433/keys",
            parameters: ["host": "/run/postgresql"]
        ),
        Case(url: "postgres://[::1]:5432/keys", description: "[::1]:5432/keys", parameters: ["host": "::1"]),
        Case(
            url: "postgres://[2001:db8::1]/keys",
            description: "2001:db8::1/keys",
            parameters: ["host": "2001:db8::1"]
        ),
        Case(
            url: "postgres://a:1,b:2,c:3/keys?target_session_attrs=read-write",
            description: "a:1,b:2,c:3/keys",
            parameters: ["host": "a,b,c", "port": "1,2,3"]
        ),
        Case(url: "postgres://a,b/keys?port=5433", description: "a:5433,b:5433/keys"),
        Case(
            url: "postgres://ada%40example.com:p%C3%A4%2F%3F%23%40%3A%25%20'\\\"@h/d",
            description: "h/d",
            parameters: ["user": "ada@example.com", "password": "pä/?#@:% '\\\""]
        ),
        Case(url: "postgres://u:p?w#x@h/d", description: "h/d", parameters: ["password": "p?w#x"]),
        Case(url: "postgres://u:@h/d", description: "h/d", parameters: ["user": "u"]),
        Case(url: "postgres://h/d?user=a@b", description: "h/d", parameters: ["user": "a@b"]),
        Case(
            url: "postgres://h/d?password=hunter2&options=-csearch_path%3Dkeys",
            description: "h/d",
            parameters: ["password": "hunter2", "options": "-csearch_path=keys"]
        ),
        Case(
            url: "postgres://h/d?client_encoding=LATIN1&application_name=other&sslmode=",
            description: "h/d",
            parameters: ["client_encoding": "UTF8", "application_name": "other"]
        ),
    ]

    @Test("a URL says where the database is and how to sign in", arguments: accepted)
    func reads(expected: Case) throws {
        let address = try PostgresAddress(url: expected.url)
        #expect(address.description == expected.description)
        for (name, value) in expected.parameters { #expect(address.parameters[name] == value, "\(name)") }
    }

    @Test("an address begins with what lets a server that is gone be noticed, unless the URL says otherwise")
    func standards() throws {
        let address = try PostgresAddress(url: "postgres://h/d?keepalives_idle=99")
        #expect(address.parameters["keepalives_idle"] == "99")
        #expect(address.parameters["keepalives_interval"] == "5")
        #expect(address.parameters["application_name"] == "witan")
    }

    @Test(
        "a malformed URL is refused, in a sentence that holds nothing of it",
        arguments: [
            "", "hunter2", "http://hunter2", "postgres:hunter2", "POSTGRES://hunter2", " postgres://hunter2",
            "postgres://u:hunter2@h:5432 /d", "postgres://u:hunter2@h/d\n", "postgres://u:hunter2@h/d\0?x",
            "postgres://u:hun ter2@h/d",
            "postgres://u:hun@ter2@h/d", "postgres://u:hun/ter2@h/d", "postgres://u:12/hunter2@h/d",
            "postgres://u:12/34@hunter2/d",
            "postgres://hun@ter2@h/d", "postgres://u:hunter2%@h/d", "postgres://u:hunter2%4@h/d",
            "postgres://u:hunter2%zz@h/d", "postgres://u:hunter2%00@h/d", "postgres://u:p@h%0Ahunter2/d",
            "postgres://u:p@h/hunter2%0D", "postgres://hunter2%07:p@h/d", "postgres://u:p@hunter2%40h/d",
            "postgres://h:hunter2/d", "postgres://h:0/d", "postgres://h:65536/hunter2", "postgres://h:-1/hunter2",
            "postgres://h:+5/hunter2", "postgres://h:1,g:hunter2/d", "postgres://a,b:1/hunter2?port=1,2,3",
            "postgres://a,b/hunter2?hostaddr=127.0.0.1", "postgres://[::1/hunter2", "postgres://[::1]hunter2/d",
            "postgres://[hunter2", "postgres://u:hunter2@h/d?x", "postgres://u:p@h/d?hunter2",
            "postgres://h/d?hunter2=1",
            "postgres://h/d?sslmode=hunter2", "postgres://h/d?target_session_attrs=hunter2",
            "postgres://h/d?channel_binding=hunter2", "postgres://h/d?gssencmode=hunter2",
            "postgres://h/d?ssl_min_protocol_version=hunter2", "postgres://h/d?replication=hunter2",
            "postgres://h/d?keepalives=hunter2", "postgres://h/d?connect_timeout=hunter2",
            "postgres://h/d?keepalives_idle=hunter2", "postgres://h/d?tcp_user_timeout=99999999999",
            "postgres://h/d?sslmode=require&sslmode", "postgres://h/d?a=b=hunter2", "postgres://h/d?port=hunter2",
            "postgres://u:p@w?host=y@hunter2/d",
        ]
    )
    func refuses(url: String) {
        let failure = #expect(throws: Failure.self) { try PostgresAddress(url: url) }
        Self.expectSentence(failure, hiding: ["hunter2", "hun", "ter2"])
    }

    @Test("whatever a URL is made of, a refusal and an address hold nothing of its password", arguments: Seeds.few)
    func concealsAnything(seed: UInt64) {
        var random = RandomSource.seeded(seed)
        let parts = [
            "postgres://", "postgresql://", "u", "s3cr3t", "s3cr3t", "@", ":", "/", "?", "&", "=", "%", "%40", "%00",
            ",",
            "[", "]", "::1", "h", "host=", "sslmode=", "verify-full", "port=", "5432", "#", " ", "\n", "\0", "\\", "'",
            "password=", "options=", "ä", "\u{202E}",
        ]
        for _ in 1...20_000 {
            let length = Int.random(in: 1...12, using: &random)
            var url = (0..<length).map { _ in parts.randomElement(using: &random) ?? "" }.joined()
            if Bool.random(using: &random) { url = "postgres://" + url }
            do throws(Failure) {
                let address = try PostgresAddress(url: url)
                // What is left is what the URL says to be a host, a port or a database.
                let shown = ["host", "hostaddr", "port", "dbname", "user"].compactMap { address.parameters[$0] }
                if !shown.contains(where: { $0.contains("s3cr3t") }) {
                    #expect(!address.description.contains("s3cr3t"), "\(url)")
                }
                for host in (address.parameters["host"] ?? "").split(separator: ",")
                where !"/@".contains(host.first ?? "/") {
                    #expect(!host.contains("@"), "\(url)")
                }
                #expect(!address.servers(isReplica: false).isEmpty)
            } catch {
                Self.expectSentence(error, hiding: ["s3cr3t", "u:"])
            }
        }
    }

    @Test("no text, dump or mirror of an address holds its password")
    func concealment() throws {
        let address = try PostgresAddress(url: "postgres://ada:hunter2@[::1]:5432/keys?sslpassword=hunter2")
        let configuration = PostgresDatabase.Configuration(primary: address)
        var dumped = ""
        dump(address, to: &dumped)
        dump(configuration, to: &dumped)
        let texts = [
            "\(address)", String(reflecting: address), "\([address])", "\(configuration)",
            String(reflecting: configuration), dumped,
        ]
        for text in texts {
            #expect(!text.contains("hunter2") && !text.contains("ada"))
            #expect(text.contains("[::1]:5432/keys"))
        }
    }

    @Test("of several hosts each is tried by itself, and the one that takes writes is meant")
    func servers() throws {
        func servers(_ url: String, isReplica: Bool = false) throws -> [String] {
            try PostgresAddress(url: url).servers(isReplica: isReplica)
                .map { server in
                    ["host", "hostaddr", "port", "target_session_attrs"].map { server[$0] ?? "-" }
                        .joined(separator: " ")
                }
        }
        #expect(try servers("postgres://a/d") == ["a - - -"])
        #expect(try servers("postgres:///d") == ["- - - -"])
        #expect(try servers("postgres://a:1,b:2/d") == ["a - 1 primary", "b - 2 primary"])
        #expect(try servers("postgres://a,b/d?port=7") == ["a - 7 primary", "b - 7 primary"])
        #expect(
            try servers("postgres://a,b:2/d?hostaddr=127.0.0.1,127.0.0.2")
                == ["a 127.0.0.1  primary", "b 127.0.0.2 2 primary"]
        )
        #expect(try servers("postgres:///d?hostaddr=127.0.0.1,::1") == ["- 127.0.0.1 - primary", "- ::1 - primary"])
        #expect(
            try servers("postgres://a,b/d", isReplica: true)
                == ["a - , any", "b - , any"].map { $0.replacing(",", with: "") }
        )
        #expect(
            try servers("postgres://a,b/d?target_session_attrs=prefer-standby", isReplica: true)
                == ["a -  standby", "b -  standby", "a -  any", "b -  any"]
        )
        #expect(
            try servers("postgres://a,b/d?target_session_attrs=read-write") == ["a -  read-write", "b -  read-write"]
        )
    }

    private static func expectSentence(_ failure: Failure?, hiding secrets: [String]) {
        #expect(failure?.code == .invalidRequest)
        let message = failure?.message ?? ""
        #expect(message.hasPrefix("The database's URL ") && message.hasSuffix("."), "\(message)")
        for secret in secrets { #expect(!message.contains(secret), "\(message)") }
        #expect(failure?.underlying == nil)
    }
}
