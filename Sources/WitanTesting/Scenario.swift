package import HTTPTypes
package import Testing
import WitanJSON

/// One request and what the answer must be.
package struct Scenario: Sendable, CustomTestStringConvertible {
    /// Who sends it.
    package enum Sender: Sendable {
        /// Nobody: there is no credential.
        case nobody
        /// The owner of `Acme`.
        case owner
    }

    /// What the answer must be, as far as the scenario says.
    package struct Expectation: Sendable {
        /// The status.
        package let status: Int

        /// A part of the error's sentence, or of the text.
        package var says: String?

        /// The first path component of each issue, in order.
        package var issues: [String] = []

        /// Headers and their exact values.
        package var headers: [String: String] = [:]

        /// Expects a status, and with it what else is given.
        package static func status(
            _ status: Int,
            says: String? = nil,
            issues: [String] = [],
            headers: [String: String] = [:]
        ) -> Expectation {
            Expectation(status: status, says: says, issues: issues, headers: headers)
        }
    }

    private let name: String
    private let method: HTTPRequest.Method
    private let path: String
    private let sender: Sender
    private let headers: KeyValuePairs<String, String>
    private let body: TestServer.Body?
    private let expectation: Expectation

    /// Names a request by its outcome, and says what the answer must be.
    package init(
        _ name: String,
        _ method: HTTPRequest.Method,
        _ path: String,
        as sender: Sender = .owner,
        headers: KeyValuePairs<String, String> = [:],
        body: TestServer.Body? = nil,
        expect expectation: Expectation
    ) {
        self.name = name
        self.method = method
        self.path = path
        self.sender = sender
        self.headers = headers
        self.body = body
        self.expectation = expectation
    }

    /// The request, the status and the name.
    package var testDescription: String { "\(method) \(path) \(expectation.status): \(name)" }

    /// Sends the request and checks the answer, the form of an error included.
    package func check(on server: TestServer) async throws {
        let person: TestServer.Person? =
            switch sender {
            case .nobody: nil
            case .owner: server.owner
            }
        let answer = try await server.send(method, path, as: person, headers: headers, body: body)
        #expect(answer.status == expectation.status, "\(answer.text)")
        #expect(answer.issuePaths == expectation.issues)
        if let says = expectation.says { #expect(answer.text.contains(says), "\(answer.text)") }
        for (name, value) in expectation.headers { #expect(answer.header(name) == value, "\(name)") }
        if answer.status >= 400 { answer.expectError(path: String(path.prefix { $0 != "?" })) }
    }
}

extension TestServer.Answer {
    /// Checks that the answer has the one form of errors (design: key service, section 2), whichever media type it has.
    package func expectError(path: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let traceID = header("x-bt-internal-trace-id") ?? ""
        #expect(traceID.count == 32 && traceID.allSatisfy(\.isHexDigit), sourceLocation: sourceLocation)
        guard header("content-type")?.hasPrefix("text/plain") != true else {
            #expect(!text.isEmpty && json == nil, sourceLocation: sourceLocation)
            return
        }
        let names = json?.object?.members.map(\.name) ?? []
        #expect(
            names.prefix(5) == ["Code", "Message", "InternalTraceId", "Path", "Service"],
            sourceLocation: sourceLocation
        )
        #expect(names.dropFirst(5) == [] || names.dropFirst(5) == ["Issues"], sourceLocation: sourceLocation)
        #expect(self["InternalTraceId"]?.string == traceID, sourceLocation: sourceLocation)
        #expect(self["Path"]?.string == path, sourceLocation: sourceLocation)
        #expect(self["Service"]?.string == "api", sourceLocation: sourceLocation)
        #expect(self["Code"]?.string == Self.codes[status], sourceLocation: sourceLocation)
    }

    private static let codes = [
        400: "BadRequestError", 401: "UnauthorizedError", 403: "ForbiddenError", 404: "NotFoundError",
        405: "MethodNotAllowedError", 409: "ConflictError", 413: "PayloadTooLargeError", 429: "TooManyRequestsError",
        500: "InternalServerError", 503: "ServiceUnavailableError",
    ]
}
