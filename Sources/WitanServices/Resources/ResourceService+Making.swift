import WitanCore
package import WitanJSON
import WitanResources
package import WitanStorage

extension ResourceService {
    /// Makes an object, or finds the one of its natural key and returns it unmodified.
    package func create(
        _ body: JSONValue,
        in selector: Identity.Selector = Identity.Selector(),
        for caller: Caller
    ) async throws -> Created {
        try await auditingRefusals(of: .create, in: selector, about: [body], for: caller) {
            let request = try creation(.create, body, in: selector, for: caller)
            return try await accessControl.commit(concurrency(of: .create)) { connection, changes in
                let access = try access(of: caller, for: .create, on: connection)
                return try create(request, for: caller, access, &changes, on: connection)
            }
        }
    }

    /// Makes an object in a transaction that is under way, which also makes what the object rests on.
    ///
    /// `access` is the caller's as it will be after the transaction.
    package func create(
        _ body: JSONValue,
        in selector: Identity.Selector = Identity.Selector(),
        for caller: Caller,
        _ access: Access,
        _ changes: inout AccessChanges,
        on connection: any SQLConnection
    ) throws -> Created {
        let request = try creation(.create, body, in: selector, for: caller)
        return try create(request, for: caller, access, &changes, on: connection)
    }

    /// Makes an object, or gives the one of its natural key the body's values and nulls for what the body lacks.
    package func replace(
        _ body: JSONValue,
        in selector: Identity.Selector = Identity.Selector(),
        for caller: Caller
    ) async throws -> Created {
        try await auditingRefusals(of: .replace, in: selector, about: [body], for: caller) {
            let request = try creation(.replace, body, in: selector, for: caller)
            return try await accessControl.commit { connection, changes in
                let access = try access(of: caller, for: .replace, on: connection)
                let container = try container(of: request, for: .replace, on: connection)
                guard let existing = try existing(like: request.creation.record, on: connection) else {
                    return try insert(request, in: container, for: caller, access, &changes, on: connection)
                }
                return try replace(
                    existing,
                    by: request,
                    in: container,
                    for: caller,
                    access,
                    &changes,
                    on: connection
                )
            }
        }
    }

    /// A body that was read and completed, before its transaction.
    struct Request: Sendable {
        let draft: Draft
        var creation: ResourceRules.Creation
        let organizationID: ObjectID?

        /// Fields that the server itself sets anew in an object that is replaced.
        let renewed: [FieldSpec]
    }

    func creation(
        _ operation: Resource.Operation,
        _ body: JSONValue,
        in selector: Identity.Selector,
        for caller: Caller
    ) throws -> Request {
        try rules.authorize(operation, caller)
        let draft = try Draft(body: body, for: operation, of: resource)
        var organizationID: ObjectID?
        if resource.choosesOrganization {
            var selector = selector
            selector.id = draft.organizationID ?? selector.id
            selector.name = draft.organizationName ?? selector.name
            organizationID = try caller.identity.membership(selector).organizationID
        }
        var record = Record(fields: resource.fields)
        record[name: "id"] = .text(ids.next().description)
        record[name: "created"] = .timestamp(time.now().truncatedToMilliseconds)
        for (field, value) in draft.values { record[name: field.name] = value }
        switch resource.scope {
        case .person(let personField, let organizationField):
            if resource.operations[operation] == .own { record[name: personField] = .id(caller.identity.userID) }
            record[name: organizationField] = .id(organizationID)
        case .organization(let organizationField, _):
            record[name: organizationField] = .id(organizationID)
            record[name: "user_id"] = .id(caller.identity.makerID)
        case .organizations, .members, .grants:
            break
        }
        for field in resource.fields where field.isList && record[name: field.name] == .null {
            record[name: field.name] = .list([])
        }
        var creation = ResourceRules.Creation(record: record)
        try rules.prepare(&creation)
        let renewed = zip(resource.fields, zip(record.values, creation.record.values))
            .filter { $0.1.0 != $0.1.1 }.map(\.0)
        return Request(
            draft: draft,
            creation: creation,
            organizationID: organizationID,
            renewed: renewed
        )
    }

    func create(
        _ request: Request,
        for caller: Caller,
        _ access: Access,
        _ changes: inout AccessChanges,
        on connection: any SQLConnection
    ) throws -> Created {
        let container = try container(of: request, for: .create, on: connection)
        if case .key = resource.uniqueness {
            var record = request.creation.record
            if let field = resource.organizationField { record[name: field] = .id(container.organizationID) }
            if let existing = try existing(like: record, on: connection) {
                return Created(
                    record: try seen(existing, in: container, access, on: connection),
                    revealed: [],
                    wasFound: true
                )
            }
        }
        return try insert(request, in: container, for: caller, access, &changes, on: connection)
    }

    /// What the object is made in: an organization's projects, groups, roles or members, or the object of a grant.
    func container(
        of request: Request,
        for operation: Resource.Operation,
        on connection: any SQLConnection
    ) throws(Failure) -> AccessObject {
        if let organizationID = request.organizationID {
            let type: ObjectType =
                switch resource.objectType {
                case .group, .role, .organization: .organization
                case .orgMember, .orgAuditLogs: resource.objectType
                case .orgProject, .projectGroup, .project, .experiment, .dataset, .prompt, .promptSession, .projectLog:
                    .orgProject
                }
            return .organizationWide(type, organizationID)
        }
        guard case .grants(let typeField, let objectField, _) = resource.scope,
            case .text(let typeText) = request.creation.record[name: typeField],
            case .text(let idText) = request.creation.record[name: objectField],
            let type = ObjectType(rawValue: typeText), let id = ObjectID(idText)
        else { throw .bug("A \(resource.name) is made in nothing") }
        guard let object = try accesses.object(type, id, on: connection) else {
            throw Self.missingAccess(resource.permission(for: operation), typeText, id)
        }
        return object
    }

    /// The object that a create or a replace found, if the caller may know of it.
    func seen(
        _ existing: Record,
        in container: AccessObject,
        _ access: Access,
        on connection: any SQLConnection
    ) throws -> Record {
        if try isAllowed(.get, on: existing, access, in: .writing, on: connection) { return existing }
        try require(.create, in: container, access, on: connection)
        // A grant is all that its maker has sent, so that there is nothing to hide.
        if case .grants = resource.scope { return existing }
        throw Failure(
            .conflict,
            "There is a \(resource.name) of that name, which you may not see; choose another name."
        )
    }

    func existing(like record: Record, on connection: any SQLConnection) throws(Failure) -> Record? {
        let fields: [String]
        switch resource.uniqueness {
        case .none: return nil
        case .key(let names), .replacedBy(let names): fields = names
        }
        let values = fields.map { ($0, record[name: $0]) }
        if let found = try store.find(values, on: connection) { return found }
        return try shared(like: record, on: connection)
    }

    /// The object of no organization that has the natural key of `record`: its name is taken in every organization.
    func shared(like record: Record, on connection: any SQLConnection) throws(Failure) -> Record? {
        guard case .organization(let organizationField, sharesOthers: true) = resource.scope,
            case .key(let fields) = resource.uniqueness
        else { return nil }
        return try store.find(
            fields.map { ($0, $0 == organizationField ? .null : record[name: $0]) },
            on: connection
        )
    }

    func insert(
        _ request: Request,
        in container: AccessObject,
        for caller: Caller,
        _ access: Access,
        _ changes: inout AccessChanges,
        on connection: any SQLConnection
    ) throws -> Created {
        var creation = request.creation
        let organizationID = container.organizationID
        if let field = resource.organizationField { creation.record[name: field] = .id(organizationID) }
        try require(.create, in: container, access, on: connection)
        try requireReferences(of: request.draft, in: organizationID, on: connection)
        let change = ResourceRules.Change(
            operation: .create,
            record: creation.record,
            draft: request.draft,
            caller: caller,
            access: access,
            organizationID: organizationID,
            connection: connection
        )
        try rules.check(change)
        try store.insert(creation.record, hidden: creation.hidden, on: connection)
        guard let id = creation.record.id else { throw Failure.bug("A new \(resource.name) has no id") }
        let record =
            if let completed = completed(creation.record, caller) { completed } else {
                try reread(id, on: connection)
            }
        try audit.append(
            .create,
            resource,
            record,
            organizationID,
            caller,
            details: details(request.draft),
            on: connection
        )
        try rules.finish(change, &changes)
        if let maker = caller.identity.makerID, resource.isOwnedByItsMaker,
            try accounts.grantsOwnership(organizationID, on: connection)
        {
            try grantOwnership(of: id, in: organizationID, to: maker, for: caller, on: connection)
        }
        return Created(record: record, revealed: creation.revealed, wasFound: false)
    }

    /// Gives the maker of an object the Owner role on it (design: access control, section 2, 4).
    func grantOwnership(
        of id: ObjectID,
        in organizationID: ObjectID,
        to maker: ObjectID,
        for caller: Caller,
        on connection: any SQLConnection
    ) throws(Failure) {
        var grant = Record(fields: ACLResource.resource.fields)
        grant[ACLResource.id] = ids.next()
        grant[ACLResource.created] = time.now().truncatedToMilliseconds
        grant[name: ACLResource.objectType.spec.name] = .text(resource.objectType.rawValue)
        grant[ACLResource.objectID] = id
        grant[ACLResource.user] = maker
        grant[ACLResource.role] = SystemRole.owner.id
        grant[ACLResource.organization] = organizationID
        try ResourceStore(ACLResource.resource).insert(grant, on: connection)
        try audit.append(.create, ACLResource.resource, grant, organizationID, caller, on: connection)
    }

    func replace(
        _ existing: Record,
        by request: Request,
        in container: AccessObject,
        for caller: Caller,
        _ access: Access,
        _ changes: inout AccessChanges,
        on connection: any SQLConnection
    ) throws -> Created {
        guard let id = existing.id else { throw Failure.bug("A \(resource.name) has no id") }
        let object = try target(of: existing, for: .replace)
        guard try isAllowed(.replace, on: existing, access, in: .writing, on: connection) else {
            _ = try seen(existing, in: container, access, on: connection)
            throw missingAccess(.replace, id)
        }
        try requireReferences(of: request.draft, in: object.organizationID, on: connection)
        let change = ResourceRules.Change(
            operation: .replace,
            record: existing,
            draft: request.draft,
            caller: caller,
            access: access,
            organizationID: object.organizationID,
            connection: connection
        )
        try rules.check(change)
        let record = request.creation.record
        let values = resource.fields
            .filter { $0.isWritable(by: .replace) || request.renewed.contains($0) }
            .map { ($0, record[name: $0.name]) }
        try store.update(id, setting: values, hidden: request.creation.hidden, on: connection)
        let replaced = try reread(id, on: connection)
        try audit.append(
            .replace,
            resource,
            replaced,
            object.organizationID,
            caller,
            details: details(request.draft),
            on: connection
        )
        try rules.finish(change, &changes)
        return Created(record: replaced, revealed: request.creation.revealed, wasFound: true)
    }
}
