import WitanAccess
import WitanCluster
import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage
import WitanTesting

/// The services as the server puts them together, asked and told what a world is asked and told.
struct WorldProduct {
    let database: any SQLDatabase
    let explainer: AccessExplainer
    private let services: Services

    init(database: any SQLDatabase, seed: UInt64) throws {
        var random = RandomSource.seeded(seed)
        self.database = database
        explainer = AccessExplainer(database: database)
        services = Services(
            database: database,
            cluster: .alone(),
            secrets: try .generate(using: &random),
            time: FakeClock().source,
            random: random
        )
    }

    // MARK: Answers

    /// What the evaluator says, from its caches where it can.
    func answers(to questions: [WorldEvaluator.Question], in world: World) async throws -> [Bool] {
        var accesses: [ObjectID: Access] = [:]
        for user in world.principals {
            accesses[user.id] = try await services.accessControl.access(for: identity(of: user.id))
        }
        return try await database.read { [accesses] connection in
            try questions.map { question in
                guard let access = accesses[question.user] else { return false }
                let object = question.object
                return try access.holds(
                    question.permission,
                    on: AccessObject(object.type, object.id, in: object.organization),
                    for: question.type,
                    in: .reading,
                    on: connection
                )
            }
        }
    }

    /// The ids of a user's list of projects, groups or roles.
    func list(_ resource: Resource, for user: ObjectID) async throws -> Set<ObjectID> {
        let list = try await services[resource].list(ListRequest(), for: caller(user))
        return Set(try await list.first().records.compactMap(\.id))
    }

    /// Kept as a session's is, and forgotten as the services say.
    private func identity(of user: ObjectID) async throws -> Identity {
        let digest = CredentialDigest(of: user.description)
        if let identity = services.credentials.lookup(digest) { return identity }
        let token = services.credentials.beginFill(digest)
        let account = try await database.read { try AccountStore().account(userID: user, on: $0) }
        guard let account else { throw Failure.bug("A world's user is not there") }
        let identity = Identity(account: account, memberships: account.memberships, authentication: .session)
        services.credentials.fill(token, with: identity)
        return identity
    }

    private func caller(_ user: ObjectID) async throws -> Caller {
        Caller(identity: try await identity(of: user), origin: RequestOrigin())
    }

    // MARK: Changes

    /// Has the keeper make a change; the id of what was made.
    func make(_ change: WorldChange, in world: World) async throws -> ObjectID? {
        let keeper = try await caller(world.keeper)
        let (groups, roles) = (services[GroupResource.resource], services[RoleResource.resource])
        let (acls, projects) = (services[ACLResource.resource], services[ProjectResource.resource])
        switch change {
        case .addMember, .addServiceAccount, .removeMember:
            return try await services.members.update(request(change, world), for: keeper).added.first?.id
        case .changeGroup(let id, let added, let removed):
            let body: JSONValue = [
                "add_member_users": ids(added.users), "add_member_groups": ids(added.groups),
                "remove_member_users": ids(removed.users), "remove_member_groups": ids(removed.groups),
            ]
            _ = try await groups.patch(id, body, for: keeper)
        case .replaceGroup(let id, let members):
            guard let group = world.group(id) else { return nil }
            _ = try await groups.replace(body(group.name, group.organization, members), for: keeper)
        case .changeRole(let id, let added, let removed):
            let body: JSONValue = [
                "add_member_permissions": permissions(added.permissions), "add_member_roles": ids(added.roles),
                "remove_member_permissions": permissions(removed.permissions),
                "remove_member_roles": ids(removed.roles),
            ]
            _ = try await roles.patch(id, body, for: keeper)
        case .replaceRole(let id, let members):
            guard let role = world.role(id), let organization = role.organization else { return nil }
            _ = try await roles.replace(body(role.name, organization, members), for: keeper)
        case .give(let grant):
            _ = try await acls.create(body(grant, world), for: keeper)
        case .take(let grant, byContent: true):
            _ = try await acls.delete(body(grant, world), for: keeper)
        case .take(let grant, byContent: false):
            // To make a grant again finds it.
            guard let id = try await acls.create(body(grant, world), for: keeper).record.id else { return nil }
            _ = try await acls.delete(id, for: keeper)
        case .exchange(let removed, let added):
            _ = try await acls.update(
                adding: added.map { body($0, world) },
                removing: removed.map { body($0, world) },
                for: keeper
            )
        case .makeProject(let name, let organization):
            let body: JSONValue = ["name": .string(name), "org_id": .string(organization.description)]
            return try await projects.create(body, for: keeper).record.id
        case .makeGroup(let name, let organization, let members):
            return try await groups.create(body(name, organization, members), for: keeper).record.id
        case .makeRole(let name, let organization, let members):
            return try await roles.create(body(name, organization, members), for: keeper).record.id
        case .delete(let object):
            let service = object.type == .project ? projects : object.type == .group ? groups : roles
            _ = try await service.delete(object.id, for: keeper)
        }
        return nil
    }

    private func request(_ change: WorldChange, _ world: World) -> MembershipRequest {
        var request = MembershipRequest()
        switch change {
        case .addMember(let user, let organization, let groups):
            request.inviteEmails = [world.name(of: user)]
            request.groupIDs = groups
            request.organizationID = organization
        case .addServiceAccount(let name, let organization, let groups):
            request.serviceAccounts = [MembershipRequest.ServiceAccount(name: name)]
            request.groupIDs = groups
            request.organizationID = organization
        case .removeMember(let user, let organization):
            request.removeIDs = [user]
            request.organizationID = organization
        default:
            break
        }
        return request
    }

    // MARK: Bodies

    private func body(_ name: String, _ organization: ObjectID, _ members: WorldChange.GroupMembers) -> JSONValue {
        [
            "name": .string(name), "org_id": .string(organization.description), "member_users": ids(members.users),
            "member_groups": ids(members.groups),
        ]
    }

    private func body(_ name: String, _ organization: ObjectID, _ members: WorldChange.RoleMembers) -> JSONValue {
        [
            "name": .string(name), "org_id": .string(organization.description),
            "member_permissions": permissions(members.permissions), "member_roles": ids(members.roles),
        ]
    }

    private func body(_ grant: World.Grant, _ world: World) -> JSONValue {
        var body = JSONObject()
        body["object_type"] = .string(grant.object.type.rawValue)
        body["object_id"] = .string(grant.object.id.description)
        let isGroup = world.group(grant.principal) != nil
        body[isGroup ? "group_id" : "user_id"] = .string(grant.principal.description)
        switch grant.gift {
        case .allowance(let allowance):
            body["permission"] = .string(allowance.permission.rawValue)
            if let type = allowance.type { body["restrict_object_type"] = .string(type.rawValue) }
        case .role(let role):
            body["role_id"] = .string(role.description)
        }
        return .object(body)
    }

    private func ids(_ ids: [ObjectID]) -> JSONValue { .array(ids.map { .string($0.description) }) }

    private func permissions(_ allowances: [World.Allowance]) -> JSONValue {
        .array(
            allowances.map { allowance in
                [
                    "permission": .string(allowance.permission.rawValue),
                    "restrict_object_type": allowance.type.map { .string($0.rawValue) } ?? nil,
                ]
            }
        )
    }
}
