package import WitanCore

/// The answer to a request for a page.
package struct PageResponse: Sendable {
    /// How it ended.
    package enum Status: Sendable, Hashable {
        /// As it was asked for.
        case ok
        /// At another address, which the header `Location` has.
        case seeOther
        /// Not, for a reason that has a status of its own.
        case failure(Failure.Code)
    }

    /// What is sent.
    package enum Body: Sendable {
        /// These bytes.
        case bytes([UInt8])
        /// Parts, one after another until there is none, so that a long answer costs no memory.
        case parts(@Sendable () async throws -> [UInt8]?)
    }

    /// How it ended.
    package var status: Status

    /// The headers.
    package var headers: [(name: String, value: String)]

    /// What is sent.
    package var body: Body

    /// What went wrong, if anything did: for the log, and for when to try again.
    package private(set) var failure: Failure?

    /// An answer of these.
    package init(status: Status = .ok, headers: [(name: String, value: String)] = [], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Sends the browser elsewhere, to be asked for by GET (RFC 9110, 15.4.4).
    package static func seeOther(_ location: String) -> PageResponse {
        PageResponse(status: .seeOther, headers: [("Location", location)])
    }

    /// The same as the answer to a failure.
    func failing(with failure: Failure) -> PageResponse {
        var response = self
        response.status = .failure(failure.code)
        response.failure = failure
        return response
    }

    static func html(_ text: String) -> PageResponse {
        PageResponse(headers: [("Content-Type", "text/html; charset=utf-8")], body: .bytes(Array(text.utf8)))
    }
}
