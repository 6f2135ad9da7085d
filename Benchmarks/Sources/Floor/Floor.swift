import Foundation
import Hummingbird
import Logging
import NIOCore

/// The least that a Hummingbird server does for a request: one route, no middleware, an answer that never changes.
@main
enum Floor {
    /// As long as Witan's answer to `POST /api/self/me` for a person in one organization.
    private static let answer = ByteBuffer(
        string: """
            {"id":"01a20c84-7055-711d-8f3d-9ddbb364dc7c","email":"bench@example.com","given_name":null,\
            "family_name":null,"avatar_url":null,"created":"2026-11-24T07:45:35.829Z",\
            "organizations":[{"id":"01a20c84-7055-711c-b626-1ad2c1e598bc","name":"Bench"}]}
            """
    )

    static func main() async throws {
        var logger = Logger(label: "floor")
        logger.logLevel = .info
        let router = Router()
        router.post("/") { _, _ in
            Response(status: .ok, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: answer))
        }
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                // Not `print`, which keeps what goes into a pipe until there is more of it.
                let text = "Floor listens on http://127.0.0.1:\(channel.localAddress?.port ?? 0)\n"
                FileHandle.standardOutput.write(Data(text.utf8))
            },
            logger: logger
        )
        try await application.runService()
    }
}
