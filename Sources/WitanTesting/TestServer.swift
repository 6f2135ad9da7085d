import HummingbirdTesting
import Logging
package import WitanAccess
package import WitanCluster
import WitanConsole
package import WitanCore
package import WitanHTTP
import WitanJSON
package import WitanResources
package import WitanServices
package import WitanStorage
package import WitanTelemetry

/// The whole server in the test's process, on a database of its own, with two organizations and their people.
///
/// It is composed as the executable composes it; only clock, randomness and log are a test's.
package struct TestServer: Sendable {
    /// Somebody with an API key.
    package struct Person: Sendable {
        /// The person's id.
        package let id: ObjectID

        /// The person's e-mail address.
        package let email: String

        /// The organization that the key acts in.
        package let organizationID: ObjectID

        /// The key's id.
        package let keyID: ObjectID

        /// The credential to send: the key itself, or a session.
        package let key: String
    }

    /// Who is there from the start.
    package struct People: Sendable {
        /// The owner of the first organization, `Acme`.
        package let owner: Person
        /// An engineer of `Acme`.
        package let member: Person
        /// The owner of the second organization, `Globex`, who has nothing to do with the first.
        package let stranger: Person
    }

    /// What a test wants otherwise than the defaults.
    package struct Options: Sendable {
        /// The resources to serve.
        package var resources = Catalog.all

        /// The schema's steps.
        package var migrations = Migration.all

        /// How the server listens and what it lets in.
        package var configuration = TestServer.configuration

        /// Who may make API keys.
        package var minting = MintingPolicy.allow

        /// Who may make service tokens.
        package var tokenMinting = TokenMintingPolicy.owners

        /// Sends the mail to invited people; the server's default when nil.
        package var invite: InvitationSender?

        /// The limit of failed authentications from an address.
        package var failedAuthenticationLimit: RateLimit? = RateLimit(perSecond: 10, burst: 50)

        /// An outside issuer of tokens.
        package var issuer: TrustedIssuer?

        /// A provider that people can sign in at.
        package var openID: OpenIDConnectClient?

        /// Hides credentials in the log.
        package var redact: @Sendable (String) -> String = SecretRedactor.redact

        /// Where randomness begins; two servers on one database need two seeds.
        package var seed: UInt64 = 1

        /// The secrets; made from the seed when nil.
        package var secrets: ServerSecrets?

        /// Who is in the database already; a new database is given its people when nil.
        package var people: People?

        /// Whether the server is one of several on its database: a node, which joins the others first.
        package var isNode = false

        /// Whether requests go through a socket; straight to the router otherwise.
        package var isLive = false

        /// The defaults.
        package init() {}
    }

    /// The clock of everything in the server; it moves when the test moves it.
    package let clock: FakeClock

    /// The database, which also tells what was asked of it.
    package let database: SQLRecorder

    /// The same database as a node asks it for the changes of others.
    package let control: SQLRecorder

    /// What hears of the changes of others; nil for a server that is alone.
    package let node: ClusterNode?

    /// The secrets that the server runs with.
    package let secrets: ServerSecrets

    /// The services behind the routes.
    package let services: Services

    /// What `/readyz` asks.
    package let readiness: Readiness

    /// The server's metrics.
    package let metrics: ServerMetrics

    /// The lines of the log.
    package let log: LogCapture

    /// Who is there from the start.
    package let people: People

    /// What begins and ends sessions in browsers.
    package let signIn: SignInService

    /// When which credential was used.
    package let lastUses: LastUses

    let sessions: SessionTokenIssuer
    let client: any TestClientProtocol

    /// The verified credentials.
    package var cache: CredentialCache<Identity> { services.credentials }

    /// What the commands make organizations and people with.
    package var accounts: AccountService { services.accounts }

    /// The audit log, to be verified.
    package var audit: AuditLog { services.audit }

    /// The owner of `Acme`.
    package var owner: Person { people.owner }

    /// An engineer of `Acme`.
    package var member: Person { people.member }

    /// The owner of `Globex`.
    package var stranger: Person { people.stranger }

    /// The defaults, with a public URL that no port decides.
    package static var configuration: ServerConfiguration {
        var configuration = ServerConfiguration()
        configuration.publicURL = "https://witan.test"
        configuration.limits = .unhurried
        return configuration
    }

    /// Runs a server on a new database of an engine's while `body` uses it.
    package static func run(
        on engine: Engine,
        _ options: Options = Options(),
        _ body: @Sendable (TestServer) async throws -> Void
    ) async throws {
        try await engine.withDatabase(limits: options.configuration.limits) { database in
            try await run(on: database, options, body)
        }
    }

    /// Runs a server on an open database while `body` uses it.
    package static func run(
        on base: any SQLDatabase,
        _ options: Options = Options(),
        _ body: @Sendable (TestServer) async throws -> Void
    ) async throws {
        let clock = FakeClock()
        var random = RandomSource.seeded(options.seed)
        let secrets = try options.secrets ?? ServerSecrets.generate(using: &random)
        let database = SQLRecorder(base)
        let control = SQLRecorder(base)
        try await Migrator(migrations: options.migrations).migrate(database, at: clock.now)
        try await PepperRegistry(database: database, peppers: secrets.peppers).reconcile(at: clock.now)

        let limits = options.configuration.limits
        var configuration = Services.Configuration()
        configuration.resources = options.resources
        configuration.minting = options.minting
        configuration.tokenMinting = options.tokenMinting
        configuration.limits = limits
        if let invite = options.invite { configuration.invite = invite }
        let metrics = try ServerMetrics()
        let ids = ObjectIDGenerator(time: clock.source, random: random)
        let cluster: Cluster =
            options.isNode
            ? .shared(
                control: control,
                metrics: metrics.cluster,
                ids: ids,
                time: clock.source,
                limits: limits,
                pause: { _ in await Eagerness().wait(atMost: .zero) }
            ) : .alone(limits: limits)
        let services = Services(
            configuration,
            database: database,
            cluster: cluster,
            secrets: secrets,
            time: clock.source,
            random: random
        )
        let sessions = try SessionTokenIssuer(
            key: SigningKey(seed: secrets.signingKeySeed),
            issuer: "witan",
            audience: "witan",
            time: clock.source,
            random: random
        )
        let log = try LogCapture(time: clock.source, redact: options.redact)
        defer { log.close() }
        let logger = Logger(label: "witan") { StructuredLogHandler(label: $0, output: log.output, level: .trace) }
        let authenticator = Authenticator(
            database: database,
            peppers: secrets.peppers,
            tokens: try TokenVerifier(
                issuers: [sessions.trusted] + (options.issuer.map { [$0] } ?? []),
                time: clock.source,
                limits: limits
            ),
            failures: RateLimiter(
                limit: options.failedAuthenticationLimit,
                share: services.cluster.share,
                capacity: limits.rateLimiters,
                time: clock.source,
                name: "failed-authentication"
            ),
            cache: services.credentials,
            lease: services.cluster.lease,
            metrics: metrics,
            time: clock.source,
            logger: logger
        )
        try metrics.showCredentialCacheSize { services.credentials.statistics.count }
        try metrics.showLostLogLines(of: log.output)
        let readiness = Readiness(database: database)
        let lastUses = LastUses(time: clock.source, limits: limits)
        let signIn = try SignInService(
            database: database,
            accessControl: services.accessControl,
            audit: services.audit,
            secrets: secrets,
            share: services.cluster.share,
            ids: ids,
            time: clock.source,
            random: random,
            limits: limits
        )
        let server = WitanServer(
            configuration: options.configuration,
            components: WitanServer.Components(
                authenticator: authenticator,
                impersonation: services.impersonation,
                resources: services.resources,
                members: services.members,
                console: { [random] publicURL, admit in
                    try Console(
                        Console.Components(
                            services: services,
                            authenticator: authenticator,
                            signIn: signIn,
                            lastUses: lastUses,
                            openID: options.openID,
                            publicURL: publicURL,
                            admit: admit,
                            time: clock.source,
                            random: random,
                            limits: limits
                        )
                    )
                },
                lastUses: lastUses,
                share: services.cluster.share,
                readiness: readiness,
                metrics: metrics,
                keySet: try SigningKey(seed: secrets.signingKeySeed).publicDocument,
                log: log.output,
                logger: logger,
                time: clock.source,
                random: random,
                version: "0.0.0-test"
            )
        )
        let node =
            options.isNode
            ? ClusterNode(
                name: "node \(options.seed)",
                cluster: cluster,
                control: control,
                follow: services.accessControl.apply,
                signal: Eagerness(),
                metrics: metrics.cluster,
                ids: ids,
                time: clock.source,
                limits: limits,
                logger: logger
            ) : nil
        try await running(node) {
            let people: People
            if let known = options.people {
                people = known
            } else {
                people = try await found(services)
            }
            try await server.application()
                .test(options.isLive ? .live : .router) { client in
                    try await body(
                        TestServer(
                            clock: clock,
                            database: database,
                            control: control,
                            node: node,
                            secrets: secrets,
                            services: services,
                            readiness: readiness,
                            metrics: metrics,
                            log: log,
                            people: people,
                            signIn: signIn,
                            lastUses: lastUses,
                            sessions: sessions,
                            client: client
                        )
                    )
                }
        }
    }

    /// Runs `body` while the node hears of the changes of others.
    private static func running(_ node: ClusterNode?, _ body: () async throws -> Void) async throws {
        guard let node else { return try await body() }
        guard await node.poll() else { throw Failure.bug("The node could not join") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await node.run() }
            defer { group.cancelAll() }
            try await body()
        }
        await node.leave()
    }

    /// Looks again after a moment, whatever the test's clock shows.
    private struct Eagerness: ChangeSignal {
        func wait(atMost duration: Duration) async {
            await ChangeTimer().wait(atMost: .milliseconds(1))
        }
    }

    private static func found(_ services: Services) async throws -> People {
        let (accounts, keys) = (services.accounts, services[APIKeyResource.resource])
        let owner = try NewPerson(email: "owner@acme.test", givenName: "Olive", familyName: "Owner")
        let member = try NewPerson(email: "member@acme.test", givenName: "Max", familyName: "Member")
        let stranger = try NewPerson(email: "stranger@globex.test", givenName: "Stan")
        let acme = try await accounts.found("Acme", owner: owner, keyName: "owner's key")
        _ = try await accounts.add(member, to: "Acme", groups: [BuiltInGroup.engineers.name])
        let membersKey = try await keys.create(
            ["name": "member's key"],
            for: accounts.caller(email: member.email)
        )
        let globex = try await accounts.found("Globex", owner: stranger, keyName: "stranger's key")
        return People(
            owner: try Person(owner.email, key: acme.key),
            member: try Person(member.email, key: membersKey),
            stranger: try Person(stranger.email, key: globex.key)
        )
    }
}

extension TestServer.Person {
    /// Somebody whose key was just made.
    fileprivate init(_ email: String, key: ResourceService.Created?) throws {
        guard let record = key?.record, let keyID = record[APIKeyResource.id], let id = record[APIKeyResource.user],
            let organizationID = record[APIKeyResource.organization],
            let secret = key?.revealed.first(where: { $0.name == APIKeyResource.secretMember })
        else { throw Failure.bug("A key of the test's people was not made") }
        self.init(id: id, email: email, organizationID: organizationID, keyID: keyID, key: secret.value)
    }

    /// The same person with another credential.
    func with(key: String, id keyID: ObjectID) -> TestServer.Person {
        TestServer.Person(id: id, email: email, organizationID: organizationID, keyID: keyID, key: key)
    }
}
