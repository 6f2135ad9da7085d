import WitanCore
import WitanJSON
import WitanResources
import WitanStorage

extension ResourceService {
    /// What other writes may run beside an operation's.
    ///
    /// Making or deleting a credential, and making what nobody's permissions rest on, changes nothing that another
    /// operation of these kinds decides by: who may do what, and who is where. What does change that runs alone. The
    /// caller's membership is kept until the commit, so that a key which is made beside the removal of its owner is
    /// either removed with the others or refused.
    func concurrency(of operation: Resource.Operation) -> WriteConcurrency {
        switch (resource.scope, operation) {
        case (.person, .create), (.person, .delete): .concurrent
        case (.organization, .create): resource.decidesAccess ? .alone : .concurrent
        default: .alone
        }
    }

    /// What the caller may do, as the transaction of a change sees it.
    func access(
        of caller: Caller,
        for operation: Resource.Operation,
        on connection: any SQLConnection
    ) throws(Failure) -> Access {
        try accessControl.access(
            for: caller.identity,
            ownOnly: resource.operations[operation] == .own,
            on: connection
        )
    }

    /// The object that grants are looked for on.
    func target(of record: Record, for operation: Resource.Operation) throws(Failure) -> AccessObject {
        guard let object = object(of: record) else {
            throw Failure(
                .forbidden,
                "This \(resource.name) belongs to every organization: it can be used, and not changed."
            )
        }
        return object
    }

    /// nil for what belongs to no organization.
    func object(of record: Record) -> AccessObject? {
        guard let id = record.id else { return nil }
        func organization(_ field: String) -> ObjectID? {
            if case .text(let text) = record[name: field] { ObjectID(text) } else { nil }
        }
        switch resource.scope {
        case .organizations:
            return .organizationWide(.organization, id)
        case .members:
            return nil
        case .organization(let field, _):
            return organization(field).map { AccessObject(resource.objectType, id, in: $0) }
        case .person(_, let field):
            return organization(field).map { .organizationWide(resource.objectType, $0) }
        case .grants(let typeField, let objectField, let field):
            guard case .text(let type) = record[name: typeField], let type = ObjectType(rawValue: type),
                let object = organization(objectField)
            else { return nil }
            return organization(field).map { AccessObject(type, object, in: $0) }
        }
    }

    func isAllowed(
        _ operation: Resource.Operation,
        on record: Record,
        _ access: Access,
        in transaction: Access.Transaction,
        on connection: any SQLConnection
    ) throws(Failure) -> Bool {
        guard let requirement = resource.operations[operation] else { return false }
        let permission: Permission
        switch requirement {
        case .own: return isOwn(record, access)
        case .permission(let needed): permission = needed
        case .ownOr(let needed):
            if isOwn(record, access) { return true }
            permission = needed
        }
        if resource.scope == .members {
            guard let id = record.id else { return false }
            for organization in access.identity.organizations()
            where access.holds(permission, overAll: resource.objectType, in: organization) {
                if try accounts.isMember(userID: id, organizationID: organization, on: connection) { return true }
            }
            return false
        }
        if let object = object(of: record) {
            return try access.holds(permission, on: object, in: transaction, on: connection)
        }
        // What belongs to nobody is there for everybody to read; that it cannot be changed, `target` says.
        if case .organization(_, sharesOthers: true) = resource.scope { return true }
        return false
    }

    func isOwn(_ record: Record, _ access: Access) -> Bool {
        switch resource.scope {
        case .members:
            return record.id == access.identity.userID
        case .person(let person, let organizationField):
            guard record[name: person] == .id(access.identity.userID),
                case .text(let text) = record[name: organizationField], let organization = ObjectID(text)
            else { return false }
            return access.identity.organizations().contains(organization)
        case .organizations, .organization, .grants:
            return false
        }
    }

    func require(
        _ operation: Resource.Operation,
        in container: AccessObject,
        _ access: Access,
        on connection: any SQLConnection
    ) throws(Failure) {
        guard let requirement = resource.operations[operation] else { return }
        guard requirement != .own else {
            _ = try access.identity.membership(Identity.Selector(id: container.organizationID))
            return
        }
        let permission = resource.permission(for: operation)
        let type: ObjectType? = if case .grants = resource.scope { nil } else { resource.objectType }
        guard try access.holds(permission, on: container, for: type, in: .writing, on: connection) else {
            if case .grants = resource.scope {
                throw Self.missingAccess(permission, container.type.rawValue, container.id)
            }
            throw Failure(
                .forbidden,
                "Missing \(permission.rawValue) access to \(resource.name)s of organization id \(container.organizationID)"
            )
        }
    }

    /// Refuses a body that refers to what its organization does not have, in the words for what is not there at all.
    func requireReferences(
        of draft: Draft,
        in organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) {
        for (name, id) in draft.references {
            guard try accesses.isThere(name, id, in: organizationID, on: connection) else {
                throw Self.missingAccess(.read, name, id)
            }
        }
    }

    /// The record with the members that come from other rows, when the caller's own account has them all.
    func completed(_ record: Record, _ caller: Caller) -> Record? {
        var record = record
        for field in resource.fields {
            switch field.source {
            case .column, .rows:
                continue
            case .joined(let reference, let column):
                guard case .person(reference, organization: _) = resource.scope, resource.operations[.create] == .own
                else { return nil }
                let account = caller.identity.account
                switch column {
                case UserResource.email.spec.name: record[name: field.name] = .text(account.email)
                case UserResource.givenName.spec.name: record[name: field.name] = .optional(account.givenName)
                case UserResource.familyName.spec.name: record[name: field.name] = .optional(account.familyName)
                default: return nil
                }
            }
        }
        return record
    }

    func reread(_ id: ObjectID, on connection: any SQLConnection) throws(Failure) -> Record {
        guard let record = try store.get(id, on: connection) else {
            throw .bug("The \(resource.name) that was just written cannot be read")
        }
        return record
    }

    /// What the audit log keeps of a body, of a long one the members' names; a body never holds a secret.
    func details(_ draft: Draft) -> JSONObject? {
        var details = draft.body
        for name in ["org_name", "org_id", "name"] { details[name] = nil }
        guard !details.members.isEmpty else { return nil }
        guard JSONWriter.bytes(of: .object(details)).count <= limits.auditDetailsBytes else {
            return ["changed": .array(details.members.map { .string($0.name) })]
        }
        return details
    }

    /// Writes a refusal of `body` into the log: of what is done to the object `id`, or asked for in `bodies`.
    func auditingRefusals<Value>(
        of operation: Resource.Operation,
        _ id: ObjectID? = nil,
        in selector: Identity.Selector = Identity.Selector(),
        about bodies: [JSONValue] = [],
        for caller: Caller,
        _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch let failure as Failure where failure.code == .forbidden {
            try await recordRefusal(of: operation, id, in: selector, about: bodies, for: caller)
            throw failure
        }
    }

    /// Writes into the log that something was refused.
    func recordRefusal(
        of operation: Resource.Operation,
        _ id: ObjectID?,
        in selector: Identity.Selector = Identity.Selector(),
        about bodies: [JSONValue] = [],
        for caller: Caller
    ) async throws {
        try await audit.recordRefusal(
            of: operation,
            resource,
            object: id,
            in: try await place(ofRefused: id, in: selector, about: bodies, for: caller),
            for: caller,
            in: database
        )
    }

    /// The organization whose log a refusal belongs in, of those that the caller is in: the only one, the one that the
    /// request names, or that of the object which it is about.
    func place(
        ofRefused id: ObjectID?,
        in selector: Identity.Selector,
        about bodies: [JSONValue],
        for caller: Caller
    ) async throws -> ObjectID? {
        let organizations = caller.identity.organizations()
        guard organizations.count > 1 else { return organizations.first }
        var selector = selector
        if resource.choosesOrganization, let body = bodies.first?.object {
            selector.id = body["org_id"]?.string.flatMap { ObjectID($0) } ?? selector.id
            selector.name = body["org_name"]?.string ?? selector.name
        }
        let chosen = caller.identity.organizations(chosenBy: selector)
        if chosen.count == 1 { return chosen[0] }
        let place = try await database.read { connection in
            if let id { return try store.get(id, on: connection).flatMap(object)?.organizationID }
            for body in bodies {
                if let object = try grantedObject(of: body, on: connection) { return object.organizationID }
            }
            return nil
        }
        return place.flatMap { organizations.contains($0) ? $0 : nil }
    }

    /// The object that a grant's body names.
    func grantedObject(of body: JSONValue, on connection: any SQLConnection) throws(Failure) -> AccessObject? {
        guard case .grants(let typeField, let objectField, _) = resource.scope,
            let type = body.object?[typeField]?.string.flatMap(ObjectType.init),
            let id = body.object?[objectField]?.string.flatMap({ ObjectID($0) })
        else { return nil }
        return try accesses.object(type, id, on: connection)
    }

    func missingAccess(_ operation: Resource.Operation, _ id: ObjectID) -> Failure {
        let verb =
            switch operation {
            case .list, .get: "read"
            case .create: "create"
            case .replace, .patch: "update"
            case .delete: "delete"
            }
        return Failure(
            .forbidden,
            "Missing \(verb) access to \(resource.name) id \(id), or the \(resource.name) does not exist"
        )
    }

    static func missingAccess(_ permission: Permission, _ noun: String, _ id: ObjectID) -> Failure {
        Failure(
            .forbidden,
            "Missing \(permission.rawValue) access to \(noun) id \(id), or the \(noun) does not exist"
        )
    }

    static func id(of body: JSONValue) throws(Failure) -> ObjectID {
        guard case .object(let object) = body else {
            throw Failure(.invalidRequest, "The body must be a JSON object with the member id.")
        }
        var issues: [Failure.Issue] = []
        let id = object["id"]?.string.flatMap { ObjectID($0) }
        if id == nil { issues.append(Failure.Issue(path: ["id"], message: "is required and must be a UUID")) }
        for member in object.members where member.name != "id" {
            issues.append(
                Failure.Issue(path: [member.name], message: "is not a member that this call takes; it takes id")
            )
        }
        guard let id, issues.isEmpty else { throw Failure(invalid: issues) }
        return id
    }
}

extension Resource {
    /// Whether what somebody may do rests on its objects themselves.
    var decidesAccess: Bool {
        switch objectType {
        case .organization, .group, .role, .orgMember: true
        case .project, .experiment, .dataset, .prompt, .promptSession, .projectLog, .orgProject, .orgAuditLogs,
            .projectGroup:
            false
        }
    }

    /// The permission that an operation takes of whoever does it to what is not their own.
    func permission(for operation: Operation) -> Permission {
        switch operations[operation] {
        case .permission(let permission), .ownOr(let permission): permission
        case .own, nil: .read
        }
    }

    /// Whether its objects are ones that grants can be given on by id, so that their makers can own them.
    var isOwnedByItsMaker: Bool {
        if case .organization = scope { true } else { false }
    }
}

extension ListRequest {
    /// The filters as a body would have them.
    var json: JSONValue {
        var object = JSONObject()
        for condition in conditions { object[condition.field] = condition.values.first.map(JSONValue.string) ?? .null }
        return .object(object)
    }

    /// The value of the filter on a field.
    func value(of field: String) -> String? {
        conditions.first { $0.field == field }?.values.first
    }
}

extension FieldValue {
    static func id(_ id: ObjectID?) -> FieldValue { optional(id?.description) }

    static func optional(_ text: String?) -> FieldValue { text.map(FieldValue.text) ?? .null }

    /// The new value of a patched field: an object is merged into the one that is there.
    func merged(into current: FieldValue, null: Draft.NullMeaning) -> FieldValue {
        guard case .object(let new) = self else { return self }
        let old: JSONValue = if case .object(let object) = current { .object(object) } else { .object([:]) }
        let merged =
            switch null {
            case .keep: old.mergedDeeply(with: .object(new))
            case .clear: old.mergePatch(.object(new))
            }
        guard case .object(let object) = merged else { return self }
        return .object(object)
    }
}
