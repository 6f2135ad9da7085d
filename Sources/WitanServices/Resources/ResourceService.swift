package import WitanCore
import WitanJSON
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

    let store: ResourceStore
    let rules: ResourceRules
    let database: any SQLDatabase
    let accessControl: AccessControl
    let audit: AuditLog
    let ids: ObjectIDGenerator
    let time: TimeSource
    let limits: Limits
    let accesses = AccessStore()
    let accounts = AccountStore()

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

    /// Whether the rules let a caller's credential try an operation at all, for whoever offers it.
    package func mayTry(_ operation: Resource.Operation, for caller: Caller) -> Bool {
        // Nothing is refused yet, so that nobody is told why it would be.
        (try? rules.authorize(operation, caller)) != nil
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

    func visible(
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

    func organization(
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
}
