import HTTPTypes
import WitanCore
import WitanHTTP
import WitanResources
import WitanTelemetry

extension FuzzTarget {
    /// The headers with a credential, one a line: after `x-bt-auth-token:` that header's value, else `Authorization`'s.
    ///
    /// A credential is empty only for another scheme, and never the word `null`; it has no white space around it, is a
    /// part of a header that was sent, and both headers give it back when it is sent alone.
    static let authorization = FuzzTarget(name: "authorization") { bytes in
        let prefix = Array("x-bt-auth-token:".utf8)
        let authToken = try require(HTTPField.Name("x-bt-auth-token"), "the header has a valid name")
        let headers = HTTPFields(
            bytes.split(separator: UInt8(ascii: "\n"))
                .map { line in
                    line.starts(with: prefix)
                        ? HTTPField(name: authToken, lenientValue: line.dropFirst(prefix.count))
                        : HTTPField(name: .authorization, lenientValue: line)
                }
        )
        let found = CredentialHeader.credential(in: headers)
        try require(CredentialHeader.credential(in: headers) == found, "the same headers have the same credential")
        guard let found else { return .refused }
        let credential = Array(found.utf8)
        guard !credential.isEmpty else {
            let scheme = headers[values: .authorization].last?.split(separator: " ").first?.lowercased()
            try require(scheme != nil && scheme != "bearer", "only an Authorization of another scheme gives no text")
            return .refused
        }
        try require(found.lowercased() != "null", "the word null is no credential")
        for end in [credential.first, credential.last] {
            try require(end != UInt8(ascii: " ") && end != UInt8(ascii: "\t"), "no white space is around a credential")
        }
        try require(
            headers.contains { Array($0.value.utf8).firstRange(of: credential) != nil },
            "a credential is part of a header"
        )
        for (name, scheme) in [(authToken, ""), (.authorization, "Bearer ")] {
            let alone = HTTPField(name: name, lenientValue: Array("\(scheme)\(found)".utf8))
            try require(
                CredentialHeader.credential(in: HTTPFields([alone]))?.utf8.elementsEqual(credential) == true,
                "a credential that is sent alone is found again"
            )
        }
        return .accepted
    }

    /// The query string: its parameters survive encoding, and every list takes them or says which one is at fault.
    static let query = FuzzTarget(name: "query") { bytes in
        let parameters: [(name: String, value: String)]
        do throws(Failure) {
            parameters = try QueryString.parse(String(decoding: bytes, as: UTF8.self))
        } catch {
            try require(error.code == .invalidRequest, "a query is refused as the sender's mistake")
            return .refused
        }
        let encoded = parameters.map { "\(formEncoded($0.name))=\(formEncoded($0.value))" }.joined(separator: "&")
        let decoded = try QueryString.parse(encoded)
        try require(
            decoded.map { [Array($0.name.utf8), Array($0.value.utf8)] }
                == parameters.map { [Array($0.name.utf8), Array($0.value.utf8)] },
            "parameters stay the same when encoded and decoded"
        )
        for resource in Catalog.all {
            try requireSoundRequest(for: parameters, of: resource, variant: .own)
            try requireSoundRequest(for: parameters, of: resource, variant: .ofOrganization)
        }
        return .accepted
    }

    /// The trace's headers: `traceparent` on the first line, `tracestate` on the rest.
    ///
    /// What is accepted is sent on in a form that is accepted as the same.
    static let trace = FuzzTarget(name: "trace") { bytes in
        let lines = String(decoding: bytes, as: UTF8.self).utf8.split(separator: UInt8(ascii: "\n"), maxSplits: 1)
            .map { String(Substring($0)) }
        let traceparent = lines.first ?? ""
        let tracestate = lines.count > 1 ? lines[1] : nil
        guard let context = TraceContext.parse(traceparent: traceparent, tracestate: tracestate) else {
            return .refused
        }
        try require(context.traceHigh | context.traceLow != 0 && context.spanID != 0, "no id is zero")
        try require(context.tracestate == nil || context.tracestate == tracestate, "tracestate is passed on as it came")
        try require(
            TraceContext.parse(traceparent: context.traceparent, tracestate: context.tracestate) == context,
            "what is sent on is read as the same"
        )
        try require(
            traceparent.dropFirst(3).hasPrefix("\(context.traceIDText)-\(context.spanIDText)-"),
            "the ids are those that came"
        )
        return .accepted
    }
}

private func requireSoundRequest(
    for parameters: [(name: String, value: String)],
    of resource: Resource,
    variant: ListRequest.Variant
) throws {
    let limits = Limits()
    let request: ListRequest
    do throws(Failure) {
        request = try ListRequest(query: parameters, of: resource, variant: variant, limits: limits)
    } catch {
        try require(error.code == .invalidRequest && !error.issues.isEmpty, "a refusal says what is at fault")
        return
    }
    try require(request.limit.map { $0 >= 0 } ?? true, "a limit is not negative")
    try require(request.ids.map { 1...limits.repeatedQueryValues ~= $0.count } ?? true, "ids are a bounded list")
    for condition in request.conditions {
        try require(
            resource.filters.contains { $0.field == condition.field },
            "a condition is on a field with a filter"
        )
        try require(!condition.values.isEmpty, "a condition has a value")
        try require(!condition.values.contains { $0.utf8.contains(0) }, "no value has a character that no text has")
    }
}

/// A name or value in application/x-www-form-urlencoded.
private func formEncoded(_ text: String) -> String {
    text.utf8
        .map { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"):
                String(UnicodeScalar(byte))
            case UInt8(ascii: " "): "+"
            default: "%\([byte].hex)"
            }
        }
        .joined()
}
