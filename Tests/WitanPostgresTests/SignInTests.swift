import Foundation
import NIOCore
import NIOPosix
import Testing
import WitanCore
import WitanStorage

@testable import WitanPostgres

@Suite("Signing in to PostgreSQL", .enabled(if: PostgresInstance.isAvailable), .signInServer, .serialized)
struct SignInTests {
    /// A password of everything that has a meaning somewhere.
    static let password = "p@:/?#%&= '\"\\ä[]{}<>$;secret"

    /// The same within a URL.
    private static let encoded = password.utf8
        .map { byte in
            let isPlain = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        .joined()

    private func url(
        _ place: String = "localhost",
        user: String = "ada",
        password: String = encoded,
        database: String = "postgres",
        with parameters: String = ""
    ) throws -> String {
        let port = try SignInServer.value().port
        return "postgres://\(user):\(password)@\(place):\(port)/\(database)?\(parameters)"
    }

    private func verifying(_ certificate: KeyPath<SignInServer, String>) throws -> String {
        "sslmode=verify-full&sslrootcert=\(try SignInServer.value()[keyPath: certificate])"
    }

    /// Expects that a URL leads to a database, and what a query says there.
    private func expectAnswer(
        _ answer: String,
        to query: SQLQuery,
        _ url: String,
        limits: Limits = Limits(),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await withDatabase(url, limits: limits) { database in
            let row = try await database.read { try $0.row(query) }
            #expect(try row?.text(0) == answer, sourceLocation: sourceLocation)
        }
    }

    /// Expects a refusal in which there is nothing of the password.
    private func expectRefusal(
        _ part: String,
        _ url: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await withDatabase(url) { database in
            let failure = await expectFailure(.unavailable, part, sourceLocation: sourceLocation) {
                try await database.ping()
            }
            Self.expectNoSecret(failure, sourceLocation: sourceLocation)
            // The one who comes after is told the same, at once.
            let next = await expectFailure(.unavailable, part, sourceLocation: sourceLocation) {
                try await database.ping()
            }
            Self.expectNoSecret(next, sourceLocation: sourceLocation)
            for failure in [failure, next] {
                #expect(failure?.message == "The database is away: try again shortly.", sourceLocation: sourceLocation)
            }
        }
    }

    private static func expectNoSecret(_ failure: Failure?, sourceLocation: SourceLocation) {
        guard let failure else { return }
        var dumped = ""
        dump(failure, to: &dumped)
        let texts = [
            "\(failure)", failure.message, failure.explanation, String(reflecting: failure),
            String(describing: failure.underlying), dumped,
        ]
        for text in texts {
            for secret in ["secret", "p@", "%40", encoded] {
                #expect(!text.contains(secret), "\(text)", sourceLocation: sourceLocation)
            }
        }
    }

    @Test("the server's certificate is checked against the URL's, and the connection encrypted")
    func certificate() async throws {
        let encrypted: SQLQuery = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl"
        try await expectAnswer("TLSv1.3", to: encrypted, url(with: verifying(\.certificate)))
        try await expectAnswer("TLSv1.3", to: encrypted, url(with: "sslmode=require"))
        try await expectRefusal("certificate", url(with: verifying(\.otherCertificate)))
        // The certificate is of localhost.
        try await expectRefusal("certificate", url("127.0.0.1", with: verifying(\.certificate)))
        try await expectRefusal("certificate", url(with: "sslmode=verify-full&sslrootcert=/nowhere/root.pem"))
        // Only encrypted connections are let in there.
        try await expectRefusal("pg_hba.conf", url(with: "sslmode=disable"))
    }

    @Test("a server without TLS is no use to a URL that asks for it")
    func withoutTLS() async throws {
        let server = try SignInServer.value().instance
        try server.configure(["ssl": "off"])
        try await server.reload()
        try await eventually("the setting") { try await server.execute("SHOW ssl") == ["off"] }
        try await expectRefusal("offers no TLS", url("[::1]", with: "sslmode=require"))
        try await expectRefusal("offers no TLS", url("[::1]", with: verifying(\.certificate)))
        try server.configure(["ssl": "on"])
        try await server.reload()
        try await eventually("the setting") { try await server.execute("SHOW ssl") == ["on"] }
    }

    @Test("each reason of a refusal is told in a sentence without the password")
    func refusals() async throws {
        let server = try SignInServer.value()
        try await expectRefusal("refused the password", url(password: "p%40secret"))
        try await expectRefusal("refused the password", url(user: "nobody", password: "p%40secret"))
        try await expectRefusal("refused the password", "postgres://ada@localhost:\(server.port)/postgres")
        try await expectRefusal(
            "refuses this user",
            "postgres:///postgres?host=\(server.instance.folder)&user=nobody&port=\(server.port)&password=secret"
        )
        try await expectRefusal("no database of that name", url(database: "nothing"))
        try await expectRefusal("cannot be reached", "postgres://ada:secret@localhost:1/postgres")
        try await expectRefusal("cannot be reached", "postgres://ada:secret@host.invalid/postgres")
        try await expectRefusal("cannot be reached", "postgres:///postgres?host=/nowhere&password=secret")
        // The one connection that this user may have.
        try await withDatabase(url(user: "single", password: "secret")) { database in
            try await holding(database, .alone) {
                let failure = await expectFailure(.unavailable, "lower --database-connections") {
                    try await database.ping()
                }
                Self.expectNoSecret(failure, sourceLocation: #_sourceLocation)
            }
        }
        try await expectRefusal("see the server's log", url(with: "options=-csearch_path_of_nothing%3D1"))
    }

    @Test("what a user may not do is told in a sentence, and connections go on")
    func privilege() async throws {
        try await withDatabase(url()) { database in
            for statement: SQLQuery in ["CREATE TABLE items (id BIGINT)", "INSERT INTO private VALUES (1)"] {
                await expectFailure(.unavailable, "may not do this") {
                    try await database.write { try $0.run(statement) }
                }
            }
            try await database.ping()
        }
    }

    @Test(
        "a database that can only be read says so, and the next transaction asks a new connection whether it still is so"
    )
    func readOnly() async throws {
        let server = try SignInServer.value().instance
        try await withDatabase(url(user: "reader", password: "secret")) { database in
            let write: @Sendable (any SQLConnection) throws -> Void = { try $0.run("INSERT INTO shared VALUES (1)") }
            await expectFailure(.unavailable, "Name the primary") { try await database.write(write) }
            try await database.ping()
            try await server.execute("ALTER ROLE reader RESET default_transaction_read_only")
            try await database.write(write)
            try await server.execute("ALTER ROLE reader SET default_transaction_read_only = on")
        }
    }

    @Test("an address of either kind, a socket, and the first of several hosts that answers lead there")
    func places() async throws {
        let server = try SignInServer.value()
        let user: SQLQuery = "SELECT CAST(current_user AS TEXT)"
        try await expectAnswer("ada", to: user, url("[::1]"))
        try await expectAnswer("ada", to: user, url("127.0.0.1", with: "sslmode=require"))
        let folder = server.instance.folder
        try await expectAnswer("postgres", to: user, server.instance.url())
        try await expectAnswer(
            "ada",
            to: user,
            "postgres://ada:\(Self.encoded)@localhost:1,[::1]:\(server.port)/postgres"
        )
        try await expectAnswer(
            "postgres",
            to: user,
            "postgres:///postgres?host=/nowhere,\(folder)&port=5432,\(server.port)&user=postgres"
        )
        // A machine that is gone says nothing, and is not waited for until there is no time left.
        var limits = Limits()
        limits.databaseConnectDuration = .milliseconds(1_000)
        try await Proxy.with(before: folder) { proxy in
            proxy.set(.silent)
            try await expectAnswer(
                "postgres",
                to: user,
                "postgres:///postgres?host=\(proxy.folder),\(folder)&port=5432,\(server.port)&user=postgres",
                limits: limits
            )
            #expect(proxy.connections > 0)
        }
    }

    @Test("of a name's addresses the first that answers leads there, with a certificate of the name")
    func addresses() async throws {
        let server = try SignInServer.value()
        var limits = Limits()
        limits.databaseConnectDuration = .milliseconds(1_000)
        // It takes connections there, and says nothing.
        let silent = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.2", port: server.port)
            .get()
        let address = try PostgresAddress(url: url(with: verifying(\.certificate)))
        for addresses in [["127.0.0.2", "127.0.0.1"], ["127.0.0.2", "::1"], ["::1", "127.0.0.2"]] {
            let connections = PostgresServer(address, preparesStatements: true, limits: limits, time: .system) { host in
                host == "localhost" ? .addresses(addresses) : .failure("another name: \(host)")
            }
            let row = try connections.connect().execute("SELECT inet_server_addr()::text", keepsRows: true).rows.first
            let place = addresses.first { $0 != "127.0.0.2" } ?? ""
            #expect(try row?.text(0).hasPrefix("\(place)/") == true)
        }
        let nobody = PostgresServer(address, preparesStatements: true, limits: limits, time: .system) { _ in
            .addresses(["127.0.0.2"])
        }
        await expectFailure(.unavailable, "cannot be reached") { _ = try nobody.connect() }
        try await silent.close()
    }
}

/// A server with certificates, passwords and a port on this machine's own addresses.
struct SignInServer: Sendable {
    let instance: PostgresInstance

    /// The certificate that the server shows, and one that it does not.
    let certificate: String
    let otherCertificate: String

    var port: Int { instance.port }

    @TaskLocal fileprivate static var current: SignInServer?

    static func value(sourceLocation: SourceLocation = #_sourceLocation) throws -> SignInServer {
        try #require(current, sourceLocation: sourceLocation)
    }

    /// Makes one while `body` uses it.
    static func with(_ body: @Sendable () async throws -> Void) async throws {
        try await PostgresInstance.with { made in
            let folder = made.folder
            for name in ["server", "other"] {
                try await Command.run(
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:prime256v1",
                    "-nodes",
                    "-days",
                    "2",
                    "-subj",
                    "/CN=witan",
                    "-addext",
                    "subjectAltName=DNS:localhost",
                    "-keyout",
                    "\(folder)/\(name).key",
                    "-out",
                    "\(folder)/\(name).pem"
                )
            }
            if geteuid() == 0 { try await Command.run("chown", "postgres", "\(folder)/server.key") }
            let instance = try await made.listening(settings: [
                "ssl": "on", "ssl_cert_file": "'\(folder)/server.pem'", "ssl_key_file": "'\(folder)/server.key'",
            ])
            let quoted = SignInTests.password.replacing("'", with: "''")
            try await instance.execute(
                "CREATE ROLE ada LOGIN PASSWORD '\(quoted)'",
                "CREATE ROLE single LOGIN PASSWORD 'secret' CONNECTION LIMIT 1",
                "CREATE ROLE reader LOGIN PASSWORD 'secret'",
                "ALTER ROLE reader SET default_transaction_read_only = on",
                "CREATE TABLE private (id BIGINT)",
                "CREATE TABLE shared (id BIGINT)",
                "GRANT ALL ON shared TO reader"
            )
            try instance.allow(
                "local all all trust",
                "hostssl all all 127.0.0.1/32 scram-sha-256",
                "host all all ::1/128 scram-sha-256"
            )
            try await instance.reload()
            let server = SignInServer(
                instance: instance,
                certificate: "\(folder)/server.pem",
                otherCertificate: "\(folder)/other.pem"
            )
            try await $current.withValue(server, operation: body)
        }
    }
}

/// Gives the suite one.
struct SignInServerTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        try await SignInServer.with(function)
    }
}

extension Trait where Self == SignInServerTrait {
    static var signInServer: SignInServerTrait { SignInServerTrait() }
}
