/// Every resource that the server serves; a new one is a file in `Resources/`, a line here and a migration.
package enum Catalog {
    /// The declarations, in the order of the API document.
    package static let all: [Resource] = [
        APIKeyResource.resource,
        OrganizationResource.resource,
        UserResource.resource,
        GroupResource.resource,
        RoleResource.resource,
        ACLResource.resource,
        ServiceTokenResource.resource,
        ProjectResource.resource,
        AuditLogResource.resource,
    ]
}
