import WitanCore
import WitanResources
import WitanStorage

extension World {
    /// Writes everything into a database that knows none of it.
    func write(on connection: any SQLConnection, at now: Timestamp, using random: inout RandomSource) throws {
        for organization in organizations {
            try connection.run(
                """
                INSERT INTO organizations (id, name, created, grants_ownership)
                VALUES (\(organization.id), \(organization.name), \(now), \(organization.grantsOwnership ? 1 : 0))
                """
            )
        }
        for user in principals {
            try AccountStore()
                .insertUser(
                    user.id,
                    email: user.email,
                    givenName: nil,
                    familyName: nil,
                    serviceOrganizationID: user.serviceOrganization,
                    at: now,
                    on: connection
                )
        }
        for organization in organizations {
            for user in organization.members {
                try AccountStore()
                    .insertMember(userID: user, organizationID: organization.id, at: now, on: connection)
            }
        }
        for group in groups {
            try connection.run(
                """
                INSERT INTO groups (id, org_id, created, name, built_in)
                VALUES (\(group.id), \(group.organization), \(now), \(group.name), \(group.builtIn?.rawValue))
                """
            )
        }
        for role in roles where role.organization != nil {
            try connection.run(
                """
                INSERT INTO roles (id, org_id, created, name)
                VALUES (\(role.id), \(role.organization), \(now), \(role.name))
                """
            )
        }
        for project in projects {
            try connection.run(
                """
                INSERT INTO projects (id, org_id, created, name)
                VALUES (\(project.id), \(project.organization), \(now), \(project.name))
                """
            )
        }
        try writeLinks(on: connection, at: now, using: &random)
    }

    private func writeLinks(
        on connection: any SQLConnection,
        at now: Timestamp,
        using random: inout RandomSource
    ) throws {
        for group in groups {
            for user in group.users {
                try connection.run("INSERT INTO group_users (group_id, user_id) VALUES (\(group.id), \(user))")
            }
            for member in group.groups {
                try connection.run(
                    "INSERT INTO group_groups (group_id, member_group_id) VALUES (\(group.id), \(member))"
                )
            }
        }
        for role in roles where role.organization != nil {
            for allowance in role.permissions {
                try connection.run(
                    """
                    INSERT INTO role_permissions (role_id, permission, restrict_object_type)
                    VALUES (\(role.id), \(allowance.permission.rawValue), \(allowance.type?.rawValue))
                    """
                )
            }
            for member in role.roles {
                try connection.run("INSERT INTO role_roles (role_id, member_role_id) VALUES (\(role.id), \(member))")
            }
        }
        for grant in grants {
            var allowance: Allowance?
            var role: ObjectID?
            switch grant.gift {
            case .allowance(let given): allowance = given
            case .role(let given): role = given
            }
            let group = group(grant.principal)?.id
            let user = group == nil ? grant.principal : nil
            try connection.run(
                """
                INSERT INTO acls (
                    id, object_type, object_id, user_id, group_id, permission, restrict_object_type, role_id,
                    _object_org_id, created
                )
                VALUES (
                    \(ObjectID.random(using: &random)), \(grant.object.type.rawValue), \(grant.object.id), \(user),
                    \(group), \(allowance?.permission.rawValue), \(allowance?.type?.rawValue), \(role),
                    \(grant.object.organization), \(now)
                )
                """
            )
        }
    }
}
