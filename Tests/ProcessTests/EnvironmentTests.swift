import Subprocess
import Testing

@Suite struct EnvironmentTests {
    @Test(
        "No setting of whoever runs the tests reaches a server or a client",
        arguments: [
            "WITAN_PORT", "BRAINTRUST_API_KEY", "PGHOST", "PGPASSWORD", "HTTP_PROXY", "https_proxy", "no_proxy",
        ]
    )
    func foreign(name: String) {
        #expect(Environment.isForeign(name))
    }

    @Test("What programs need is handed on", arguments: ["PATH", "HOME", "TMPDIR", "LANG"])
    func own(name: String) {
        #expect(!Environment.isForeign(name))
    }
}
