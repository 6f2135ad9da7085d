extension PageTemplates {
    /// Each template's name and text.
    static let sources: [(name: String, bytes: [UInt8])] = [
        ("layout", PackageResources.layout_mustache),
        ("plain", PackageResources.plain_mustache),
        ("messages", PackageResources.messages_mustache),
        ("headings", PackageResources.headings_mustache),
        ("paging", PackageResources.paging_mustache),
        ("reveal", PackageResources.reveal_mustache),
        ("sign-in", PackageResources.sign_in_mustache),
        ("sign-in-link", PackageResources.sign_in_link_mustache),
        ("sign-out", PackageResources.sign_out_mustache),
        ("failure", PackageResources.failure_mustache),
        ("api-keys", PackageResources.api_keys_mustache),
        ("members", PackageResources.members_mustache),
        ("service-tokens", PackageResources.service_tokens_mustache),
        ("group-views", PackageResources.group_views_mustache),
        ("groups", PackageResources.groups_mustache),
        ("roles", PackageResources.roles_mustache),
        ("access", PackageResources.access_mustache),
        ("audit-log", PackageResources.audit_log_mustache),
        ("general", PackageResources.general_mustache),
        ("account", PackageResources.account_mustache),
    ]
}
