import HTTPTypes
import Hummingbird
import WitanAccess
import WitanCore
import WitanJSON

/// The body of every error (design: key service, section 2).
struct ErrorBody: Sendable {
    let failure: Failure
    let path: String
    let traceID: String

    /// The answer, as JSON, or as text when the client prefers that.
    func response(accept: String?) -> Response {
        var headers = HTTPFields()
        let body: ByteBuffer
        if MediaTypes.prefersText(accept: accept) {
            headers[.contentType] = "text/plain; charset=utf-8"
            body = ByteBuffer(string: message)
        } else {
            headers[.contentType] = "application/json; charset=utf-8"
            body = ByteBuffer(bytes: json)
        }
        if failure.code == .unauthenticated { headers[.wwwAuthenticate] = "Bearer" }
        if let wait = failure.retryAfter { headers[.retryAfter] = String(max(1, wait.wholeSecondsRoundedUp)) }
        return Response(status: failure.code.status, headers: headers, body: ResponseBody(byteBuffer: body))
    }

    /// A bug's own sentence is for the log; the client gets a fixed one.
    ///
    /// A key that somebody put into a path or a member's name does not come back.
    private var message: String { SecretRedactor.redact(sentence) }

    private var sentence: String {
        failure.code == .bug
            ? "The server met an error of its own; its log tells more under the trace id \(traceID)."
            : failure.message
    }

    private var json: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        for (name, value) in [
            ("Code", failure.code.name), ("Message", message), ("InternalTraceId", traceID),
            ("Path", SecretRedactor.redact(path)),
            ("Service", "api"),
        ] {
            writer.name(name)
            writer.string(value)
        }
        if !failure.issues.isEmpty {
            writer.name("Issues")
            writer.beginArray()
            for issue in failure.issues {
                writer.beginObject()
                writer.name("path")
                writer.beginArray()
                for component in issue.path { writer.string(SecretRedactor.redact(component)) }
                writer.endArray()
                writer.name("message")
                writer.string(SecretRedactor.redact(issue.message))
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
        return writer.bytes
    }
}

extension Failure.Code {
    /// The HTTP status: the only place where a code becomes one.
    var status: HTTPResponse.Status {
        switch self {
        case .invalidRequest: .badRequest
        case .unauthenticated: .unauthorized
        case .forbidden: .forbidden
        case .notFound: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .timedOut: .requestTimeout
        case .conflict: .conflict
        case .tooLarge: .contentTooLarge
        case .rateLimited: .tooManyRequests
        case .bug: .internalServerError
        case .unavailable: .serviceUnavailable
        }
    }

    /// The `Code` of the body.
    var name: String {
        switch self {
        case .invalidRequest: "BadRequestError"
        case .unauthenticated: "UnauthorizedError"
        case .forbidden: "ForbiddenError"
        case .notFound: "NotFoundError"
        case .methodNotAllowed: "MethodNotAllowedError"
        case .timedOut: "RequestTimeoutError"
        case .conflict: "ConflictError"
        case .tooLarge: "PayloadTooLargeError"
        case .rateLimited: "TooManyRequestsError"
        case .bug: "InternalServerError"
        case .unavailable: "ServiceUnavailableError"
        }
    }
}
