import Testing
import WitanEngines
import WitanServices
import WitanTesting

/// The page about the organization and the API (ADR 0018).
@Suite("The general page says how programs reach the API")
struct GeneralPageTests {
    @Test(
        "the lines for each kind of program are there, name the server's address, and leave out who asks",
        arguments: [
            ("curl", "curl", ["curl -H \"Authorization: Bearer $BRAINTRUST_API_KEY\" https://witan.test/v1/project"]),
            ("python", "Python", ["import braintrust", "braintrust.login(app_url=\"https://witan.test\")"]),
            (
                "javascript", "JavaScript",
                ["import { login } from \"braintrust\";", "await login({ appUrl: \"https://witan.test\" });"]
            ),
            (
                "opentelemetry", "OpenTelemetry",
                [
                    "export OTEL_EXPORTER_OTLP_ENDPOINT=https://witan.test/otel",
                    "Authorization=Bearer%20$BRAINTRUST_API_KEY",
                ]
            ),
        ]
    )
    func snippets(id: String, title: String, lines: [String]) async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            for person in [server.owner, server.member] {
                let browser = try await TestBrowser.signedIn(person, on: server)
                let page = try await browser.get("/app/~/configuration/org/general")
                #expect(page.status == 200 && page.text.contains("<h3>\(title)</h3>"))
                let parts = page.text.split(separator: "<pre id=\"\(id)\"", maxSplits: 1)
                let text = try #require(parts.last?.split(separator: "</pre>").first).replacing("&quot;", with: "\"")
                for line in lines { #expect(text.contains(line), "\(text)") }
                #expect(!text.contains("sk-"))
            }
        }
    }
}
