import HTTPTypes
import Testing
import WitanAccess
import WitanCore
import WitanEngines
import WitanJSON
import WitanResources
import WitanServices
import WitanTesting

/// A request is let in by what its credential was then; its change is judged by what the credential is when its turn
/// comes.
@Suite("A change is refused when its credential's time has run out since its request was let in")
struct LapsedCredentialTests {
    /// A credential of each kind that ends by itself, an hour after it was made.
    enum Kind: CaseIterable, Sendable {
        case apiKey, serviceToken, ownToken, session

        /// Makes one, uses it once, and returns who the server then knows it as.
        func identity(on server: TestServer) async throws -> Identity {
            let end = server.clock.now.advanced(by: .seconds(3_600)).rfc3339
            let credential: String
            switch self {
            case .apiKey:
                credential = try await Self.key("api_key", ["name": "k", "expires_at": .string(end)], on: server)
            case .serviceToken:
                let robot = try await server.serviceAccount("robot", groups: ["Engineers"])
                let body: JSONValue = [
                    "name": "t", "service_account_id": .string(robot.id.description), "expires_at": .string(end),
                ]
                credential = try await Self.key("service_token", body, on: server)
            case .ownToken:
                credential = try server.session(of: server.owner).key
            case .session:
                let browser = try await TestBrowser.signedIn(server.owner, on: server)
                credential = try #require(browser.cookies["__Host-witan_session"])
                try await browser.get("/app/~/configuration/org/api-keys")
                // The one of twelve hours.
                server.clock.advance(by: SignInService.lifetime - .seconds(3_600))
            }
            if self != .session {
                let answer = try await server.send(
                    .get,
                    "/v1/project",
                    headers: ["authorization": "Bearer \(credential)"]
                )
                #expect(answer.status == 200)
            }
            return try #require(server.cache.lookup(CredentialDigest(of: credential)))
        }

        private static func key(_ noun: String, _ body: JSONValue, on server: TestServer) async throws -> String {
            try #require(try await server.succeed(.post, "/v1/\(noun)", body)["key"]?.string)
        }
    }

    /// Makes a project as a request does that was let in as somebody; the failure's code, if any.
    private static func write(
        _ name: String,
        as identity: Identity,
        on server: TestServer
    ) async throws -> Failure.Code? {
        try await failure {
            _ = try await server.services[ProjectResource.resource]
                .create(
                    ["name": .string(name)],
                    in: Identity.Selector(name: "Acme"),
                    for: Caller(identity: identity, origin: RequestOrigin())
                )
        }
    }

    @Test("it is allowed a moment before the end, and refused from the end on", arguments: Kind.allCases)
    func end(_ kind: Kind) async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let identity = try await kind.identity(on: server)
            server.clock.advance(by: .seconds(3_600) - .milliseconds(1))
            #expect(try await Self.write("before", as: identity, on: server) == nil)
            server.clock.advance(by: .milliseconds(1))
            #expect(try await Self.write("after", as: identity, on: server) == .unauthenticated)
            let names = try await server.succeed(.get, "/v1/project").objects.compactMap { $0["name"]?.string }
            #expect(names == ["before"])
        }
    }

    @Test("a person's session that has run out neither ends others nor changes the password")
    func ownAccount() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let identity = try await Kind.session.identity(on: server)
            let caller = Caller(identity: identity, origin: RequestOrigin())
            server.clock.advance(by: .seconds(3_600))
            #expect(
                try await failure { try await server.signIn.end(.allBut(nil), for: caller) } == .unauthenticated
            )
            #expect(
                try await failure {
                    try await server.signIn.setPassword("correct horse battery staple", current: nil, for: caller)
                } == .unauthenticated
            )
            #expect(try await !server.signIn.hasPassword(server.owner.id))
        }
    }

    @Test("a change by the old secret of a service token that was given another meanwhile is refused")
    func replaced() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let robot = try await server.serviceAccount("robot", groups: ["Engineers"])
            let body: JSONValue = ["name": "t", "service_account_id": .string(robot.id.description)]
            var identities: [Identity] = []
            for _ in 1...3 {
                let secret = try #require(try await server.succeed(.put, "/v1/service_token", body)["key"]?.string)
                #expect(
                    try await server.send(.get, "/v1/project", headers: ["authorization": "Bearer \(secret)"]).status
                        == 200
                )
                identities.append(try #require(server.cache.lookup(CredentialDigest(of: secret))))
            }
            for (number, identity) in identities.enumerated() {
                let isLast = number == identities.count - 1
                let code = try await Self.write("by \(number)", as: identity, on: server)
                #expect(code == (isLast ? nil : .unauthenticated))
            }
        }
    }
}

/// The code of the failure that something ends with, if it does.
private func failure(_ body: () async throws -> Void) async throws -> Failure.Code? {
    do {
        try await body()
        return nil
    } catch let failure as Failure {
        return failure.code
    }
}
