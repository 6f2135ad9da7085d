package import WitanCore
package import WitanJSON

/// What a request's body says about an object, checked against the resource's declaration.
package struct Draft: Sendable {
    /// The members that were given, in the order of the declaration.
    package var values: [(field: FieldSpec, value: FieldValue)] = []

    /// The organization that the body names by id.
    package var organizationID: ObjectID?

    /// The organization that the body names by name.
    package var organizationName: String?
}

extension Draft {
    /// Checks a body against what an operation takes.
    ///
    /// A create needs its required members and takes the organization as `org_name` or `org_id` besides. In a patch
    /// null means what absence means: keep the value.
    ///
    /// - Throws: `.invalidRequest` that names each member at fault and what was expected there (design: key service,
    ///   section 1).
    package init(body: JSONValue, for operation: Resource.Operation, of resource: Resource) throws(Failure) {
        guard case .object(let object) = body else {
            throw Failure(.invalidRequest, "The body must be a JSON object, but it is \(article(body.kindName)).")
        }
        var issues: [Failure.Issue] = []
        let isPatch = operation == .patch
        for field in resource.fields where !field.isReadOnly {
            guard let value = object[field.name] else {
                if field.isRequired, !isPatch {
                    let message = "is required and must be \(field.expectation)"
                    issues.append(Failure.Issue(path: [field.name], message: message))
                }
                continue
            }
            if isPatch, value.isNull { continue }
            switch field.read(value) {
            case .success(let value): values.append((field, value))
            case .failure(let problem): issues.append(Failure.Issue(path: [field.name], message: problem.message))
            }
        }
        if operation != .patch, resource.organizationField != nil {
            organizationName = Self.selector("org_name", in: object, expecting: "a text or null", &issues) { $0 }
            organizationID = Self.selector("org_id", in: object, expecting: "a UUID or null", &issues) { ObjectID($0) }
        }
        let known = resource.bodyMembers(of: operation)
        for member in object.members where !known.contains(member.name) {
            issues.append(Failure.Issue(path: [member.name], message: Self.unknown(known)))
        }
        guard issues.isEmpty else { throw Failure(invalid: issues) }
    }

    private static func selector<Value>(
        _ name: String,
        in object: JSONObject,
        expecting expectation: String,
        _ issues: inout [Failure.Issue],
        _ read: (String) -> Value?
    ) -> Value? {
        guard let value = object[name], !value.isNull else { return nil }
        if let text = value.string, let read = read(text) { return read }
        issues.append(Failure.Issue(path: [name], message: "must be \(expectation)"))
        return nil
    }

    private static func unknown(_ known: [String]) -> String {
        known.isEmpty
            ? "is not a member that this call takes; it takes none"
            : "is not a member that this call takes; it takes \(known.joined(separator: ", "))"
    }
}

extension Resource {
    /// The names of the members that an operation's body may have.
    package func bodyMembers(of operation: Operation) -> [String] {
        let own = fields.filter { !$0.isReadOnly }.map(\.name)
        return operation == .patch || organizationField == nil ? own : own + ["org_name", "org_id"]
    }
}

/// Why a value does not fit a field.
private struct Mismatch: Error {
    let message: String
}

extension FieldSpec {
    fileprivate func read(_ value: JSONValue) -> Result<FieldValue, Mismatch> {
        switch (kind, value) {
        case (_, .null) where isNullable:
            return .success(.null)
        case (.text(let maximum), .string(let text)):
            if text.unicodeScalars.contains("\0") { return .failure(Mismatch(message: "must not contain U+0000")) }
            let count = text.unicodeScalars.count
            return minimumCharacters <= count && count <= maximum ? .success(.text(text)) : mismatch(value)
        case (.id, .string(let text)), (.reference, .string(let text)):
            return ObjectID(text).map { .success(.text($0.description)) } ?? mismatch(value)
        case (.choice(let choices), .string(let text)) where choices.contains(text):
            return .success(.text(text))
        case (.flag, .bool(let flag)):
            return .success(.flag(flag))
        case (.timestamp, .string(let text)):
            return Timestamp(rfc3339: text).map { .success(.timestamp($0)) } ?? mismatch(value)
        case (.object, .object(let object)):
            return .success(.object(object))
        default:
            return mismatch(value)
        }
    }

    private func mismatch(_ value: JSONValue) -> Result<FieldValue, Mismatch> {
        let found: String
        switch (kind, value) {
        case (.text, .string(let text)): found = "has \(text.unicodeScalars.count) characters"
        case (_, .string): found = "is another text"
        default: found = "is \(article(value.kindName))"
        }
        return .failure(Mismatch(message: "must be \(expectation), but \(found)"))
    }

    /// An object's name has a character at least; other texts may be empty.
    package var minimumCharacters: Int { isRequired ? 1 : 0 }

    /// What a value of the field looks like, for a sentence that goes on after "must be".
    fileprivate var expectation: String {
        let form =
            switch kind {
            case .id, .reference: "a UUID"
            case .text(let maximum): "a text of \(minimumCharacters) to \(maximum) characters"
            case .flag: "true or false"
            case .timestamp: "a date and time in the form of RFC 3339"
            case .choice(let choices): "one of \(choices.map { "\"\($0)\"" }.joined(separator: ", "))"
            case .object: "an object"
            }
        return isNullable ? "\(form), or null" : form
    }
}

/// The name of a kind of JSON value after its article: "an array", "a number", "null".
private func article(_ kind: String) -> String {
    switch kind {
    case "null": "null"
    case "array", "object": "an \(kind)"
    default: "a \(kind)"
    }
}
