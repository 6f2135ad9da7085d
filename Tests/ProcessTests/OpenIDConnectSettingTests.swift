import Logging
import Testing
import WitanCore
import WitanServices

@testable import witan

extension ProcessTests {
    @Suite("The settings of an identity provider")
    struct OpenIDConnectSettingTests {
        private static let secret = "hush-hush-hush"
        private static let whole = [
            "WITAN_OIDC_ISSUER": "https://id.example.com", "WITAN_OIDC_CLIENT_ID": "witan",
            "WITAN_OIDC_CLIENT_SECRET": secret, "WITAN_PUBLIC_URL": "https://witan.example.com",
        ]

        @Test("Together they make a client, with a name and scopes of their own, and without an issuer there is none")
        func whole() async throws {
            #expect(try await client([:]) == nil)
            let client = try #require(try await client(Self.whole))
            #expect(client.issuer == "https://id.example.com" && client.clientID == "witan")
            #expect(client.scopes == "openid email profile" && client.displayName == "Single sign-on")
            let named = try #require(try await self.client(Self.whole, ["WITAN_OIDC_NAME": "Okta"]))
            #expect(named.displayName == "Okta")
        }

        @Test(
            "Half of them, or one that cannot be used, is refused by name, and the secret is not shown",
            arguments: [
                ("WITAN_OIDC_ISSUER", nil, "oidc-issuer"), ("WITAN_OIDC_CLIENT_ID", nil, "oidc-client-id"),
                ("WITAN_OIDC_ISSUER", "http://id.example.com", "oidc-issuer"),
                ("WITAN_OIDC_CLIENT_ID", "a b", "oidc-client-id"),
                ("WITAN_OIDC_CLIENT_SECRET", "\(secret) ", "oidc-client-secret"),
                ("WITAN_OIDC_SCOPES", "email", "oidc-scopes"), ("WITAN_OIDC_NAME", " ", "oidc-name"),
                ("WITAN_PUBLIC_URL", "http://witan.example.com", "public-url"),
            ] as [(String, String?, String)]
        )
        func wrong(variable: String, value: String?, setting: String) async throws {
            do {
                _ = try await client(Self.whole, [variable: value])
                Issue.record("The settings were taken.")
            } catch let error as UsageError {
                #expect(error.description.contains("The setting \(setting) "))
                #expect(!error.description.contains(Self.secret))
            }
        }

        @Test("Without a public URL, the address of this machine will do")
        func loopback() async throws {
            #expect(try await client(Self.whole, ["WITAN_PUBLIC_URL": nil]) != nil)
            await #expect(throws: UsageError.self) {
                try await client(Self.whole, ["WITAN_PUBLIC_URL": nil, "WITAN_HOST": "192.0.2.1"])
            }
        }

        private func client(
            _ variables: [String: String],
            _ changes: [String: String?] = [:]
        ) async throws -> OpenIDConnectConfiguration? {
            let environment = variables.merging(changes.compactMapValues { $0 }) { $1 }
                .filter { changes[$0.key].map { $0 != nil } ?? true }
            let values = try await SettingValues(flags: [], environment: environment, file: nil)
            return try ServerComposition.openIDConnect(
                values,
                server: ServerComposition.configuration(values),
                time: .system,
                random: .seeded(1),
                logger: Logger(label: "test")
            )?
            .configuration
        }
    }
}
