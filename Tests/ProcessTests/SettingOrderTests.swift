import Testing
import WitanJSON

extension ProcessTests {
    @Suite struct SettingOrderTests {
        @Test(
            "A flag goes before a variable, a variable before the file, the file before the default",
            arguments: [
                (flag: true, variable: true, file: true, burst: 10),
                (flag: true, variable: false, file: true, burst: 10),
                (flag: false, variable: true, file: true, burst: 20),
                (flag: false, variable: false, file: true, burst: 30),
                (flag: false, variable: false, file: false, burst: 2_000),
            ]
        )
        func order(flag: Bool, variable: Bool, file: Bool, burst: Int) async throws {
            let folder = try TemporaryFolder()
            let path = try folder.write("rate-limit: 3/s burst 30\n", to: "witan.yaml")
            var environment: [String: String] = [:]
            if file { environment["WITAN_CONFIG"] = path }
            if variable { environment["WITAN_RATE_LIMIT"] = "2/s burst 20" }
            let ended = try await ServerProcess.run(
                folder.data,
                flag ? "--rate-limit=1/s burst 10" : "--log-level=info",
                environment: environment
            ) { server in
                let answer = try await server.client(key: try server.printedKey()).send("GET", "/v1/api_key")
                return answer.header("ratelimit-policy")
            }
            #expect(ended.result?.contains("q=\(burst);") == true, "\(ended.result ?? "none")")
        }

        @Test("--data and --config go before WITAN_DATA and WITAN_CONFIG, which name what they name")
        func places() async throws {
            let folder = try TemporaryFolder()
            let lesser = try folder.write("prot: 1", to: "wrong.yaml")
            let file = try folder.write("max-body-bytes: 2000\n", to: "right.yaml")
            let key = try await folder.initialize()
            let environment = ["WITAN_DATA": folder.path("elsewhere"), "WITAN_CONFIG": lesser]
            let ended = try await ServerProcess.run(folder.data, "--config", file, environment: environment) { server in
                try await server.client(key: key).create(String(repeating: "x", count: 2_000)).status
            }
            #expect(ended.result == 413)
            #expect(try names(in: folder.path) == ["data", "right.yaml", "wrong.yaml"])
            let listed = try await Command.witan("keys", "list", "--json", environment: ["WITAN_DATA": folder.data])
            #expect(try listed.json()["objects"]?.array?.count == 1)
        }
    }
}
