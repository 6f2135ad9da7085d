import HTTPTypes
import Hummingbird
import NIOCore
import WitanAccess
import WitanConsole
import WitanCore
import WitanServices
import WitanTelemetry

/// Binds the settings pages, which are no part of the API document, to their addresses.
struct ConsoleRoutes: Sendable {
    let console: Console
    let limits: Limits
    let log: FailureLog

    /// The addresses that the pages have, in the router's form.
    static let paths: [RouterPath] = [
        "/app", "/app/**", "/signin", "/signin/**", "/signout", "/assets/**",
    ]

    /// Answers a request by a page.
    func answer(_ request: Request, _ context: WitanRequestContext) async throws -> Response {
        let answer: PageResponse
        do {
            answer = await console.answer(try await page(request, context))
        } catch {
            answer = console.answer(Failure(reading: error))
        }
        if let failure = answer.failure {
            context.record.set { $0.failureCode = failure.code }
            log.note(failure, traceID: context.record.current.trace?.traceIDText ?? "")
        }
        var response = Response(status: answer.status.code)
        for header in answer.headers {
            response.headers.append(HTTPField(name: .required(header.name), value: header.value))
        }
        switch answer.body {
        case .bytes(let bytes):
            response.body = ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        case .parts(let next):
            response.body = ResponseBody { writer in
                while let part = try await next() { try await writer.write(ByteBuffer(bytes: part)) }
                try await writer.finish(nil)
            }
        }
        return response
    }

    /// Whether whoever asks for `/` is a person with a browser rather than a program.
    static func isBrowser(_ request: Request) -> Bool {
        request.headers[values: .accept]
            .contains { value in
                value.split(separator: ",").contains { $0.lowercased().hasPrefix("text/html") }
            }
    }

    private func page(_ request: Request, _ context: WitanRequestContext) async throws -> PageRequest {
        let state = context.record.current
        let path = try request.uri.path.split(separator: "/").map { try QueryString.decodePath($0) }
        var form: [(name: String, value: String)] = []
        if request.method == .post { form = try await self.form(request, context) }
        var cookies: [String: String] = [:]
        for header in request.headers[values: .cookie] {
            for pair in header.split(separator: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2 else { continue }
                cookies[String(parts[0].drop { $0 == " " })] = String(parts[1])
            }
        }
        return PageRequest(
            method: request.method == .post ? .post : .get,
            path: path,
            query: FormFields(try request.uri.query.map { try QueryString.parse($0) } ?? []),
            form: FormFields(form),
            cookies: cookies,
            authority: request.head.authority ?? "",
            originHeader: request.headers[.origin],
            fetchSite: request.headers[.fetchSite],
            origin: RequestOrigin(
                clientAddress: state.clientAddress,
                userAgent: request.headers[.userAgent].map(SecretRedactor.redact),
                traceID: state.trace?.traceIDText
            )
        )
    }

    private func form(
        _ request: Request,
        _ context: WitanRequestContext
    ) async throws -> [(name: String, value: String)] {
        let mediaType = request.headers[.contentType]?.prefix { $0 != ";" }.lowercased()
        guard mediaType == "application/x-www-form-urlencoded" else {
            throw Failure(.invalidRequest, "The page takes forms alone (application/x-www-form-urlencoded).")
        }
        let bytes = try await request.bytes(
            atMost: limits.formBytes,
            refusal: Failure(.tooLarge, "The form is larger than \(limits.formBytes) bytes; write less."),
            record: context.record
        )
        return try QueryString.parse(String(decoding: bytes.readableBytesView, as: UTF8.self))
    }
}

extension PageResponse.Status {
    fileprivate var code: HTTPResponse.Status {
        switch self {
        case .ok: .ok
        case .seeOther: .seeOther
        case .failure(let code): code.status
        }
    }
}

extension HTTPField.Name {
    /// `Sec-Fetch-Site` (Fetch Metadata Request Headers).
    fileprivate static let fetchSite = required("sec-fetch-site")
    /// `Cross-Origin-Resource-Policy`, by which an answer says whose pages may read it.
    static let resourcePolicy = required("cross-origin-resource-policy")
}
