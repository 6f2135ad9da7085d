import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanTesting

/// One list of a resource: its own, or the one of a whole organization.
struct ListSubject: Sendable, CustomTestStringConvertible {
    let subject: Subject
    let path: String
    let variant: ListRequest.Variant

    var testDescription: String { path }

    static let all = Subject.all
        .flatMap { subject in
            let own = ListSubject(subject: subject, path: subject.resource.path, variant: .own)
            let whole = subject.resource.organizationList
                .map { ListSubject(subject: subject, path: $0.path, variant: .ofOrganization) }
            return (subject.resource.operations[.list] == nil ? [] : [own]) + [whole].compactMap(\.self)
        }

    /// The empty page.
    var empty: String { isBare ? "[]" : #"{"objects":[]}"# }

    private var isBare: Bool { variant == .ofOrganization && subject.resource.organizationList?.isBareArray == true }

    /// Makes some objects and gives the whole list, and a way to ask for parts of it.
    func withList(
        step: Duration = .zero,
        _ body:
            @Sendable (
                _ server: TestServer, _ whole: [JSONObject], _ get: (String) async throws -> TestServer.Answer
            ) async throws -> Void
    ) async throws {
        try await Subject.withServer { server in
            try await subject.make(7, on: server, step: step)
            let caller = try subject.caller(on: server)
            let path = variant == .own ? subject.listPath(for: server.owner) : "\(path)?"
            let whole = try await server.send(.get, path, as: caller)
            try #require(whole.status == 200, "\(whole.text)")
            try #require(whole.objects.count >= 7)
            try await body(server, whole.objects) { try await server.send(.get, path + $0, as: caller) }
        }
    }
}

@Suite("Each list keeps the rules of paging and filters")
struct ListContractTests {
    @Test("pages hold each object once and newest first, forwards and backwards", arguments: ListSubject.all)
    func walks(_ list: ListSubject) async throws {
        // Without steps all are made at one moment, and only their ids give them an order.
        for step in [Duration.zero, .milliseconds(3)] {
            try await list.withList(step: step) { _, whole, get in
                let ids = whole.compactMap { $0["id"]?.string }
                let keys = whole.map { [$0["created"]?.string ?? "", $0["id"]?.string ?? ""] }
                #expect(keys == keys.sorted { ($0[0], $0[1]) > ($1[0], $1[1]) })
                for size in [1, 2, 3, ids.count - 1, ids.count, ids.count + 1] {
                    var forwards: [String] = []
                    var page = try await get("limit=\(size)")
                    while let last = page.ids.last {
                        #expect(page.ids.count <= size)
                        forwards += page.ids
                        page = try await get("limit=\(size)&starting_after=\(last)")
                    }
                    #expect(forwards == ids, "pages of \(size)")

                    var backwards = [ids[ids.count - 1]]
                    page = try await get("limit=\(size)&ending_before=\(backwards[0])")
                    while let first = page.ids.first {
                        #expect(page.ids.count <= size)
                        backwards = page.ids + backwards
                        page = try await get("limit=\(size)&ending_before=\(first)")
                    }
                    #expect(backwards == ids, "pages of \(size), backwards")
                }
                #expect(try await get("starting_after=\(ids[2])").ids == Array(ids[3...]))
                #expect(try await get("ending_before=\(ids[2])").ids == Array(ids[..<2]))
                #expect(try await get("ending_before=\(ids[5])&limit=2").ids == Array(ids[3..<5]))
            }
        }
    }

    @Test("limit=0 is an empty page, a great limit all, and what is no whole number 400", arguments: ListSubject.all)
    func limits(_ list: ListSubject) async throws {
        try await list.withList { _, whole, get in
            #expect(try await get("limit=0").text == list.empty)
            for limit in ["100000", "9223372036854775807", "99999999999999999999999", "007"] {
                #expect(try await get("limit=\(limit)").objects.count == (limit == "007" ? 7 : whole.count))
            }
            for limit in ["-1", "%2B1", "1.0", "1e3", "x", "", "%20 1", "%D9%A1", "1&limit=1"] {
                let answer = try await get("limit=\(limit)")
                #expect(answer.status == 400, "limit=\(limit)")
                #expect(answer.issuePaths == ["limit"], "limit=\(limit)")
                answer.expectError(path: list.path)
            }
        }
    }

    @Test("a cursor that names nothing visible is an empty page, one that is no UUID 400", arguments: ListSubject.all)
    func cursors(_ list: ListSubject) async throws {
        try await list.withList { server, whole, get in
            let own = try #require(whole.first?["id"]?.string)
            let foreign = try await list.subject.foreignID(on: server)
            for cursor in ["starting_after", "ending_before"] {
                for id in ["0199c0de-0000-7000-8000-000000000000", foreign] {
                    #expect(try await get("\(cursor)=\(id)").text == list.empty)
                    #expect(try await get("\(cursor)=\(id)&limit=2").text == list.empty)
                }
                for text in ["x", "", own.replacing("-", with: ""), "\(own)%20"] {
                    let answer = try await get("\(cursor)=\(text)")
                    #expect(answer.status == 400)
                    #expect(answer.issuePaths == [cursor])
                }
                #expect(try await get("\(cursor)=\(own)&\(cursor)=\(own)").issuePaths == [cursor])
            }
            let both = try await get("starting_after=\(own)&ending_before=\(own)")
            #expect(both.status == 400)
            #expect(both.issuePaths == ["ending_before"])
        }
    }

    @Test("`ids` chooses objects, in the list's order, and is silent about foreign ones", arguments: ListSubject.all)
    func ids(_ list: ListSubject) async throws {
        try await list.withList { server, whole, get in
            let ids = whole.compactMap { $0["id"]?.string }
            let foreign = try await list.subject.foreignID(on: server)
            let chosen = [ids[4], ids[1], ids[4], foreign, "0199c0de-0000-7000-8000-000000000000"]
            let query = chosen.map { "ids=\($0)" }.joined(separator: "&")
            #expect(try await get(query).ids == [ids[1], ids[4]])
            #expect(try await get("\(query)&limit=1").ids == [ids[1]])
            #expect(try await get("\(query)&starting_after=\(ids[1])").ids == [ids[4]])
            #expect(try await get("ids=\(foreign)").text == list.empty)
            // The official Python client sends a list with commas.
            #expect(
                try await get("ids=\(ids[1]),\(ids[4])&ids=\(ids[6])%2C\(foreign)").ids == [ids[1], ids[4], ids[6]]
            )
            for bad in ["ids=x", "ids=", "ids=\(ids[0])&ids=", "ids=\(ids[0]),", "ids=,", "ids=\(ids[0]),%20\(ids[1])"]
            {
                #expect(try await get(bad).issuePaths == ["ids"], "\(bad)")
            }
            let many = Array(repeating: "ids=\(ids[0])", count: Limits().repeatedQueryValues).joined(separator: "&")
            #expect(try await get(many).ids == [ids[0]])
            #expect(try await get("\(many)&ids=\(ids[0])").issuePaths == ["ids"])
        }
    }

    @Test("a filter compares exactly, with several values only where that is declared", arguments: ListSubject.all)
    func filters(_ list: ListSubject) async throws {
        try await list.withList { _, whole, get in
            for filter in list.subject.resource.filters {
                let values = whole.compactMap { $0[filter.field]?.string }
                let kind = list.subject.resource.fields.first { $0.name == filter.field }?.kind
                guard !values.isEmpty, !(filter.isRequired && list.variant == .own) else { continue }
                let first = try #require(values.first)
                let second = try #require(values.first { $0 != first } ?? values.last)
                func matching(_ wanted: String...) -> [String] {
                    whole.filter { wanted.contains($0[filter.field]?.string ?? "") }.compactMap { $0["id"]?.string }
                }
                let one = "\(filter.parameter)=\(first.percentEncoded)"
                let two = "\(one)&\(filter.parameter)=\(second.percentEncoded)"
                #expect(try await get(one).ids == matching(first), "\(one)")
                #expect(try await get(one.replacing("%20", with: "+")).ids == matching(first), "\(one)")
                if filter.isRepeatable {
                    #expect(try await get(two).ids == matching(first, second), "\(two)")
                    let list = "\(one),\(second.percentEncoded)"
                    #expect(try await get(list).ids == matching(first, second), "\(list)")
                } else {
                    #expect(try await get(two).issuePaths == [filter.parameter], "\(two)")
                }
                guard case .text = kind else {
                    #expect(try await get("\(filter.parameter)=x").issuePaths == [filter.parameter])
                    continue
                }
                for other in ["", first.uppercased(), String(first.dropLast()), "\(first) ", "%", "_%"] {
                    #expect(try await get("\(filter.parameter)=\(other.percentEncoded)").ids == [], "\(other)")
                }
                #expect(try await get("\(filter.parameter)=a%00b").issuePaths == [filter.parameter])
            }
        }
    }

    @Test(
        "an unknown parameter is ignored, and `org_name` narrows to one's own organizations",
        arguments: ListSubject.all
    )
    func otherParameters(_ list: ListSubject) async throws {
        try await list.withList { server, whole, get in
            let ids = whole.compactMap { $0["id"]?.string }
            for query in ["", "&&", "=", "nonsense=1&limits=0", "LIMIT=0", "cursor=x"] {
                #expect(try await get(query).ids == ids, "\(query)")
            }
            #expect(try await get("org_name=Acme&org_name=Acme").issuePaths == ["org_name"])
            for query in ["limit=%", "limit=%1", "x=%GG", "x=%FF", "%80=1"] {
                #expect(try await get(query).status == 400, "\(query)")
            }
            let named = try await get("org_name=Acme")
            let acme =
                list.subject.resource.scope == .organizations ? [server.owner.organizationID.description] : ids
            #expect(named.ids == acme)
            for name in ["Globex", "Nowhere", "acme", ""] {
                #expect(try await get("org_name=\(name)").text == list.empty, "\(name)")
            }
        }
    }

    @Test("a list longer than one read of the database comes whole and in order")
    func longList() async throws {
        try await TestServer.run { server in
            let caller = try server.session(of: server.owner)
            let owner = server.owner
            for batch in 0..<3 {
                try await withThrowingTaskGroup { group in
                    for number in 1...401 {
                        group.addTask { _ = try await server.makeKey("key \(batch * 401 + number)", as: owner) }
                    }
                    try await group.waitForAll()
                }
                // The limit of requests with one key must not get in the way.
                server.clock.advance(by: .seconds(2))
            }
            let whole = try await server.send(.get, "/v1/api_key", as: caller)
            #expect(whole.ids.count == 1_204)
            let keys = whole.objects.map { [$0["created"]?.string ?? "", $0["id"]?.string ?? ""] }
            #expect(keys == Set(keys).sorted { ($0[0], $0[1]) > ($1[0], $1[1]) })
            let page = try await server.send(.get, "/v1/api_key?limit=1001&starting_after=\(whole.ids[99])", as: caller)
            #expect(page.ids == Array(whole.ids[100..<1_101]))
        }
    }
}

extension String {
    /// The text with everything but letters, digits and a few marks as `%XX`.
    var percentEncoded: String {
        utf8
            .map { byte in
                let scalar = Unicode.Scalar(byte)
                let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                return isPlain ? String(scalar) : "%" + [byte].hex.uppercased()
            }
            .joined()
    }
}
