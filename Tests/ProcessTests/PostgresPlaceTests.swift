import Foundation
import Testing

extension ProcessTests {
    /// Who is told where a node's PostgreSQL is, what it is called there and who signs in.
    @Suite(.enabled("needs a PostgreSQL server") { PostgresSchema.isAvailable })
    struct PostgresPlaceTests {
        @Test("While the database is away no answer and no page says where it is; the log and the commands do")
        func place() async throws {
            let folder = try TemporaryFolder()
            try await PostgresServer.with { postgres in
                try await postgres.query("CREATE ROLE bookkeeper LOGIN SUPERUSER")
                try await postgres.query("CREATE DATABASE ledger OWNER bookkeeper")
                let place = "\(postgres.folder):5432/ledger"
                let url = "postgres:///ledger?host=\(postgres.folder)&port=5432&user=bookkeeper"
                let environment = ["WITAN_DATABASE_URL": url]
                let data = ["--data", folder.data]
                try await Command.witan(
                    ["init", "--organization", "Acme", "--email", "ada@example.com"] + data,
                    environment: environment
                )
                .expectSuccess()
                let ended = try await ServerProcess.run(folder.data, environment: environment) { server in
                    let link = try await Command.witan(
                        ["users", "sign-in-link", "ada@example.com", "--url", server.url] + data,
                        environment: environment
                    )
                    let page = try #require(link.output.firstMatch(of: #//signin/link\?\S+/#)?.0)
                    let key = try await Command.witan(
                        ["keys", "create", "--name", "key", "--email", "ada@example.com"] + data,
                        environment: environment
                    )
                    let client = server.client(key: try #require(key.output.firstMatch(of: /sk-\w+/).map { "\($0.0)" }))
                    #expect(try await client.send("GET", String(page)).status == 200)
                    try await postgres.stop()
                    for (method, path) in [
                        ("GET", "/readyz"), ("GET", "/v1/api_key"), ("POST", "/api/apikey/login"), ("GET", "\(page)"),
                    ] {
                        // For a moment the node may still answer from memory, or only learn that connections are lost.
                        for _ in 1...5 {
                            try await eventually(within: .seconds(10), "a refusal") {
                                let answer = try await client.send(method, path)
                                for part in [postgres.folder, ":5432", "ledger", "bookkeeper", "URL"] {
                                    #expect(!answer.text.contains(part), "\(path): \(answer.text)")
                                }
                                return answer.status == 503
                            }
                        }
                    }
                    #expect(try await client.send("GET", "/readyz").text.contains("The database is away"))
                    for words in [["keys", "list"], ["migrate"], ["serve", "--port", "0"]] {
                        try await Command.witan(words + data, environment: environment)
                            .expectRefusal("The database at \(place) cannot be reached")
                    }
                    let doctor = try await Command.witan(["doctor"] + data, environment: environment)
                    #expect(doctor.output.contains("The database at \(place) cannot be reached"), "\(doctor)")
                }
                #expect(ended.log.contains("The database at \(place) cannot be reached"))
            }
        }
    }
}
