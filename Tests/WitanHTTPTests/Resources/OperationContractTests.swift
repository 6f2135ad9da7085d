import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanTesting

@Suite("Each resource has the operations that it declares, and no other")
struct OperationContractTests {
    private static let methods: [HTTPRequest.Method] = [.get, .post, .put, .patch, .delete]

    @Test("a method that is not declared is 405 with Allow, on every path", arguments: Subject.all)
    func undeclaredMethods(_ subject: Subject) async throws {
        try await Subject.withServer { server in
            let endpoints = subject.resource.endpoints
            for path in Set(endpoints.map(\.path)) {
                let declared = Set(endpoints.filter { $0.path == path }.map { $0.method.rawValue.uppercased() })
                let allow = declared.union(declared.contains("GET") ? ["HEAD"] : []).sorted().joined(separator: ", ")
                let place = path.replacing("{\(subject.resource.idParameter)}", with: server.owner.id.description)
                for method in Self.methods where !declared.contains(method.rawValue) {
                    let answer = try await server.send(method, place, as: server.owner, body: "{}")
                    #expect(answer.status == 405, "\(method) \(place)")
                    #expect(answer.header("allow") == allow, "\(method) \(place)")
                    answer.expectError(path: place)
                }
            }
        }
    }

    @Test("each declared operation answers as the API document says, members in order", arguments: Subject.all)
    func declaredOperations(_ subject: Subject) async throws {
        try await Subject.withServer { server in
            let resource = subject.resource
            let caller = try subject.caller(on: server)
            let document = Subject.document.document(serverURL: "https://witan.test")
            for (number, operation) in Resource.Operation.allCases.enumerated()
            where resource.operations[operation] != nil {
                let path =
                    operation.takesID
                    ? "\(resource.path)/\(try await subject.ownID(on: server))"
                    : operation == .list ? subject.listPath(for: server.owner) : resource.path
                let takesBody = [.create, .replace, .patch].contains(operation)
                let answer = try await server.send(
                    operation.method,
                    path,
                    as: caller,
                    body: takesBody ? .json(subject.body(number + 10, by: operation)) : nil
                )
                #expect(answer.status == 200, "\(operation): \(answer.text)")
                #expect(answer.header("content-type") == "application/json; charset=utf-8")
                #expect(answer.header("cache-control") == "no-store")
                guard case .json(let schema, _) = resource.endpoint(operation).answer, let json = answer.json else {
                    Issue.record("\(operation) does not answer with JSON")
                    continue
                }
                let declared = Schema(value: schema, document: document)
                #expect(declared.problems(with: json) == [], "\(operation)")
                #expect(json.object?.members.map(\.name) == declared.memberNames, "\(operation)")
                guard takesBody else { continue }
                for field in subject.writableFields(by: operation) {
                    let sent = Fixture.value(of: field, in: resource, number + 10)
                    #expect(answer[field.name]?.compact == sent.compact, "\(operation) \(field.name)")
                }
            }
        }
    }

    @Test("GET gives what the list gives, and DELETE the same once more", arguments: Subject.having(.get))
    func sameObjectEverywhere(_ subject: Subject) async throws {
        try await Subject.withServer { server in
            let caller = try subject.caller(on: server)
            let id = try await subject.ownID(on: server)
            let path = "\(subject.resource.path)/\(id)"
            let list = try await server.send(.get, "\(subject.listPath(for: server.owner))ids=\(id)", as: caller)
            let object = try await server.send(.get, path, as: caller)
            #expect(list.objects.map(\.compact) == [object.text])
            #expect(try await server.send(.get, path.uppercasingID, as: caller).text == object.text)
            #expect(try await server.send(.head, path, as: caller).status == 200)
            guard subject.resource.operations[.delete] != nil else { return }
            let deleted = try await server.send(.delete, path, as: caller)
            var expected = try #require(object.json?.object)
            if case .soft(let field) = subject.resource.deletion {
                expected[field] = .string(server.clock.now.rfc3339)
            }
            #expect(deleted.json?.compact == expected.compact)
            for method in [.get, .delete] as [HTTPRequest.Method] {
                #expect(try await server.send(method, path, as: caller).status == 403)
            }
            #expect(
                try await server.send(.get, "\(subject.listPath(for: server.owner))ids=\(id)", as: caller).ids == []
            )
        }
    }

    @Test(
        "an id that is foreign and one that is not there get the same 403, a malformed one 400",
        arguments: Subject.having(.get)
    )
    func refusedIDs(_ subject: Subject) async throws {
        try await Subject.withServer { server in
            let resource = subject.resource
            let foreign = try await subject.foreignID(on: server)
            let missing = "0199c0de-0000-7000-8000-000000000000"
            let verbs: [Resource.Operation: String] = [.get: "read", .patch: "update", .delete: "delete"]
            for (operation, verb) in verbs where resource.operations[operation] != nil {
                let body: TestServer.Body? = operation == .patch ? "{}" : nil
                for id in [foreign, missing] {
                    let path = "\(resource.path)/\(id)"
                    let answer = try await server.send(operation.method, path, as: server.owner, body: body)
                    #expect(answer.status == 403)
                    answer.expectError(path: path)
                    #expect(answer["Message"]?.string == resource.refusal(verb, id))
                }
                for id in ["x", "0199c0de", "\(missing)0", "%7B\(missing)%7D", missing.replacing("-", with: "")] {
                    let answer = try await server.send(operation.method, "\(resource.path)/\(id)", as: server.owner)
                    #expect(answer.status == 400, "\(operation) \(id)")
                    #expect(answer.issuePaths == [resource.idParameter])
                }
            }
            #expect(try await server.send(.get, "\(resource.path)/\(foreign)", as: server.stranger).status == 200)
        }
    }

    @Test(
        "what takes a permission is refused to a member without any, in the words of what is not there",
        arguments: Subject.all
    )
    func withoutPermission(_ subject: Subject) async throws {
        try await Subject.withServer { server in
            let resource = subject.resource
            let nobody = try await server.memberOfNoGroup()
            let verbs: [Resource.Operation: String] = [.get: "read", .patch: "update", .delete: "delete"]
            for (operation, requirement) in resource.operations {
                guard case .permission = requirement else { continue }
                switch operation {
                case .list:
                    let list = try await server.send(.get, subject.listPath(for: server.owner), as: nobody)
                    if case .grants = resource.scope {
                        #expect(list.status == 403)
                    } else {
                        let shared = resource.name == RoleResource.resource.name ? 3 : 0
                        #expect(list.objects.count == shared, "\(list.text)")
                    }
                case .create, .replace:
                    let body = subject.body(77, by: operation)
                    let answer = try await server.send(operation.method, resource.path, as: nobody, body: .json(body))
                    #expect(answer.status == 403, "\(answer.text)")
                case .get, .patch, .delete:
                    let id =
                        resource.scope == .organizations
                        ? server.owner.organizationID.description : try await subject.ownID(on: server)
                    let path = "\(resource.path)/\(id)"
                    let refused = try await server.send(operation.method, path, as: nobody)
                    #expect(refused.status == 403)
                    #expect(refused["Message"]?.string == resource.refusal(verbs[operation] ?? "", id))
                    #expect(try await server.send(operation.method, path, as: server.owner).status == 200)
                }
            }
            if let list = resource.organizationList {
                #expect(try await server.send(.get, list.path, as: nobody).status == 403)
                #expect(try await server.send(.get, list.path, as: server.owner).status == 200)
            }
        }
    }
}

extension String {
    /// The path with the letters of its last component in upper case.
    fileprivate var uppercasingID: String {
        var parts = split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        parts[parts.count - 1] = parts[parts.count - 1].uppercased()
        return parts.joined(separator: "/")
    }
}

extension Resource {
    /// The one sentence for an object that is not there or not the caller's.
    fileprivate func refusal(_ permission: String, _ id: String) -> String {
        "Missing \(permission) access to \(name) id \(id), or the \(name) does not exist"
    }
}
