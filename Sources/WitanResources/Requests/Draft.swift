package import WitanCore
package import WitanJSON

/// What a request's body says about an object, checked against the resource's declaration.
package struct Draft: Sendable {
    /// How a patch reads null.
    package enum NullMeaning: Sendable {
        /// As absence: the value stays, as clients of the hosted service expect.
        case keep
        /// As RFC 7396 has it: the value goes.
        case clear
    }

    /// The members that were given, in the order of the declaration.
    package var values: [(field: FieldSpec, value: FieldValue)] = []

    /// The items that a patch adds to lists.
    package var additions: [(field: FieldSpec, items: [FieldValue])] = []

    /// The items that a patch takes out of lists.
    package var removals: [(field: FieldSpec, items: [FieldValue])] = []

    /// How null was read, inside of objects too.
    package let null: NullMeaning

    /// The organization that the body names by id.
    package var organizationID: ObjectID?

    /// The organization that the body names by name.
    package var organizationName: String?

    /// The body, for the audit log.
    package let body: JSONObject
}

extension Draft {
    /// Checks a body against what an operation takes.
    ///
    /// A create needs its required members and takes the organization as `org_name` or `org_id` besides. In a patch
    /// null means what absence means, unless `null` says otherwise.
    ///
    /// - Throws: `.invalidRequest` that names each member at fault and what was expected there (design: key service,
    ///   section 1).
    package init(
        body: JSONValue,
        for operation: Resource.Operation,
        of resource: Resource,
        null: NullMeaning = .keep
    ) throws(Failure) {
        guard case .object(let object) = body else {
            throw Failure(.invalidRequest, "The body must be a JSON object, but it is \(article(body.kindName)).")
        }
        self.null = null
        self.body = object
        var issues: [Failure.Issue] = []
        let isPatch = operation == .patch
        for field in resource.fields where field.isWritable(by: operation) {
            guard let value = object[field.name] else {
                if field.isRequired, !isPatch {
                    let message = "is required and must be \(field.expectation)"
                    issues.append(Failure.Issue(path: [field.name], message: message))
                }
                continue
            }
            if isPatch, null == .keep, value.isNull { continue }
            if let value = field.read(value, isPatch: isPatch, at: [field.name], &issues) {
                values.append((field, value))
            }
        }
        if isPatch {
            for field in resource.fields where field.isList && !field.isReadOnly {
                for name in [field.additionName, field.removalName] {
                    guard let value = object[name], !value.isNull,
                        case .list(let items)? = field.read(value, isPatch: true, at: [name], &issues)
                    else { continue }
                    if name == field.additionName {
                        additions.append((field, items))
                    } else {
                        removals.append((field, items))
                    }
                }
            }
        }
        if !isPatch, resource.choosesOrganization {
            organizationName = Self.selector("org_name", in: object, expecting: "a text or null", &issues) { $0 }
            organizationID = Self.selector("org_id", in: object, expecting: "a UUID or null", &issues) { ObjectID($0) }
        }
        refuseUnknown(in: object, known: resource.bodyMembers(of: operation), at: [], &issues)
        guard issues.isEmpty else { throw Failure(invalid: issues) }
    }

    /// Whether the body changes nothing.
    package var isEmpty: Bool { values.isEmpty && additions.isEmpty && removals.isEmpty }

    /// The ids of other resources' objects that the body names, but for those that it only takes out of lists.
    package var references: [(resource: String, id: ObjectID)] {
        (values + additions.map { ($0.field, FieldValue.list($0.items)) })
            .flatMap { field, value -> [(resource: String, id: ObjectID)] in
                guard let resource = field.referenced else { return [] }
                if case .text(let text) = value { return ObjectID(text).map { [(resource, $0)] } ?? [] }
                return value.ids.map { (resource, $0) }
            }
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
}

extension Resource {
    /// The names of the members that an operation's body may have.
    package func bodyMembers(of operation: Operation) -> [String] {
        var names = fields.filter { $0.isWritable(by: operation) }.map(\.name)
        if operation == .patch {
            names += fields.filter { $0.isList && !$0.isReadOnly }.flatMap { [$0.additionName, $0.removalName] }
        } else if choosesOrganization {
            names += ["org_name", "org_id"]
        }
        return names
    }
}

extension JSONObject {
    /// Reads a body that is no resource's: exactly these members, each as it is declared.
    ///
    /// - Throws: `.invalidRequest` that names each member at fault and what was expected there.
    package init(body: JSONValue, members: [FieldSpec]) throws(Failure) {
        guard case .object(let object) = body else {
            throw Failure(.invalidRequest, "The body must be a JSON object, but it is \(article(body.kindName)).")
        }
        var issues: [Failure.Issue] = []
        let read = FieldSpec.read(object, members, isPatch: false, at: [], &issues)
        guard let read, issues.isEmpty else { throw Failure(invalid: issues) }
        self = read
    }
}

/// Notes each member that is not among the known ones.
private func refuseUnknown(
    in object: JSONObject,
    known: [String],
    at path: [String],
    _ issues: inout [Failure.Issue]
) {
    for member in object.members where !known.contains(member.name) {
        let message =
            known.isEmpty
            ? "is not a member that this call takes; it takes none"
            : "is not a member that this call takes; it takes \(known.joined(separator: ", "))"
        issues.append(Failure.Issue(path: path + [member.name], message: message))
    }
}

extension FieldSpec {
    /// The value as the field keeps it; nil, with what is wrong noted, for one that does not fit.
    ///
    /// Inside of a patched object null is kept as it is, since the merge reads it.
    fileprivate func read(
        _ value: JSONValue,
        isPatch: Bool,
        at path: [String],
        _ issues: inout [Failure.Issue]
    ) -> FieldValue? {
        var found: String?
        switch (kind, value) {
        case (_, .null) where isNullable:
            return .null
        case (.text(let maximum), .string(let text)):
            if text.unicodeScalars.contains("\0") {
                issues.append(Failure.Issue(path: path, message: "must not contain U+0000"))
                return nil
            }
            let count = text.unicodeScalars.count
            let bytes = text.utf8.count
            if count <= maximum && maximum <= Limits().nameCharacters && bytes > Limits().nameBytes {
                issues.append(
                    Failure.Issue(
                        path: path,
                        message: "must be of at most \(Limits().nameBytes) bytes in UTF-8, but has \(bytes)"
                    )
                )
                return nil
            }
            if minimumCharacters <= count && count <= maximum { return .text(text) }
            found = "has \(count) characters"
        case (.email, .string(let text)) where EmailAddress.isPlausible(text):
            return .text(text)
        case (.id, .string(let text)), (.reference, .string(let text)):
            if let id = ObjectID(text) { return .text(id.description) }
        case (.choice(let choices), .string(let text)) where choices.contains(text):
            return .text(text)
        case (.flag, .bool(let flag)):
            return .flag(flag)
        case (.timestamp, .string(let text)):
            if let moment = Timestamp(rfc3339: text) { return .timestamp(moment) }
        case (.object, .object(let object)):
            return .object(object)
        case (.structure(let members), .object(let object)):
            return Self.read(object, members, isPatch: isPatch, at: path, &issues).map(FieldValue.object)
        case (.list(let kind), .array(let elements)):
            if elements.count > maximumItems {
                found = "has \(elements.count) items"
                break
            }
            let item = FieldSpec(name: name, kind: kind, summary: summary)
            var items: [FieldValue] = []
            items.reserveCapacity(elements.count)
            for (index, element) in elements.enumerated() {
                guard let value = item.read(element, isPatch: false, at: path + [String(index)], &issues) else {
                    return nil
                }
                items.append(value)
            }
            return .list(items)
        default:
            break
        }
        let text = found ?? (value.string == nil ? "is \(article(value.kindName))" : "is another text")
        issues.append(Failure.Issue(path: path, message: "must be \(expectation), but \(text)"))
        return nil
    }

    fileprivate static func read(
        _ object: JSONObject,
        _ members: [FieldSpec],
        isPatch: Bool,
        at path: [String],
        _ issues: inout [Failure.Issue]
    ) -> JSONObject? {
        let count = issues.count
        var result = JSONObject()
        for member in members {
            guard let value = object[member.name] else {
                if member.isRequired {
                    let message = "is required and must be \(member.expectation)"
                    issues.append(Failure.Issue(path: path + [member.name], message: message))
                }
                continue
            }
            if let value = member.read(value, isPatch: isPatch, at: path + [member.name], &issues) {
                result[member.name] = value.json
            }
        }
        refuseUnknown(in: object, known: members.map(\.name), at: path, &issues)
        return issues.count == count ? result : nil
    }

    /// What a value of the field looks like, for a sentence that goes on after "must be".
    fileprivate var expectation: String {
        let form =
            switch kind {
            case .id, .reference: "a UUID"
            case .text(let maximum): "a text of \(minimumCharacters) to \(maximum) characters"
            case .email: "an address like a@example.com"
            case .flag: "true or false"
            case .count: "a whole number"
            case .timestamp: "a date and time in the form of RFC 3339"
            case .choice(let choices): "one of \(choices.map { "\"\($0)\"" }.joined(separator: ", "))"
            case .object, .structure: "an object"
            case .list: "an array of at most \(maximumItems) items"
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
