package import WitanCore

/// A row of the audit log: what was done or refused, by whom, to what, when and from where.
package enum AuditLogResource {
    package static let id = Field.id("The row's id")
    package static let created = Field.timestamp("created", "When it happened")
    package static let organization = Field.reference("org_id", to: "organization", "The organization it happened in")
        .nullable().readOnly()
    package static let eventType = Field.text("event_type", "The noun and the deed, such as `api_key.created`")
        .readOnly()
    package static let outcome = Field.choice("outcome", ["success", "denied"], "Whether it was done or refused")
        .readOnly()
    package static let occurrences = Field<Int64>
        .count(
            "occurrences",
            "How many equal events the row stands for; null for one"
        )
    package static let actor = Field.reference("actor_id", to: "user", "Who did it; null for a command on the data")
        .nullable().readOnly()
    package static let actorEmail = Field.text("actor_email", "Their address at the time").nullable().readOnly()
    package static let impersonated =
        Field.reference("impersonated_id", to: "user", "As whom they did it, if as another")
        .nullable().readOnly()
    package static let impersonatedEmail = Field.text("impersonated_email", "That person's address at the time")
        .nullable().readOnly()
    package static let authentication =
        Field.text(
            "authentication",
            "How the actor was authenticated: `api_key`, `service_token`, `token`, `session`, `browser`, `none` or `command_line`"
        )
        .readOnly()
    package static let credential = Field<ObjectID>.any("credential_id", "The key or token that was used").nullable()
        .readOnly()
    package static let objectType = Field.text("object_type", "The noun of what it was done to").readOnly()
    package static let objectID = Field<ObjectID>.any("object_id", "What it was done to").nullable().readOnly()
    package static let objectName = Field.text("object_name", "Its name at the time").nullable().readOnly()
    package static let details = Field.object("details", "What was changed").nullable().readOnly()
    package static let clientAddress = Field.text("client_address", "The client's address").nullable().readOnly()
    package static let userAgent = Field.text("user_agent", "The request's header `User-Agent`").nullable().readOnly()
    package static let trace = Field.text("trace_id", "The trace id of the request and of its answer").nullable()
        .readOnly()

    /// The declaration.
    package static let resource = Resource(
        "audit_log",
        tag: "AuditLogs",
        schemaName: "AuditLog",
        table: "audit_events",
        fields: [
            id.spec, created.spec, organization.spec, eventType.spec, outcome.spec, occurrences.spec, actor.spec,
            actorEmail.spec, impersonated.spec, impersonatedEmail.spec, authentication.spec, credential.spec,
            objectType.spec, objectID.spec, objectName.spec, details.spec, clientAddress.spec, userAgent.spec,
            trace.spec,
        ],
        objectType: .orgAuditLogs,
        operations: [:],
        scope: .organization("org_id"),
        filters: [
            .equals("actor_id", actor, isRepeatable: true), .equals("event_type", eventType, isRepeatable: true),
            .equals("object_type", objectType), .equals("object_id", objectID), .equals("outcome", outcome),
        ],
        organizationList: Resource.OrganizationList("/v1/organization/audit_logs", .read, on: .orgAuditLogs),
        listsMayBeStale: true
    )
}
