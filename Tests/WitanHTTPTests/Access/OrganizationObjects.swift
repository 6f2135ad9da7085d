import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanTesting

/// One organization's objects, one of each kind, by the names that templates have for them: `<project>`.
struct OrganizationObjects: Sendable {
    /// The ids and names by their places.
    let values: [String: String]

    /// Makes one object of each kind in the organization of `owner`; `number` keeps their names apart.
    static func make(_ number: Int, on server: TestServer, as owner: TestServer.Person) async throws -> Self {
        let invited = try await server.succeed(
            .patch,
            "/v1/organization/members",
            ["invite_users": ["service_accounts": [["name": .string("robot \(number)")]]]],
            as: owner
        )
        let account = try #require(invited["added_users"]?.array?.first?.object?["id"]?.string)
        let project = try await server.project("project \(number)", as: owner)
        let inner = try await server.group("inner group \(number)", as: owner)
        let group = try await server.group("group \(number)", users: [owner], groups: [inner], as: owner)
        let innerRole = try await server.role("inner role \(number)", [.read], as: owner)
        let role = try await server.role("role \(number)", [.read], roles: [innerRole], as: owner)
        let acl = try await server.make(
            "acl",
            .grant(.permission(.read), on: .project, project, to: .group(group)),
            as: owner
        )
        let token = try await server.make(
            "service_token",
            ["name": .string("token \(number)"), "service_account_id": .string(account)],
            as: owner
        )
        let key = try await server.makeKey("key \(number)", as: owner)
        return OrganizationObjects(values: [
            "n": "\(number)", "organization": owner.organizationID.description, "user": owner.id.description,
            "api_key": key.keyID.description, "service_account": account, "service_token": token,
            "project": project, "group": group, "inner_group": inner, "role": role, "inner_role": innerRole,
            "acl": acl,
        ])
    }

    /// The ids alone.
    var ids: [String: String] { values.filter { $0.key != "n" } }

    /// A text with `<name>` replaced by the object's id.
    func fill(_ template: String) -> String {
        values.reduce(template) { $0.replacing("<\($1.key)>", with: $1.value) }
    }
}
