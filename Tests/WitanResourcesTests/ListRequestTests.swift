import Testing
import WitanCore
import WitanResources

@Suite("Query strings of lists")
struct ListRequestTests {
    private static let id = "0199c0de-0000-7000-8000-0123456789ab"

    @Test("no parameter asks for everything")
    func empty() throws {
        let request = try ListRequest(query: [], of: APIKeyResource.resource, limits: Limits())
        #expect(request == ListRequest())
    }

    @Test("each parameter is read into its place")
    func parameters() throws {
        let query = [
            ("limit", "10"), ("starting_after", Self.id), ("ids", Self.id), ("ids", Self.id.uppercased()),
            ("api_key_name", "a b"), ("org_name", "Acme"), ("org_id", Self.id),
            ("created_after", "2026-01-31T12:00:00Z"),
            ("created_before", "2026-01-31T13:00:00+01:00"), ("other", "x"),
        ]
        let id = try #require(ObjectID(Self.id))
        var expected = ListRequest()
        expected.limit = 10
        expected.cursor = .after(id)
        expected.ids = [id, id]
        expected.organizationName = "Acme"
        expected.conditions = try read([("api_key_name", "a b")]).conditions
        #expect(expected.conditions.map(\.field) == ["name"])
        #expect(expected.conditions.map(\.values) == [["a b"]])
        #expect(try read(query) == expected)
        expected.organizationID = id
        expected.createdAfter = Timestamp(seconds: 1_769_860_800)
        expected.createdBefore = Timestamp(seconds: 1_769_860_800)
        #expect(try read(query, variant: .ofOrganization) == expected)
        #expect(try read([("ending_before", Self.id)]).cursor == .before(id))
    }

    @Test("a filter takes several values only where it is declared so")
    func filters() throws {
        let query = [("email", "a@b.test"), ("email", "c@d.test"), ("given_name", "")]
        let request = try ListRequest(query: query, of: UserResource.resource, limits: Limits())
        #expect(request.conditions.map(\.field) == ["given_name", "email"])
        #expect(request.conditions.map(\.values) == [[""], ["a@b.test", "c@d.test"]])
        #expect(issues([("api_key_name", "a"), ("api_key_name", "b")]) == ["api_key_name"])
    }

    @Test(
        "limits are whole numbers of any size",
        arguments: [
            ("0", 0), ("007", 7), ("1000", 1_000), ("9223372036854775807", Int.max), ("99999999999999999999", Int.max),
        ]
    )
    func limits(_ text: String, _ limit: Int) throws {
        #expect(try read([("limit", text)]).limit == limit)
    }

    @Test("each parameter at fault is named, all in one refusal")
    func faults() {
        for text in ["", "-1", "+1", " 1", "1.0", "1e3", "x", "١", "0x1"] {
            #expect(issues([("limit", text)]) == ["limit"], "\(text)")
        }
        #expect(issues([("limit", "1"), ("limit", "1")]) == ["limit"])
        #expect(issues([("starting_after", Self.id), ("ending_before", Self.id)]) == ["ending_before"])
        #expect(
            issues([("org_name", "\0"), ("ids", "x"), ("ending_before", "y"), ("starting_after", ""), ("limit", "z")])
                == ["limit", "starting_after", "ending_before", "ids", "org_name"]
        )
        #expect(
            issues([("created_before", "x"), ("org_id", "x"), ("created_after", "x")], variant: .ofOrganization)
                == ["org_id", "created_after", "created_before"]
        )
        let many = Array(repeating: ("ids", Self.id), count: Limits().repeatedQueryValues)
        #expect(issues(many) == [])
        #expect(issues(many + [("ids", Self.id)]) == ["ids"])
    }

    private func read(
        _ query: [(String, String)],
        variant: ListRequest.Variant = .own
    ) throws(Failure) -> ListRequest {
        try ListRequest(
            query: query.map { (name: $0.0, value: $0.1) },
            of: APIKeyResource.resource,
            variant: variant,
            limits: Limits()
        )
    }

    /// The names of the parameters at fault.
    private func issues(_ query: [(String, String)], variant: ListRequest.Variant = .own) -> [String] {
        do {
            _ = try read(query, variant: variant)
            return []
        } catch {
            return error.code == .invalidRequest ? error.issues.map { $0.path.joined() } : ["\(error)"]
        }
    }
}
