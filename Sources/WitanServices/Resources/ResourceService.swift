package import WitanCore
package import WitanJSON
package import WitanResources
package import WitanStorage

/// The operations of one resource for a caller, by its declaration and its rules.
///
/// A change and its audit row share a transaction, and the call returns when both are durable.
package struct ResourceService: Sendable {
    /// What a create or a replace gives.
    package struct Created: Sendable {
        /// The object.
        package let record: Record

        /// Members that this one answer has besides.
        package let revealed: [(name: String, value: String)]

        /// Whether the object was there before.
        package let wasFound: Bool
    }

    /// The declaration.
    package let resource: Resource

    private let store: ResourceStore
    private let rules: ResourceRules
    private let database: any SQLDatabase
    private let audit: AuditLog
    private let ids: ObjectIDGenerator
    private let time: TimeSource

    /// Takes the declaration, its rules, and what all services share.
    package init(
        _ resource: Resource,
        rules: ResourceRules = ResourceRules(),
        database: any SQLDatabase,
        audit: AuditLog,
        ids: ObjectIDGenerator,
        time: TimeSource
    ) {
        self.resource = resource
        self.store = ResourceStore(resource)
        self.rules = rules
        self.database = database
        self.audit = audit
        self.ids = ids
        self.time = time
    }

    // MARK: Reading

    /// The object with that id.
    package func get(_ id: ObjectID, for caller: Caller) async throws -> Record {
        try rules.authorize(.get, caller)
        let viewer = caller.identity.viewer()
        guard let record = try await database.read({ [store] in try store.get(id, for: viewer, on: $0) }) else {
            throw missingAccess("read", id)
        }
        return record
    }

    /// The list that a request describes, to be read page by page.
    ///
    /// An organization that the caller is not in filters everything out, as one that is not there does.
    ///
    /// - Throws: `.forbidden` for the list of an organization that the caller is in and does not own.
    package func list(
        _ request: ListRequest,
        _ variant: ListRequest.Variant = .own,
        in header: Identity.Selector = Identity.Selector(),
        for caller: Caller
    ) throws -> ResourceList {
        try rules.authorize(.list, caller)
        let selector = Identity.Selector(
            id: request.organizationID,
            name: request.organizationName,
            headerName: header.headerName
        )
        let selection: ResourceStore.Selection
        switch variant {
        case .own:
            selection = .visible(caller.identity.viewer(in: selector))
        case .ofOrganization where caller.identity.viewer(in: selector).organizations.isEmpty:
            selection = .visible(caller.identity.viewer(in: selector))
        case .ofOrganization:
            let membership = try caller.identity.membership(selector)
            guard membership.isOwner else {
                throw Failure(.forbidden, "Only an owner of the organization can list all of its \(resource.name)s.")
            }
            selection = .organization(membership.organizationID)
        }
        return ResourceList(request: request, selection: selection, store: store, database: database)
    }

    /// Every object of one organization, or of all, for whoever runs the server's commands.
    package func everything(inOrganization organization: ObjectID? = nil) -> ResourceList {
        let selection = organization.map(ResourceStore.Selection.organization) ?? .everything
        return ResourceList(request: ListRequest(), selection: selection, store: store, database: database)
    }

    /// The object with that id, for whoever runs the server's commands.
    package func find(_ id: ObjectID) async throws -> Record? {
        try await database.read { [store] in try store.find([("id", .text(id.description))], on: $0) }
    }

    // MARK: Writing

    /// Makes an object, or finds the one of its natural key and returns it unmodified.
    package func create(
        _ body: JSONValue,
        in selector: Identity.Selector = Identity.Selector(),
        for caller: Caller
    ) async throws -> Created {
        try await auditingRefusals(of: .create, object: nil, for: caller) {
            let (creation, organization) = try prepare(.create, body, in: selector, for: caller)
            let result = try await database.write { connection in
                if let existing = try existing(like: creation.record, on: connection) {
                    return Created(record: existing, revealed: [], wasFound: true)
                }
                return try insert(creation, in: organization, for: caller, on: connection)
            }
            if !result.wasFound { rules.didCommit(.create, result.record) }
            return result
        }
    }

    /// Makes an object in a transaction that is under way, which also makes what the object rests on.
    package func create(
        _ body: JSONValue,
        in selector: Identity.Selector,
        for caller: Caller,
        on connection: any SQLConnection
    ) throws -> Created {
        let (creation, organization) = try prepare(.create, body, in: selector, for: caller)
        return try insert(creation, in: organization, for: caller, on: connection)
    }

    /// Makes an object, or gives the one of its natural key the body's values and nulls for what the body lacks.
    package func replace(
        _ body: JSONValue,
        in selector: Identity.Selector = Identity.Selector(),
        for caller: Caller
    ) async throws -> Created {
        try await auditingRefusals(of: .replace, object: nil, for: caller) {
            let (creation, organization) = try prepare(.replace, body, in: selector, for: caller)
            let result = try await database.write { connection in
                guard let existing = try existing(like: creation.record, on: connection), let id = existing.id else {
                    return try insert(creation, in: organization, for: caller, on: connection)
                }
                let values = zip(creation.record.fields, creation.record.values).filter { !$0.0.isReadOnly }
                try store.update(id, setting: values.map { ($0.0, $0.1) }, on: connection)
                let record = try reread(id, for: caller, on: connection)
                try audit.append(.replace, resource, record, organization, caller, on: connection)
                return Created(record: record, revealed: [], wasFound: true)
            }
            rules.didCommit(.replace, result.record)
            return result
        }
    }

    /// Changes the members that the body has; objects are merged, null and absence keep what is there.
    package func patch(_ id: ObjectID, _ body: JSONValue, for caller: Caller) async throws -> Record {
        try await auditingRefusals(of: .patch, object: id, for: caller) {
            try rules.authorize(.patch, caller)
            let draft = try Draft(body: body, for: .patch, of: resource)
            let viewer = caller.identity.viewer()
            let record = try await database.write { connection in
                guard let record = try store.get(id, for: viewer, on: connection) else {
                    throw missingAccess("update", id)
                }
                let organization = organizationID(of: record)
                try require(.patch, in: organization, else: missingAccess("update", id), for: caller)
                guard !draft.values.isEmpty else { return record }
                let values = draft.values.map { field, value in
                    (field, value.merged(into: record[name: field.name]))
                }
                try store.update(id, setting: values, on: connection)
                let changed = try reread(id, for: caller, on: connection)
                try audit.append(.patch, resource, changed, organization, caller, on: connection)
                return changed
            }
            rules.didCommit(.patch, record)
            return record
        }
    }

    /// Deletes an object and returns it as it was, or with the time of its deletion when it is only hidden.
    package func delete(_ id: ObjectID, for caller: Caller) async throws -> Record {
        try await auditingRefusals(of: .delete, object: id, for: caller) {
            try rules.authorize(.delete, caller)
            let viewer = caller.identity.viewer()
            let now = time.now().truncatedToMilliseconds
            let record = try await database.write { connection in
                guard var record = try store.get(id, for: viewer, on: connection) else {
                    throw missingAccess("delete", id)
                }
                let organization = organizationID(of: record)
                try require(.delete, in: organization, else: missingAccess("delete", id), for: caller)
                guard try store.delete(id, at: now, on: connection) else { throw missingAccess("delete", id) }
                if case .soft(let field) = resource.deletion { record[name: field] = .timestamp(now) }
                try audit.append(.delete, resource, record, organization, caller, on: connection)
                return record
            }
            rules.didCommit(.delete, record)
            return record
        }
    }

    // MARK: Steps

    private func prepare(
        _ operation: Resource.Operation,
        _ body: JSONValue,
        in selector: Identity.Selector,
        for caller: Caller
    ) throws -> (ResourceRules.Creation, organization: ObjectID?) {
        try rules.authorize(operation, caller)
        let draft = try Draft(body: body, for: operation, of: resource)
        var organization: Account.Membership?
        if resource.organizationField != nil {
            var selector = selector
            selector.id = draft.organizationID ?? selector.id
            selector.name = draft.organizationName ?? selector.name
            organization = try caller.identity.membership(selector)
        }
        let refusal = Failure(.forbidden, "Only an owner of the organization can create a \(resource.name).")
        try require(operation, in: organization?.organizationID, else: refusal, for: caller)

        var record = Record(fields: resource.fields)
        record[name: "id"] = .text(ids.next().description)
        record[name: "created"] = .timestamp(time.now().truncatedToMilliseconds)
        for (field, value) in draft.values { record[name: field.name] = value }
        switch resource.scope {
        case .person(let personField, let organizationField):
            record[name: personField] = .text(caller.identity.userID.description)
            record[name: organizationField] = .id(organization?.organizationID)
        case .organization(let organizationField):
            record[name: organizationField] = .id(organization?.organizationID)
        case .ownOrganizations, .fellowMembers:
            break
        }
        var creation = ResourceRules.Creation(record: record)
        try rules.prepare(&creation)
        return (creation, organization?.organizationID)
    }

    private func existing(like record: Record, on connection: any SQLConnection) throws(Failure) -> Record? {
        guard case .key(let fields) = resource.uniqueness else { return nil }
        return try store.find(fields.map { ($0, record[name: $0]) }, on: connection)
    }

    private func insert(
        _ creation: ResourceRules.Creation,
        in organization: ObjectID?,
        for caller: Caller,
        on connection: any SQLConnection
    ) throws(Failure) -> Created {
        try store.insert(creation.record, hidden: creation.hidden, on: connection)
        guard let id = creation.record.id else { throw .bug("A new \(resource.name) has no id") }
        let record =
            if let completed = completed(creation.record, caller) { completed } else {
                try reread(id, for: caller, on: connection)
            }
        try audit.append(.create, resource, record, organization, caller, on: connection)
        return Created(record: record, revealed: creation.revealed, wasFound: false)
    }

    /// The record with the members that come from other rows, when the caller's own account has them all.
    private func completed(_ record: Record, _ caller: Caller) -> Record? {
        var record = record
        for field in resource.fields {
            guard case .joined(let reference, let column) = field.source else { continue }
            guard case .person(reference, organization: _) = resource.scope else { return nil }
            let account = caller.identity.account
            switch column {
            case UserResource.email.spec.name: record[name: field.name] = .text(account.email)
            case UserResource.givenName.spec.name: record[name: field.name] = .optional(account.givenName)
            case UserResource.familyName.spec.name: record[name: field.name] = .optional(account.familyName)
            default: return nil
            }
        }
        return record
    }

    private func reread(_ id: ObjectID, for caller: Caller, on connection: any SQLConnection) throws(Failure) -> Record
    {
        guard let record = try store.get(id, for: caller.identity.viewer(), on: connection) else {
            throw .bug("The \(resource.name) that was just written cannot be read")
        }
        return record
    }

    private func require(
        _ operation: Resource.Operation,
        in organization: ObjectID?,
        else refusal: Failure,
        for caller: Caller
    ) throws(Failure) {
        guard resource.operations[operation] == .owner else { return }
        let isOwner = caller.identity.memberships.contains { $0.organizationID == organization && $0.isOwner }
        guard isOwner else { throw refusal }
    }

    private func organizationID(of record: Record) -> ObjectID? {
        if resource.scope == .ownOrganizations { return record.id }
        guard let field = resource.organizationField, case .text(let text) = record[name: field] else { return nil }
        return ObjectID(text)
    }

    private func auditingRefusals<Value>(
        of operation: Resource.Operation,
        object id: ObjectID?,
        for caller: Caller,
        _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch let failure as Failure where failure.code == .forbidden {
            try await audit.recordRefusal(of: operation, resource, object: id, for: caller, in: database)
            throw failure
        }
    }

    private func missingAccess(_ permission: String, _ id: ObjectID) -> Failure {
        Failure(
            .forbidden,
            "Missing \(permission) access to \(resource.name) id \(id), or the \(resource.name) does not exist"
        )
    }
}

extension Record {
    /// The object's id.
    var id: ObjectID? {
        guard case .text(let text) = values[0] else { return nil }
        return ObjectID(text)
    }
}

extension FieldValue {
    fileprivate static func id(_ id: ObjectID?) -> FieldValue { optional(id?.description) }

    fileprivate static func optional(_ text: String?) -> FieldValue { text.map(FieldValue.text) ?? .null }

    /// The new value of a patched field: an object is merged into the one that is there.
    fileprivate func merged(into current: FieldValue) -> FieldValue {
        guard case .object(let new) = self, case .object(let old) = current,
            case .object(let merged) = JSONValue.object(old).mergedDeeply(with: .object(new))
        else { return self }
        return .object(merged)
    }
}
