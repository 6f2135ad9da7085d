import Foundation
import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanTesting

/// The table of `matrix.md`: for each route what each caller is answered.
struct AccessMatrix: Sendable {
    /// Who calls; the raw value is the table's heading.
    enum Column: String, Sendable, CaseIterable, CustomTestStringConvertible {
        case owner
        case engineer
        case viewer
        case nonMember = "non-member"
        case removed
        case serviceAccount = "service account"
        case removedKey = "removed's key"
        case asViewer = "as viewer"

        var testDescription: String { rawValue }
    }

    /// A cell: a status, and whether the answer holds no object.
    struct Outcome: Sendable, Hashable, CustomStringConvertible {
        let status: Int
        let isEmpty: Bool

        var description: String { isEmpty ? "\(status) ∅" : "\(status)" }

        init(_ answer: TestServer.Answer) {
            status = answer.status
            isEmpty = answer["objects"]?.array?.isEmpty ?? answer.json?.array?.isEmpty ?? false
        }

        init?(_ text: String) {
            let words = text.split(separator: " ")
            guard let status = words.first.flatMap({ Int($0) }), words.dropFirst().allSatisfy({ $0 == "∅" }) else {
                return nil
            }
            self.status = status
            isEmpty = words.count > 1
        }
    }

    /// The headings after the first.
    let columns: [String]

    /// The rows in order: a route and its cells.
    let rows: [(route: String, cells: [String])]

    /// The checked-in table.
    static func read() throws -> AccessMatrix {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "matrix.md")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { $0.hasPrefix("|") }
        let rows = lines.map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let heading = try #require(rows.first)
        return AccessMatrix(
            columns: Array(heading.dropFirst()),
            rows: rows.dropFirst(2).map { ($0[0].trimmingCharacters(in: ["`"]), Array($0.dropFirst())) }
        )
    }
}

/// How somebody calls: a credential and further headers.
struct MatrixCaller: Sendable {
    let person: TestServer.Person
    var impersonated: TestServer.Person?

    /// Brings a column's caller about.
    static func make(_ column: AccessMatrix.Column, on server: TestServer) async throws -> MatrixCaller {
        switch column {
        case .owner: return MatrixCaller(person: server.owner)
        case .engineer: return MatrixCaller(person: server.member)
        case .viewer: return MatrixCaller(person: try await server.join("viewer", groups: ["Viewers"]))
        case .nonMember: return MatrixCaller(person: server.stranger)
        case .serviceAccount: return MatrixCaller(person: try await server.serviceAccount("one grant"))
        case .asViewer:
            let viewer = try await server.join("viewer", groups: ["Viewers"])
            return MatrixCaller(person: server.owner, impersonated: viewer)
        case .removed, .removedKey:
            let person = try await server.join("removed", groups: ["Engineers"])
            _ = try await server.accounts.add(.init(email: person.email), to: "Globex", groups: ["Owners"])
            let session = try server.session(of: person)
            // Both are in the caches when the removal comes.
            for credential in [person, session] {
                try await server.succeed(.get, "/v1/project?org_name=Acme", as: credential)
            }
            try await server.succeed(
                .patch,
                "/v1/organization/members",
                ["remove_users": ["ids": [.string(person.id.description)]]]
            )
            return MatrixCaller(person: column == .removed ? session : person)
        }
    }

    func send(_ route: String, _ objects: OrganizationObjects, on server: TestServer) async throws -> TestServer.Answer
    {
        let call = MatrixCall(route)
        let method = try #require(HTTPRequest.Method(call.method))
        return try await server.send(
            method,
            objects.fill(call.path),
            as: person,
            headers: impersonated.map { ["x-bt-impersonate-user": $0.email] } ?? [:],
            body: call.body.map { .text(objects.fill($0)) }
        )
    }
}

/// The call that a route of the matrix stands for.
struct MatrixCall: Sendable {
    let method: String

    /// The path with its query, a template.
    let path: String

    /// The body, a template.
    let body: String?

    init(_ route: String) {
        let parts = route.split(separator: " ").map(String.init)
        method = parts[0]
        let path = parts[1].replacing("{", with: "<").replacing("_id}", with: ">")
        switch route {
        case "GET /v1/acl": self.path = "\(path)?object_type=project&object_id=<project>&org_name=Acme"
        case _ where method == "GET" && path == parts[1]: self.path = "\(path)?org_name=Acme"
        default: self.path = path
        }
        body = Self.bodies[route] ?? (method == "PATCH" ? #"{"description":"changed"}"# : nil)
    }

    private static let grant =
        #"{"object_type":"project","object_id":"<project>","group_id":"<group>","permission":"read"}"#
    private static let newGrant =
        #"{"object_type":"project","object_id":"<project>","group_id":"<inner_group>","permission":"read"}"#

    private static let batch = #"{"add_acls":[\#(newGrant)],"remove_acls":[\#(grant)]}"#

    private static let bodies = [
        "POST /v1/api_key": #"{"name":"new <n>","org_name":"Acme"}"#,
        "PATCH /v1/organization/{organization_id}": #"{"image_rendering_mode":"auto"}"#,
        "PATCH /v1/organization/members":
            #"{"org_name":"Acme","invite_users":{"emails":["new-<n>@acme.test"],"group_names":["Viewers"]}}"#,
        "POST /v1/group": #"{"name":"new <n>","org_name":"Acme"}"#,
        "PUT /v1/group": #"{"name":"group <n>","org_name":"Acme"}"#,
        "POST /v1/role": #"{"name":"new <n>","org_name":"Acme"}"#,
        "PUT /v1/role": #"{"name":"role <n>","org_name":"Acme"}"#,
        "POST /v1/acl": newGrant,
        "DELETE /v1/acl": grant,
        "POST /v1/acl/batch_update": batch,
        "POST /v1/acl/batch-update": batch,
        "POST /v1/service_token": #"{"name":"new <n>","service_account_id":"<service_account>","org_name":"Acme"}"#,
        "PUT /v1/service_token": #"{"name":"token <n>","service_account_id":"<service_account>","org_name":"Acme"}"#,
        "DELETE /v1/service_token": #"{"id":"<service_token>"}"#,
        "POST /v1/project": #"{"name":"new <n>","org_name":"Acme"}"#,
    ]
}
