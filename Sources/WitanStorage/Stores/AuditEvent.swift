package import WitanCore
package import WitanJSON

/// What happened, who did it, to what, when and from where.
package struct AuditEvent: Sendable, Hashable {
    /// Whether it was done or refused.
    package enum Outcome: String, Sendable {
        case success
        case denied
    }

    /// The event's own id.
    package let id: ObjectID

    /// When it happened.
    package let created: Timestamp

    /// The noun and the deed: `api_key.created`.
    package let type: String

    /// Whether it was done or refused.
    package let outcome: Outcome

    /// The organization that it happened in; nil when it belongs to none.
    package let organizationID: ObjectID?

    /// The person who really did it, whomever they acted as; nil for a command on the data.
    package let actorID: ObjectID?

    /// That person's e-mail address at the time.
    package let actorEmail: String?

    /// How the actor was authenticated: `api_key`, `service_token`, `token`, `session` or `command_line`.
    package let authentication: String

    /// The id of the key or service token that was used.
    package let credentialID: ObjectID?

    /// The noun of what it was done to: `api_key`.
    package let objectType: String

    /// The id of what it was done to; nil when nothing came of it.
    package let objectID: ObjectID?

    /// The name of what it was done to, at the time.
    package let objectName: String?

    /// The client's address, as the trusted proxies tell it.
    package let clientAddress: String?

    /// The header `User-Agent` of the request.
    package let userAgent: String?

    /// The request's trace id, which its log line and its answer carry too.
    package let traceID: String?

    /// The person whom the actor acted as; nil when they acted as themselves.
    package let impersonatedID: ObjectID?

    /// That person's e-mail address at the time.
    package let impersonatedEmail: String?

    /// How many equal events this one stands for: itself, and those before it that were only counted.
    package var occurrences: Int

    /// What was changed; never a secret.
    package let details: JSONObject?

    /// Describes an event.
    package init(
        id: ObjectID,
        created: Timestamp,
        type: String,
        outcome: Outcome,
        organizationID: ObjectID?,
        actorID: ObjectID?,
        actorEmail: String?,
        authentication: String,
        credentialID: ObjectID?,
        objectType: String,
        objectID: ObjectID?,
        objectName: String?,
        clientAddress: String?,
        userAgent: String?,
        traceID: String?,
        impersonatedID: ObjectID? = nil,
        impersonatedEmail: String? = nil,
        occurrences: Int = 1,
        details: JSONObject? = nil
    ) {
        self.id = id
        self.created = created
        self.type = type
        self.outcome = outcome
        self.organizationID = organizationID
        self.actorID = actorID
        self.actorEmail = actorEmail
        self.authentication = authentication
        self.credentialID = credentialID
        self.objectType = objectType
        self.objectID = objectID
        self.objectName = objectName
        self.clientAddress = clientAddress
        self.userAgent = userAgent
        self.traceID = traceID
        self.impersonatedID = impersonatedID
        self.impersonatedEmail = impersonatedEmail
        self.occurrences = occurrences
        self.details = details
    }
}

// MARK: - Columns

extension AuditEvent {
    /// The columns that every version of the log has.
    static let originalColumns = [
        "id", "created", "event_type", "outcome", "org_id", "actor_id", "actor_email", "authentication",
        "credential_id", "object_type", "object_id", "object_name", "client_address", "user_agent", "trace_id",
    ]

    /// The columns that came later; null in the rows from before.
    static let laterColumns = ["impersonated_id", "impersonated_email", "occurrences", "details"]

    /// All columns, as a list for SQL.
    static let columnList = SQLQuery(text: (originalColumns + laterColumns).joined(separator: ", "), arguments: [])

    /// The values of all columns, in the order of the list.
    var columns: [SQLValue] {
        func text(_ value: String?) -> SQLValue { value.map(SQLValue.text) ?? .null }
        return [
            .text(id.description), .integer(created.microseconds), .text(type), .text(outcome.rawValue),
            text(organizationID?.description), text(actorID?.description), text(actorEmail), .text(authentication),
            text(credentialID?.description), .text(objectType), text(objectID?.description), text(objectName),
            text(clientAddress), text(userAgent), text(traceID),
            text(impersonatedID?.description), text(impersonatedEmail),
            occurrences == 1 ? .null : .integer(Int64(occurrences)),
            text(details.map { JSONWriter.string(of: .object($0)) }),
        ]
    }
}
