import HTTPTypes
import Hummingbird
import NIOCore
import WitanAccess
import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage
import WitanTelemetry

/// Sign-in, the caller, and the server's own state.
struct SystemRoutes: Sendable {
    let authenticator: Authenticator
    let readiness: Readiness
    let metrics: ServerMetrics
    let keySet: [UInt8]
    let publicURL: PublicURL
    let version: String

    var routes: [Route] {
        [
            Route(SystemEndpoints.login, .authenticated(login)),
            Route(SystemEndpoints.me, .authenticated { _, _, caller in .json(self.me(caller.identity)) }),
            Route(SystemEndpoints.ping, .open(ping)),
            Route(SystemEndpoints.version, .open { _, _ in .json(self.versionBody, isPrivate: false) }),
            Route(SystemEndpoints.index, .open { _, _ in .text("Hello, World!") }),
            Route(SystemEndpoints.root, .open { _, _ in .text(self.introduction) }),
            Route(SystemEndpoints.health, .open { _, _ in .json(Self.status("ok"), isPrivate: false) }),
            Route(SystemEndpoints.readiness, .open(ready)),
            Route(SystemEndpoints.metrics, .open(exposition)),
            Route(SystemEndpoints.keySet, .open { _, _ in .json(self.keySet, isPrivate: false) }),
        ]
    }

    /// The call that every official client makes first: seven members for each organization.
    @Sendable
    private func login(_ request: Request, _ context: WitanRequestContext, _ caller: Caller) -> Response {
        var writer = JSONWriter(reservingCapacity: 512)
        writer.beginObject()
        writer.name("org_info")
        writer.beginArray()
        for membership in caller.identity.memberships {
            writer.beginObject()
            writer.name("id")
            writer.string(membership.organizationID.description)
            writer.name("name")
            writer.string(membership.organizationName)
            writer.name("api_url")
            writer.string(publicURL.text)
            writer.name("git_metadata")
            writer.null()
            writer.name("is_universal_api")
            writer.null()
            writer.name("proxy_url")
            writer.string(publicURL.text)
            writer.name("realtime_url")
            writer.null()
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return .json(writer.bytes)
    }

    private func me(_ identity: Identity) -> [UInt8] {
        let account = identity.account
        var writer = JSONWriter(reservingCapacity: 512)
        func write(_ name: String, _ value: String?) {
            writer.name(name)
            if let value {
                writer.string(value)
            } else {
                writer.null()
            }
        }
        writer.beginObject()
        write("id", account.userID.description)
        write("email", account.email)
        write("given_name", account.givenName)
        write("family_name", account.familyName)
        write("avatar_url", account.avatarURL)
        write("created", account.created.rfc3339)
        writer.name("organizations")
        writer.beginArray()
        for membership in identity.memberships {
            writer.beginObject()
            write("id", membership.organizationID.description)
            write("name", membership.organizationName)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// Clients look at the status, or read the body as a description of the caller.
    @Sendable
    private func ping(_ request: Request, _ context: WitanRequestContext) async throws -> Response {
        guard let credential = CredentialHeader.credential(in: request.headers) else { return .json(Array("{}".utf8)) }
        let address = context.record.current.clientAddress
        let identity = try await authenticator.authenticate(credential, from: IPAddress.limiterKey(for: address))
        return .json(me(identity))
    }

    private var versionBody: [UInt8] { JSONWriter.bytes(of: ["version": .string(version)]) }

    private var introduction: String {
        """
        Witan \(version): the Braintrust API in your own environment.

        API document   \(publicURL.text)/openapi.json
        Documentation  \(publicURL.text)/docs/llms.txt

        """
    }

    @Sendable
    private func ready(_ request: Request, _ context: WitanRequestContext) async throws -> Response {
        try await readiness.check()
        return .json(Self.status("ready"), isPrivate: false)
    }

    @Sendable
    private func exposition(_ request: Request, _ context: WitanRequestContext) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: MetricsRegistry.contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: metrics.registry.render()))
        )
    }

    private static func status(_ status: String) -> [UInt8] { JSONWriter.bytes(of: ["status": .string(status)]) }
}
