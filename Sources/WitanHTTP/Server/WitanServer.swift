import HTTPTypes
package import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import HummingbirdTLS
package import Logging
import NIOCore
import NIOSSL
package import WitanAccess
package import WitanConsole
package import WitanCore
import WitanResources
package import WitanServices
import WitanStorage
package import WitanTelemetry

/// The server: every route behind its middleware, on a port.
package struct WitanServer: Sendable {
    /// Makes the settings pages of what says the server's address once it listens, and of what refuses a request that is
    /// too many.
    package typealias MakeConsole =
        @Sendable (
            _ publicURL: @escaping @Sendable () -> String,
            _ admit: @escaping @Sendable (Identity) throws -> Void
        ) throws -> Console

    /// What the routes are answered with; made in one place, the executable's composition.
    package struct Components: Sendable {
        /// What finds out who a credential acts for.
        package var authenticator: Authenticator

        /// What lets an owner act as somebody else.
        package var impersonation: Impersonation

        /// The services whose routes are served, one for each resource.
        package var resources: [ResourceService]

        /// What adds and removes the members of organizations.
        package var members: MemberService

        /// Makes the settings pages; nil for a server without them.
        package var console: MakeConsole?

        /// When which credential was used.
        package var lastUses: LastUses

        /// How many servers the limits are divided between.
        package var share: RateLimitShare

        /// What `/readyz` asks.
        package var readiness: Readiness

        /// What `/metrics` shows and the middleware counts in.
        package var metrics: ServerMetrics

        /// The public keys of the server's own tokens, as a JWKS document in JSON.
        package var keySet: [UInt8]

        /// Where the line of each request goes; nil for none.
        package var log: LogOutput?

        /// Where everything else that happens is told.
        package var logger: Logger

        /// The clock of durations, limits and log lines.
        package var time: TimeSource

        /// Where trace ids come from.
        package var random: RandomSource

        /// Witan's version, for `/version` and the API document.
        package var version: String

        /// Takes them all.
        package init(
            authenticator: Authenticator,
            impersonation: Impersonation,
            resources: [ResourceService],
            members: MemberService,
            console: MakeConsole? = nil,
            lastUses: LastUses,
            share: RateLimitShare,
            readiness: Readiness,
            metrics: ServerMetrics,
            keySet: [UInt8],
            log: LogOutput?,
            logger: Logger,
            time: TimeSource,
            random: RandomSource,
            version: String
        ) {
            self.authenticator = authenticator
            self.impersonation = impersonation
            self.resources = resources
            self.members = members
            self.console = console
            self.lastUses = lastUses
            self.share = share
            self.readiness = readiness
            self.metrics = metrics
            self.keySet = keySet
            self.log = log
            self.logger = logger
            self.time = time
            self.random = random
            self.version = version
        }
    }

    private let configuration: ServerConfiguration
    private let components: Components

    /// Takes how to listen and what to answer with.
    package init(configuration: ServerConfiguration, components: Components) {
        self.configuration = configuration
        self.components = components
    }

    /// The router with every route, as the application and the tests use it.
    package func router(publicURL: PublicURL) throws -> Router<WitanRequestContext> {
        let document = OpenAPIDocument(
            resources: components.resources.map(\.resource),
            version: components.version
        )
        let paths = PathTable(document.endpoints)
        let origins = AllowedOrigins(publicURL: publicURL, allowed: configuration.allowedOrigins)
        let routes =
            components.resources.flatMap { ResourceRoutes(service: $0, limits: configuration.limits).routes }
            + accessRoutes.routes
            + systemRoutes(publicURL: publicURL).routes
            + DocumentRoutes(document, publicURL: publicURL).routes
            + document.endpoints.filter { $0.method == .options }.map { preflight($0, paths, origins) }

        let declared = Set(document.endpoints.map { "\($0.method.rawValue) \($0.path)" })
        let bound = Set(routes.map { "\($0.endpoint.method.rawValue) \($0.endpoint.path)" })
        precondition(declared == bound, "Not bound as declared: \(declared.symmetricDifference(bound))")

        let router = Router(context: WitanRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.add(
            middleware: TelemetryMiddleware(
                metrics: components.metrics,
                log: configuration.logsRequests ? components.log : nil,
                traces: TraceIDGenerator(seededFrom: components.random),
                proxies: configuration.trustedProxies,
                time: components.time,
                unmatched: bind("unmatched", method: "any")
            )
        )
        let failures = FailureLog(logger: components.logger, time: components.time)
        router.add(middleware: FailureMiddleware(paths: paths, origins: origins, log: failures))
        router.add(
            middleware: OverloadMiddleware(
                limit: configuration.limits.requestsInFlight,
                metrics: components.metrics,
                inFlight: OverloadMiddleware.InFlight(),
                databaseWait: configuration.limits.transactionWaitDuration,
                time: components.time
            )
        )
        let gate = CallerGate(
            authenticator: components.authenticator,
            impersonation: components.impersonation,
            credentials: RateLimiter(
                limit: configuration.credentialLimit,
                share: components.share,
                capacity: configuration.limits.rateLimiters,
                time: components.time,
                name: "credential"
            ),
            organizations: RateLimiter(
                limit: configuration.organizationLimit,
                share: components.share,
                capacity: configuration.limits.rateLimiters,
                time: components.time,
                name: "organization"
            ),
            lastUses: components.lastUses,
            metrics: components.metrics
        )
        let console = try components.console.map { make in
            let console = try make({ publicURL.text }, gate.admit)
            return ConsoleRoutes(console: console, limits: configuration.limits, log: failures)
        }
        if let console { bind(console, to: router) }
        for route in routes {
            let endpoint = route.endpoint
            let bound = bind(endpoint.path, method: endpoint.method.rawValue.uppercased())
            let showsPages = console != nil && endpoint.path == SystemEndpoints.root.path && endpoint.method == .get
            router.on(RouterPath(endpoint.routerPath), method: endpoint.method.httpMethod) { request, context in
                context.record.set { $0.route = bound }
                if showsPages, ConsoleRoutes.isBrowser(request) {
                    return Response(status: .seeOther, headers: [.location: "/app", .vary: "Accept"])
                }
                switch route.handler {
                case .open(let handle): return try await handle(request, context)
                case .authenticated(let handle): return try await gate.pass(request, context, handle)
                }
            }
        }
        return router
    }

    private func bind(_ console: ConsoleRoutes, to router: Router<WitanRequestContext>) {
        for method in [HTTPRequest.Method.get, .post] {
            for path in ConsoleRoutes.paths {
                let bound = bind("\(path)", method: method.rawValue)
                router.on(path, method: method) { request, context in
                    context.record.set { $0.route = bound }
                    return try await console.answer(request, context)
                }
            }
        }
    }

    /// The application; `didStart` is told the server's address once it listens.
    ///
    /// - Throws: `.invalidRequest` for TLS files that cannot be used.
    package func application(
        didStart: @escaping @Sendable (_ listeningURL: String) async -> Void = { _ in }
    ) throws -> some ApplicationProtocol {
        let limits = configuration.limits
        var channel = HTTP1Channel.Configuration(
            additionalChannelHandlers: [RequestGuardHandler(limits: limits)],
            idleTimeout: TimeAmount(limits.idleConnectionDuration)
        )
        channel.httpDecoder = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: limits.requestHeadBytes,
            maxHeaderListSize: limits.requestHeadBytes,
            maxHeaderFieldCount: 200
        )
        let publicURL = PublicURL(configuration.publicURL)
        return Application(
            router: try router(publicURL: publicURL),
            server: try server(channel),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                backlog: 1_024,
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections)
            ),
            onServerRunning: { [configuration] channel in
                let port = channel.localAddress?.port ?? configuration.port
                publicURL.resolve(configuration.publicURL(boundPort: port))
                await didStart(configuration.listeningURL(boundPort: port))
            },
            logger: components.logger
        )
    }

    private func server(_ channel: HTTP1Channel.Configuration) throws -> HTTPServerBuilder {
        let (limits, connections) = (configuration.limits, components.metrics.openConnections)
        guard let tls = configuration.tls else {
            return HTTPServerBuilder { responder in
                GuardedChannel(
                    base: HTTP1Channel(responder: responder, configuration: channel),
                    limits: limits,
                    connections: connections,
                    isSecure: false
                )
            }
        }
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(tls.certificate)
                .map { NIOSSLCertificateSource.certificate($0) }
            let key = try NIOSSLPrivateKey(file: tls.key, format: .pem)
            var identity = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain,
                privateKey: .privateKey(key)
            )
            identity.minimumTLSVersion = .tlsv12
            // The builder would find out only when the server is to listen.
            _ = try NIOSSLContext(configuration: identity)
            return HTTPServerBuilder { [identity] responder in
                GuardedChannel(
                    base: try HTTP2UpgradeChannel(
                        tlsConfiguration: identity,
                        configuration: HTTP2UpgradeChannel.Configuration(
                            idleTimeout: limits.idleConnectionDuration,
                            streamConfiguration: channel
                        ),
                        responder: responder
                    ),
                    limits: limits,
                    connections: connections,
                    isSecure: true
                )
            }
        } catch {
            throw Failure(
                .invalidRequest,
                """
                The TLS certificate or key cannot be used: check that \(tls.certificate) and \(tls.key) are readable PEM \
                files that belong together.
                """,
                underlying: error
            )
        }
    }

    private var accessRoutes: AccessRoutes {
        let name = ACLResource.resource.name
        guard let grants = components.resources.first(where: { $0.resource.name == name }) else {
            preconditionFailure("There is no service of \(name)s")
        }
        return AccessRoutes(members: components.members, grants: grants, limits: configuration.limits)
    }

    private func systemRoutes(publicURL: PublicURL) -> SystemRoutes {
        SystemRoutes(
            authenticator: components.authenticator,
            readiness: components.readiness,
            metrics: components.metrics,
            keySet: components.keySet,
            publicURL: publicURL,
            version: components.version
        )
    }

    private func preflight(_ endpoint: Endpoint, _ paths: PathTable, _ origins: AllowedOrigins) -> Route {
        let methods = paths.methods(of: endpoint.path)
        return Route(
            endpoint,
            .open { request, _ in
                var response = Response(status: .ok)
                origins.preflight(request.headers[.origin], methods: methods, in: &response.headers)
                return response
            }
        )
    }

    private func bind(_ template: String, method: String) -> BoundRoute {
        BoundRoute(template: template, metrics: components.metrics.route(template, method: method))
    }
}
