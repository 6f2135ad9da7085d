package import WitanAccess
package import WitanCluster
package import WitanCore
package import WitanResources
package import WitanStorage

/// Every service over one database, put together.
package struct Services: Sendable {
    /// What a server decides about its services.
    package struct Configuration: Sendable {
        /// The resources to serve.
        package var resources = Catalog.all

        /// Who may make API keys.
        package var minting = MintingPolicy.allow

        /// Who may make service tokens.
        package var tokenMinting = TokenMintingPolicy.owners

        /// Sends the mail to invited people; nil when no mail server is set.
        package var invite: InvitationSender?

        /// Bounds on numbers and sizes.
        package var limits = Limits()

        /// The defaults.
        package init() {}
    }

    /// The verified credentials.
    package let credentials: CredentialCache<Identity>

    /// The other servers on the database.
    package let cluster: Cluster

    /// What answers who may do what.
    package let accessControl: AccessControl

    /// What lets an owner act as somebody else.
    package let impersonation: Impersonation

    /// A service for each resource.
    package let resources: [ResourceService]

    /// What adds and removes the members of organizations.
    package let members: MemberService

    /// What makes organizations and people for the commands.
    package let accounts: AccountService

    /// The audit log.
    package let audit: AuditLog

    /// Puts the services together.
    package init(
        _ configuration: Configuration = Configuration(),
        database: any SQLDatabase,
        cluster: Cluster,
        secrets: ServerSecrets,
        time: TimeSource,
        random: RandomSource
    ) {
        let ids = ObjectIDGenerator(time: time, random: random)
        let limits = configuration.limits
        audit = AuditLog(key: secrets.auditKey, ids: ids, time: time, limits: limits)
        credentials = CredentialCache(capacity: limits.cachedCredentials)
        self.cluster = cluster
        accessControl = AccessControl(
            database: database,
            credentials: credentials,
            cluster: cluster,
            time: time,
            limits: limits
        )
        impersonation = Impersonation(database: database, accessControl: accessControl, audit: audit)
        let rules: [String: ResourceRules] = [
            APIKeyResource.resource.name: .apiKey(
                policy: configuration.minting,
                peppers: secrets.peppers,
                random: random
            ),
            ServiceTokenResource.resource.name: .serviceToken(
                policy: configuration.tokenMinting,
                peppers: secrets.peppers,
                random: random
            ),
            OrganizationResource.resource.name: .organization,
            ProjectResource.resource.name: .project,
            GroupResource.resource.name: .group,
            RoleResource.resource.name: .role,
            ACLResource.resource.name: .acl,
        ]
        resources = configuration.resources.map { [audit, accessControl] resource in
            ResourceService(
                resource,
                rules: rules[resource.name] ?? ResourceRules(),
                database: database,
                accessControl: accessControl,
                audit: audit,
                ids: ids,
                time: time,
                limits: limits
            )
        }
        members = MemberService(
            database: database,
            accessControl: accessControl,
            tokens: Self.service(ServiceTokenResource.resource, among: resources),
            audit: audit,
            invite: configuration.invite,
            ids: ids,
            time: time
        )
        accounts = AccountService(
            database: database,
            keys: Self.service(APIKeyResource.resource, among: resources),
            members: members,
            accessControl: accessControl,
            audit: audit,
            ids: ids,
            time: time
        )
    }

    /// The service of a resource.
    package subscript(resource: Resource) -> ResourceService { Self.service(resource, among: resources) }

    private static func service(_ resource: Resource, among services: [ResourceService]) -> ResourceService {
        guard let service = services.first(where: { $0.resource.name == resource.name }) else {
            preconditionFailure("There is no service of \(resource.name)s")
        }
        return service
    }
}
