package import WitanCore
package import WitanJSON
package import WitanResources
package import WitanStorage

/// The operations of one resource for a caller, by its declaration and its rules.
///
/// Each asks the evaluator for the permission that the declaration names. A change and its audit row share a
/// transaction; the call returns when both are durable and no cache holds what they made wrong.
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
    private let accessControl: AccessControl
    private let audit: AuditLog
    private let ids: ObjectIDGenerator
    private let time: TimeSource
    private let limits: Limits
    private let accesses = AccessStore()
    private let accounts = AccountStore()

    /// Takes the declaration, its rules, and what all services share.
    package init(
        _ resource: Resource,
        rules: ResourceRules = ResourceRules(),
        database: any SQLDatabase,
        accessControl: AccessControl,
        audit: AuditLog,
        ids: ObjectIDGenerator,
        time: TimeSource,
        limits: Limits = Limits()
    ) {
        self.limits = limits
        self.resource = resource
        self.store = ResourceStore(resource)
        self.rules = rules
        self.database = database
        self.accessControl = accessControl
        self.audit = audit
        self.ids = ids
        self.time = time
    }

    // MARK: Reading

    /// The object with that id.
    package func get(_ id: ObjectID, for caller: Caller) async throws -> Record {
        try await auditingRefusals(of: .get, id, for: caller) {
            try rules.authorize(.get, caller)
            let access = try await accessControl.access(for: caller.identity)
            return try await database.read { connection in
                guard let record = try store.get(id, on: connection),
                    try isAllowed(.get, on: record, access, in: .reading, on: connection)
                else { throw missingAccess(.get, id) }
                return record
            }
        }
    }

    /// The list that a request describes, to be read page by page.
    ///
    /// An organization that the caller is not in filters everything out, as one that is not there does.
    ///
    /// - Throws: `.forbidden` for the list of an organization, or of the grants on an object, whose permission the caller
    ///   lacks.
    package func list(
        _ request: ListRequest,
        _ variant: ListRequest.Variant = .own,
        in header: Identity.Selector = Identity.Selector(),
        for caller: Caller
    ) async throws -> ResourceList {
        let selector = Identity.Selector(
            id: request.organizationID,
            name: request.organizationName,
            headerName: header.headerName
        )
        return try await auditingRefusals(of: .list, in: selector, about: [request.json], for: caller) {
            try rules.authorize(.list, caller)
            let access = try await accessControl.access(for: caller.identity)
            let selection =
                switch variant {
                case .own: try await visible(to: access, request, in: selector)
                case .ofOrganization: try organization(of: access, in: selector)
                }
            return ResourceList(request: request, selection: selection, store: store, database: database)
        }
    }

    private func visible(
        to access: Access,
        _ request: ListRequest,
        in selector: Identity.Selector
    ) async throws -> ResourceStore.Selection {
        guard let requirement = resource.operations[.list] else { throw Failure.bug("\(resource.name) has no list") }
        guard case .grants(let typeField, let objectField, _) = resource.scope,
            case .permission(let permission) = requirement
        else { return .visible(access.viewer(of: resource, requirement, in: selector)) }
        guard let type = request.value(of: typeField).flatMap(ObjectType.init),
            let id = request.value(of: objectField).flatMap({ ObjectID($0) })
        else { throw Failure.bug("A list of grants names no object") }
        let object = try await database.read { connection in
            guard let object = try accesses.object(type, id, on: connection),
                try access.holds(permission, on: object, in: .reading, on: connection)
            else { throw Self.missingAccess(permission, type.rawValue, id) }
            return object
        }
        guard access.identity.organizations(chosenBy: selector).contains(object.organizationID) else {
            return .visible(Viewer(userID: access.identity.userID, organizations: []))
        }
        return .organization(object.organizationID)
    }

    private func organization(
        of access: Access,
        in selector: Identity.Selector
    ) throws(Failure) -> ResourceStore.Selection {
        guard let list = resource.organizationList else { throw .bug("\(resource.name) has no list by organization") }
        guard !access.identity.organizations(chosenBy: selector).isEmpty else {
            return .visible(Viewer(userID: access.identity.userID, organizations: []))
        }
        let organizationID = try access.identity.membership(selector).organizationID
        guard access.holds(list.permission, overAll: list.objectType, in: organizationID) else {
            throw Self.missingAccess(list.permission, list.objectType.rawValue, organizationID)
        }
        return .organization(organizationID)
    }

    /// Every object of one organization, or of all, for whoever runs the server's commands.
    package func everything(
        inOrganization organization: ObjectID? = nil,
        _ request: ListRequest = ListRequest()
    ) -> ResourceList {
        let selection = organization.map(ResourceStore.Selection.organization) ?? .everything
        return ResourceList(request: request, selection: selection, store: store, database: database)
    }

    /// The object with that id, for whoever runs the server's commands.
    package func find(_ id: ObjectID) async throws -> Record? {
        try await database.read { [store] in try store.get(id, on: $0) }
    }

    // MARK: Making

    /// Makes an object, or finds the one of its natural key and returns it unmodified.
    package func create(
        _ body: JSONValue,
        in selector: Identity.Selector = Identity.Selector(),
        for caller: Caller
    ) async throws -> Created {
        try await auditingRefusals(of: .create, in: selector, about: [body], for: caller) {
            try await committing {
                let request = try creation(.create, body, in: selector, for: caller)
                return { connection, changes in
                    let access = try access(of: caller, for: .create, on: connection)
                    return try create(request, for: caller, access, &changes, on: connection)
                }
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
            try await committing {
                let request = try creation(.replace, body, in: selector, for: caller)
                return { connection, changes in
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
    }

    /// A body that was read and completed, before its transaction.
    private struct Request: Sendable {
        let draft: Draft
        var creation: ResourceRules.Creation
        let organizationID: ObjectID?

        /// Fields that the server itself sets anew in an object that is replaced.
        let renewed: [FieldSpec]
    }

    private func creation(
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

    private func create(
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
    private func container(
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
    private func seen(
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

    private func existing(like record: Record, on connection: any SQLConnection) throws(Failure) -> Record? {
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
    private func shared(like record: Record, on connection: any SQLConnection) throws(Failure) -> Record? {
        guard case .organization(let organizationField, sharesOthers: true) = resource.scope,
            case .key(let fields) = resource.uniqueness
        else { return nil }
        return try store.find(
            fields.map { ($0, $0 == organizationField ? .null : record[name: $0]) },
            on: connection
        )
    }

    private func insert(
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
    private func grantOwnership(
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

    private func replace(
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

    // MARK: Changing

    /// Changes the members that the body has; objects are merged, and `null` says what null means.
    package func patch(
        _ id: ObjectID,
        _ body: JSONValue,
        null: Draft.NullMeaning = .keep,
        for caller: Caller
    ) async throws -> Record {
        try await auditingRefusals(of: .patch, id, for: caller) {
            try await committing {
                try rules.authorize(.patch, caller)
                let draft = try Draft(body: body, for: .patch, of: resource, null: null)
                return { connection, changes in
                    let access = try access(of: caller, for: .patch, on: connection)
                    guard let record = try store.get(id, on: connection),
                        try isAllowed(.patch, on: record, access, in: .writing, on: connection)
                    else { throw missingAccess(.patch, id) }
                    let object = try target(of: record, for: .patch)
                    guard !draft.isEmpty else { return record }
                    try requireReferences(of: draft, in: object.organizationID, on: connection)
                    let change = ResourceRules.Change(
                        operation: .patch,
                        record: record,
                        draft: draft,
                        caller: caller,
                        access: access,
                        organizationID: object.organizationID,
                        connection: connection
                    )
                    try rules.check(change)
                    let values = draft.values.map { field, value in
                        (field, value.merged(into: record[name: field.name], null: draft.null))
                    }
                    var wanted = record
                    for (field, value) in values { wanted[name: field.name] = value }
                    guard try shared(like: wanted, on: connection) == nil else {
                        throw Failure(.conflict, "There is a \(resource.name) of that name already; choose another.")
                    }
                    try store.update(id, setting: values, on: connection)
                    for (field, items) in draft.removals {
                        try store.remove(items, from: field, of: id, on: connection)
                    }
                    for (field, items) in draft.additions { try store.add(items, to: field, of: id, on: connection) }
                    let changed = try reread(id, on: connection)
                    try audit.append(
                        .patch,
                        resource,
                        changed,
                        object.organizationID,
                        caller,
                        details: details(draft),
                        on: connection
                    )
                    try rules.finish(change, &changes)
                    return changed
                }
            }
        }
    }

    /// Deletes an object and returns it as it was, or with the time of its deletion when it is only hidden.
    package func delete(_ id: ObjectID, for caller: Caller) async throws -> Record {
        try await auditingRefusals(of: .delete, id, for: caller) {
            try await committing {
                try rules.authorize(.delete, caller)
                return { connection, changes in
                    let access = try access(of: caller, for: .delete, on: connection)
                    guard let record = try store.get(id, on: connection),
                        try isAllowed(.delete, on: record, access, in: .writing, on: connection)
                    else { throw missingAccess(.delete, id) }
                    return try delete(record, for: caller, access, &changes, on: connection)
                }
            }
        }
    }

    /// Deletes the object that a body names by its id or by its content.
    package func delete(_ body: JSONValue, for caller: Caller) async throws -> Record {
        switch resource.deletionBody {
        case .id:
            return try await delete(try Self.id(of: body), for: caller)
        case .content:
            return try await auditingRefusals(of: .delete, about: [body], for: caller) {
                try await committing {
                    let draft = try Draft(body: body, for: .create, of: resource)
                    return { connection, changes in
                        let access = try access(of: caller, for: .delete, on: connection)
                        guard let record = try named(by: draft, access, on: connection) else {
                            throw Failure(.forbidden, "There is no \(resource.name) of that content.")
                        }
                        return try delete(record, for: caller, access, &changes, on: connection)
                    }
                }
            }
        case nil:
            throw Failure.bug("\(resource.name) has no deletion by its body")
        }
    }

    /// Makes and deletes objects by their content, all of it or nothing; what is there already, or is not, is left so.
    package func update(
        adding additions: [JSONValue],
        removing removals: [JSONValue],
        for caller: Caller
    ) async throws -> (added: [Record], removed: [Record]) {
        try await auditingRefusals(of: .patch, about: additions + removals, for: caller) {
            try await committing {
                let requests = try additions.map { body in
                    try creation(.create, body, in: Identity.Selector(), for: caller)
                }
                let drafts = try removals.map { try Draft(body: $0, for: .create, of: resource) }
                return { connection, changes in
                    let access = try access(of: caller, for: .create, on: connection)
                    var added: [Record] = []
                    for request in requests {
                        let created = try create(request, for: caller, access, &changes, on: connection)
                        if !created.wasFound { added.append(created.record) }
                    }
                    var removed: [Record] = []
                    for draft in drafts {
                        guard let record = try named(by: draft, access, on: connection) else { continue }
                        removed.append(try delete(record, for: caller, access, &changes, on: connection))
                    }
                    return (added, removed)
                }
            }
        }
    }

    /// The object of a content, if there is one and the caller may delete it.
    private func named(by draft: Draft, _ access: Access, on connection: any SQLConnection) throws -> Record? {
        var record = Record(fields: resource.fields)
        for (field, value) in draft.values { record[name: field.name] = value }
        var creation = ResourceRules.Creation(record: record)
        try rules.prepare(&creation)
        let request = Request(
            draft: draft,
            creation: creation,
            organizationID: nil,
            renewed: []
        )
        let object = try container(of: request, for: .delete, on: connection)
        try require(.delete, in: object, access, on: connection)
        return try existing(like: record, on: connection)
    }

    private func delete(
        _ record: Record,
        for caller: Caller,
        _ access: Access,
        _ changes: inout AccessChanges,
        on connection: any SQLConnection
    ) throws -> Record {
        var record = record
        guard let id = record.id else { throw Failure.bug("A \(resource.name) has no id") }
        let object = try target(of: record, for: .delete)
        let change = ResourceRules.Change(
            operation: .delete,
            record: record,
            draft: nil,
            caller: caller,
            access: access,
            organizationID: object.organizationID,
            connection: connection
        )
        try rules.check(change)
        let now = time.now().truncatedToMilliseconds
        guard try store.delete(id, at: now, on: connection) else { throw missingAccess(.delete, id) }
        if case .soft(let field) = resource.deletion { record[name: field] = .timestamp(now) }
        try audit.append(.delete, resource, record, object.organizationID, caller, on: connection)
        try rules.finish(change, &changes)
        return record
    }

    // MARK: Steps

    /// Runs the transaction that `prepare` makes, and tells the caches of what it changed before anybody is answered.
    private func committing<Value: Sendable>(
        _ prepare: () async throws -> @Sendable (any SQLConnection, inout AccessChanges) throws -> Value
    ) async throws -> Value {
        let body = try await prepare()
        let (value, changes) = try await database.write { connection in
            var changes = AccessChanges()
            let value = try body(connection, &changes)
            return (value, changes)
        }
        accessControl.publish(changes)
        return value
    }

    /// What the caller may do, as the transaction of a change sees it.
    private func access(
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
    private func target(of record: Record, for operation: Resource.Operation) throws(Failure) -> AccessObject {
        guard let object = object(of: record) else {
            throw Failure(
                .forbidden,
                "This \(resource.name) belongs to every organization: it can be used, and not changed."
            )
        }
        return object
    }

    /// nil for what belongs to no organization.
    private func object(of record: Record) -> AccessObject? {
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

    private func isAllowed(
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

    private func isOwn(_ record: Record, _ access: Access) -> Bool {
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

    private func require(
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
    private func requireReferences(
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
    private func completed(_ record: Record, _ caller: Caller) -> Record? {
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

    private func reread(_ id: ObjectID, on connection: any SQLConnection) throws(Failure) -> Record {
        guard let record = try store.get(id, on: connection) else {
            throw .bug("The \(resource.name) that was just written cannot be read")
        }
        return record
    }

    /// What the audit log keeps of a body, of a long one the members' names; a body never holds a secret.
    private func details(_ draft: Draft) -> JSONObject? {
        var details = draft.body
        for name in ["org_name", "org_id", "name"] { details[name] = nil }
        guard !details.members.isEmpty else { return nil }
        guard JSONWriter.bytes(of: .object(details)).count <= limits.auditDetailsBytes else {
            return ["changed": .array(details.members.map { .string($0.name) })]
        }
        return details
    }

    /// Writes a refusal of `body` into the log: of what is done to the object `id`, or asked for in `bodies`.
    private func auditingRefusals<Value>(
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
            try await audit.recordRefusal(
                of: operation,
                resource,
                object: id,
                in: try await place(ofRefused: id, in: selector, about: bodies, for: caller),
                for: caller,
                in: database
            )
            throw failure
        }
    }

    /// The organization whose log a refusal belongs in, of those that the caller is in: the only one, the one that the
    /// request names, or that of the object which it is about.
    private func place(
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
    private func grantedObject(of body: JSONValue, on connection: any SQLConnection) throws(Failure) -> AccessObject? {
        guard case .grants(let typeField, let objectField, _) = resource.scope,
            let type = body.object?[typeField]?.string.flatMap(ObjectType.init),
            let id = body.object?[objectField]?.string.flatMap({ ObjectID($0) })
        else { return nil }
        return try accesses.object(type, id, on: connection)
    }

    private func missingAccess(_ operation: Resource.Operation, _ id: ObjectID) -> Failure {
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

    private static func missingAccess(_ permission: Permission, _ noun: String, _ id: ObjectID) -> Failure {
        Failure(
            .forbidden,
            "Missing \(permission.rawValue) access to \(noun) id \(id), or the \(noun) does not exist"
        )
    }

    private static func id(of body: JSONValue) throws(Failure) -> ObjectID {
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
    /// The permission that an operation takes of whoever does it to what is not their own.
    fileprivate func permission(for operation: Operation) -> Permission {
        switch operations[operation] {
        case .permission(let permission), .ownOr(let permission): permission
        case .own, nil: .read
        }
    }

    /// Whether its objects are ones that grants can be given on by id, so that their makers can own them.
    fileprivate var isOwnedByItsMaker: Bool {
        if case .organization = scope { true } else { false }
    }
}

extension ListRequest {
    /// The filters as a body would have them.
    fileprivate var json: JSONValue {
        var object = JSONObject()
        for condition in conditions { object[condition.field] = condition.values.first.map(JSONValue.string) ?? .null }
        return .object(object)
    }

    /// The value of the filter on a field.
    fileprivate func value(of field: String) -> String? {
        conditions.first { $0.field == field }?.values.first
    }
}

extension FieldValue {
    fileprivate static func id(_ id: ObjectID?) -> FieldValue { optional(id?.description) }

    fileprivate static func optional(_ text: String?) -> FieldValue { text.map(FieldValue.text) ?? .null }

    /// The new value of a patched field: an object is merged into the one that is there.
    fileprivate func merged(into current: FieldValue, null: Draft.NullMeaning) -> FieldValue {
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
