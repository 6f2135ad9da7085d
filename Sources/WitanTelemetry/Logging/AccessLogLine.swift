import Logging
package import WitanCore

/// The one line that a request leaves in the log.
///
/// There is one for each request, so it is written straight to bytes, without the dictionaries of a `Logger`. No query,
/// header (but the user agent) or body is in it.
package struct AccessLogLine: Sendable {
    /// Who sent a request, once that is known.
    package struct Caller: Sendable {
        /// The user or the service account.
        package let id: ObjectID

        /// What the caller is and how it was authenticated, such as `user`.
        package let kind: String

        /// The organization the request acts in, when it acts in one.
        package let organizationID: ObjectID?

        /// Names a caller.
        package init(id: ObjectID, kind: String, organizationID: ObjectID?) {
            self.id = id
            self.kind = kind
            self.organizationID = organizationID
        }
    }

    /// When the request's head came.
    package var time: Timestamp

    /// The method as the client sent it.
    package var method: String

    /// The template of the route, such as `/v1/api_key/{id}`; `nil` when none matched.
    package var route: String?

    /// The path as the client sent it, without the query.
    package var path: String

    /// The status of the answer.
    package var status: Int

    /// Nanoseconds from the request's head to the end of the answer.
    package var nanoseconds: Int64

    /// Bytes of the request's body.
    package var bytesIn: Int

    /// Bytes of the answer's body.
    package var bytesOut: Int

    /// The trace that the request belongs to.
    package var trace: TraceContext

    /// Who sent it; `nil` when that is unknown.
    package var caller: Caller?

    /// The client's address, without the port.
    package var clientAddress: String

    /// The `User-Agent` header.
    package var userAgent: String?

    /// The code of the failure that the answer tells of.
    package var failureCode: Failure.Code?

    /// Takes what every request has; the rest is set as it becomes known.
    package init(
        time: Timestamp,
        method: String,
        path: String,
        status: Int,
        nanoseconds: Int64,
        trace: TraceContext,
        clientAddress: String,
        route: String? = nil,
        bytesIn: Int = 0,
        bytesOut: Int = 0,
        caller: Caller? = nil,
        userAgent: String? = nil,
        failureCode: Failure.Code? = nil
    ) {
        self.time = time
        self.method = method
        self.path = path
        self.status = status
        self.nanoseconds = nanoseconds
        self.trace = trace
        self.clientAddress = clientAddress
        self.route = route
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.caller = caller
        self.userAgent = userAgent
        self.failureCode = failureCode
    }
}

extension LogOutput {
    /// Logs a request at level `info`.
    package func append(_ request: AccessLogLine) {
        append(request.bytes(format: format, redact: redact))
    }
}

// MARK: - Bytes

extension AccessLogLine {
    func bytes(format: LogFormat, redact: @escaping @Sendable (String) -> String) -> [UInt8] {
        // For people, what they look for first is the message; for machines, it is in members.
        var line = LogLine(
            format: format,
            redact: redact,
            time: time,
            level: .info,
            label: "witan.access",
            message: format == .human ? "\(method) \(path) \(status) \(milliseconds) ms" : "request"
        )
        if format == .json {
            line.string("method", method)
            line.string("path", path)
            line.int("status", status)
            line.number("duration_ms", milliseconds)
        }
        if let route { line.trusted("route", route) }
        line.int("bytes_in", bytesIn)
        line.int("bytes_out", bytesOut)
        line.trusted("trace_id", trace.traceIDText)
        if let caller {
            line.trusted("caller_id", caller.id.description)
            line.trusted("caller_kind", caller.kind)
            if let id = caller.organizationID { line.trusted("organization_id", id.description) }
        }
        line.string("client", clientAddress)
        if let userAgent { line.string("user_agent", userAgent) }
        if let failureCode { line.trusted("failure", failureCode.rawValue) }
        return line.finish()
    }

    /// The duration with three decimals.
    private var milliseconds: String {
        let (whole, thousandths) = (max(nanoseconds, 0) / 1_000).quotientAndRemainder(dividingBy: 1_000)
        let padding = thousandths < 10 ? "00" : thousandths < 100 ? "0" : ""
        return "\(whole).\(padding)\(thousandths)"
    }
}
