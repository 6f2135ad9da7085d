import Testing

@testable import WitanConsole

@Suite("The names of browsers")
struct BrowserNameTests {
    private static let webKit = "AppleWebKit/537.36 (KHTML, like Gecko)"

    @Test(
        "are those that people know, of the youngest that it names",
        arguments: [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
            ("Mozilla/5.0 (X11; Linux x86_64) \(webKit) Chrome/140.0.0.0 Safari/537.36", "Chrome on Linux"),
            ("Mozilla/5.0 (Windows NT 10.0) \(webKit) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge on Windows"),
            ("Mozilla/5.0 (Linux; Android 10; K) \(webKit) Chrome/140.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) \(webKit) Version/18.5 Safari/605.1.15", "Safari on Mac"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) \(webKit) Safari/604.1", "Safari on iPhone"),
            ("Firefox/1", "Firefox"),
            ("curl/8.5.0", nil), ("", nil),
        ] as [(String, String?)]
    )
    func name(_ agent: String, _ name: String?) {
        #expect(BrowserName.name(of: agent) == name)
    }
}
