import WitanAccess
import WitanCore
import WitanJSON
import WitanResources
import WitanStorage

extension ResourceRules {
    /// An organization's name is part of what the cache of credentials holds.
    package static let organization = ResourceRules(finish: { change, changes in
        let name = OrganizationResource.name.spec
        guard change.draft?.values.contains(where: { $0.field == name }) == true else { return }
        changes.allCredentials = true
    })

    /// A project's grants go with it.
    package static let project = ResourceRules(finish: { change, _ in
        guard change.operation == .delete, let id = change.record.id else { return }
        try AccessStore().removeMentions(of: id, on: change.connection)
    })

    /// A group holds no other that holds it, gives nobody more than its keeper has, and leaves an owner.
    package static let group: ResourceRules = {
        let store = AccessStore()
        let users = GroupResource.memberUsers.spec
        let groups = GroupResource.memberGroups.spec
        return ResourceRules(
            check: { change in
                guard change.operation != .create, let id = change.record.id else { return }
                if let builtIn = try store.builtIn(id, on: change.connection) {
                    try requireUnchangedName(builtIn, change)
                }
                let newGroups = FieldValue.list(change.added(to: groups)).ids
                let holding = newGroups.isEmpty ? [] : Set(try store.groupsHolding([id], on: change.connection))
                for group in newGroups where holding.contains(group) {
                    throw Failure(invalid: [
                        Failure.Issue(
                            path: [change.operation == .patch ? groups.additionName : groups.name],
                            message: "must not name a group that holds this one, or this one itself: \(group)"
                        )
                    ])
                }
                if !newGroups.isEmpty || !change.added(to: users).isEmpty {
                    try change.access.requireCoveringGrants(toGroup: id, in: store, on: change.connection)
                }
            },
            finish: { change, changes in
                guard let id = change.record.id else { return }
                // Whom it takes out may be out already, which PUT finds out without a difference to tell of.
                if change.operation != .create { changes.wasDoneBefore = true }
                if change.operation == .delete {
                    changes.subjects.append(.group(id))
                    try store.removeMentions(of: id, on: change.connection)
                }
                for user in FieldValue.list(change.added(to: users) + change.removed(from: users)).ids {
                    changes.subjects.append(.user(user))
                }
                for group in FieldValue.list(change.added(to: groups) + change.removed(from: groups)).ids {
                    changes.subjects.append(.group(group))
                }
                try store.requireOwner(of: change.organizationID, on: change.connection)
            }
        )
    }()

    private static func requireUnchangedName(_ group: BuiltInGroup, _ change: Change) throws(Failure) {
        if change.operation == .delete {
            throw Failure(.invalidRequest, "The group \(group.name) is built in and cannot be deleted.")
        }
        let name = change.draft?.values.first { $0.field == GroupResource.name.spec }?.value
        if let name, name != .text(group.name) {
            throw Failure(.invalidRequest, "The group \(group.name) is built in and cannot be renamed.")
        }
    }

    /// A role takes over no other that takes it over, and gains nothing that its keeper does not hold where it is given.
    package static let role: ResourceRules = {
        let store = AccessStore()
        let permissions = RoleResource.memberPermissions.spec
        let roles = RoleResource.memberRoles.spec
        return ResourceRules(
            check: { change in
                guard change.operation != .create, change.operation != .delete, let id = change.record.id else {
                    return
                }
                let newRoles = FieldValue.list(change.added(to: roles)).ids
                let having = try store.rolesHaving(id, on: change.connection)
                for role in newRoles where having.contains(role) {
                    throw Failure(invalid: [
                        Failure.Issue(
                            path: [change.operation == .patch ? roles.additionName : roles.name],
                            message: "must not name a role that takes over this one, or this one itself: \(role)"
                        )
                    ])
                }
                var gained = PermissionMatrix()
                let present = RolePermissions(try store.permissions(of: [id], on: change.connection)).matrix(of: id)
                for item in change.added(to: permissions) {
                    guard let (permission, type) = item.rolePermission else { continue }
                    var matrix = PermissionMatrix()
                    matrix.insert(permission, for: type)
                    if !present.covers(matrix) { gained.formUnion(matrix) }
                }
                let inherited = RolePermissions(try store.permissions(of: newRoles, on: change.connection))
                for role in newRoles { gained.formUnion(inherited.matrix(of: role)) }
                guard !gained.isEmpty else { return }
                try change.access.requireCoveringGrants(
                    ofRole: id,
                    gaining: gained,
                    in: change.organizationID,
                    store,
                    on: change.connection
                )
            },
            finish: { change, changes in
                guard change.operation != .create, let id = change.record.id else { return }
                changes.subjects.append(.role(id))
                if change.operation == .delete { try store.removeMentions(of: id, on: change.connection) }
            }
        )
    }()

    /// A grant gives one thing to one principal, and not more than its giver holds.
    package static let acl: ResourceRules = {
        let store = AccessStore()
        return ResourceRules(
            prepare: { creation in try requireOneOfEach(creation.record) },
            check: { change in
                if change.operation == .delete {
                    try requireKeepingOwners(change, store)
                    return
                }
                let grant = try StoredGrant(change.record)
                try change.access.requireCovering(grant, in: store, on: change.connection)
            },
            finish: { change, changes in
                let grant = try StoredGrant(change.record)
                changes.subjects.append(.grant(principal: grant.principal, object: grant.object.id))
            }
        )
    }()

    private static func requireOneOfEach(_ grant: Record) throws(Failure) {
        var issues: [Failure.Issue] = []
        func requireOne(_ first: FieldSpec, _ second: FieldSpec) {
            let count = [first, second].count { grant[name: $0.name] != .null }
            guard count != 1 else { return }
            let message = count == 0 ? "or \(second.name) is required" : "cannot be given together with \(second.name)"
            issues.append(Failure.Issue(path: [first.name], message: message))
        }
        requireOne(ACLResource.user.spec, ACLResource.group.spec)
        requireOne(ACLResource.permission.spec, ACLResource.role.spec)
        if grant[ACLResource.restriction] != nil, grant[ACLResource.permission] == nil {
            let name = ACLResource.restriction.spec.name
            issues.append(Failure.Issue(path: [name], message: "can be given only together with permission"))
        }
        guard issues.isEmpty else { throw Failure(invalid: issues) }
    }

    /// Without its grant the group Owners would own nothing.
    private static func requireKeepingOwners(_ change: Change, _ store: AccessStore) throws {
        guard change.record[ACLResource.objectType] == .organization,
            change.record[ACLResource.role] == SystemRole.owner.id, let group = change.record[ACLResource.group],
            try store.builtIn(group, on: change.connection) == .owners
        else { return }
        throw Failure(.invalidRequest, "The group Owners cannot lose the role Owner on its organization.")
    }
}

extension AccessStore {
    /// Refuses a change that would leave an organization to nobody (design: access control, section 2, 7).
    func requireOwner(of organizationID: ObjectID, on connection: any SQLConnection) throws(Failure) {
        guard try owner(of: organizationID, on: connection) != nil else {
            throw Failure(
                .invalidRequest,
                "The organization would be left without an owner; put another person into its group Owners first."
            )
        }
    }
}

extension StoredGrant {
    fileprivate init(_ record: Record) throws(Failure) {
        let group = record[ACLResource.group]
        guard let id = record.id, let principal = record[ACLResource.user] ?? group,
            let type = record[ACLResource.objectType], let object = record[ACLResource.objectID],
            let organization = record[ACLResource.organization]
        else { throw .bug("A grant lacks a part that every grant has") }
        self.init(
            id: id,
            principal: principal,
            isToGroup: group != nil,
            object: AccessObject(type, object, in: organization),
            permission: record[ACLResource.permission],
            restriction: record[ACLResource.restriction],
            roleID: record[ACLResource.role]
        )
    }
}

extension FieldValue {
    /// An item of a role's `member_permissions`.
    fileprivate var rolePermission: (Permission, ObjectType?)? {
        guard case .object(let object) = self,
            let permission = object[RoleResource.permission.spec.name]?.string.flatMap(Permission.init)
        else { return nil }
        return (permission, object[RoleResource.restriction.spec.name]?.string.flatMap(ObjectType.init))
    }
}
