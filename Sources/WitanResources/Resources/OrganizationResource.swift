package import WitanCore

/// An organization: the people, keys and objects that belong together.
package enum OrganizationResource {
    package static let id = Field.id("The organization's id")
    package static let name = Field.name("What people call the organization; no two share a name").required()
    package static let apiURL = Field.text("api_url", "The address of the data server, when it is not this one")
        .nullable()
    package static let isUniversalAPI = Field.flag("is_universal_api", "Whether one address serves every call")
        .nullable()
    package static let isDataplanePrivate =
        Field
        .flag("is_dataplane_private", "Whether the data server is closed to the public").nullable()
    package static let proxyURL = Field.text("proxy_url", "The address of the model proxy, when it is not this one")
        .nullable()
    package static let realtimeURL = Field.text("realtime_url", "The address of the realtime service").nullable()
    package static let created = Field.timestamp("created", "When the organization was made").nullable()
    package static let imageRenderingMode =
        Field
        .choice("image_rendering_mode", ["auto", "click_to_load", "blocked"], "How pages show images").nullable()

    /// The declaration.
    package static let resource = Resource(
        "organization",
        tag: "Organizations",
        schemaName: "Organization",
        table: "organizations",
        fields: [
            id.spec, name.spec, apiURL.spec, isUniversalAPI.spec, isDataplanePrivate.spec, proxyURL.spec,
            realtimeURL.spec, created.spec, imageRenderingMode.spec,
        ],
        objectType: .organization,
        operations: [.list: .permission(.read), .get: .permission(.read), .patch: .permission(.update)],
        scope: .organizations
    )
}
