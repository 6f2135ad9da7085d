package import WitanCore
package import WitanJSON

/// What `POST /v1/acl/batch_update` is asked to do: grants to give and to take, each as the body of its own call.
package struct ACLBatch: Sendable {
    /// Grants to give.
    package let additions: [JSONValue]

    /// Grants to take.
    package let removals: [JSONValue]

    private static let members: [FieldSpec] = {
        let grant = ACLResource.resource.fields.filter { !$0.isReadOnly }
        let limit = Limits().batchItems
        return [
            Field.structures("add_acls", grant, "Grants to give").limited(to: limit).nullable().spec,
            Field.structures("remove_acls", grant, "Grants to take").limited(to: limit).nullable().spec,
        ]
    }()

    /// The JSON Schema of the body.
    package static let schema = FieldSpec(name: "body", kind: .structure(members), summary: "What to give and to take")
        .schema

    /// Reads a body.
    ///
    /// - Throws: `.invalidRequest` that names each member at fault and what was expected there.
    package init(body: JSONValue) throws(Failure) {
        let body = try JSONObject(body: body, members: Self.members)
        additions = body["add_acls"]?.array ?? []
        removals = body["remove_acls"]?.array ?? []
    }
}
