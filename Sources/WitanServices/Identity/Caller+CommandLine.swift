package import WitanCore
package import WitanStorage

extension Caller {
    /// Whoever runs a command on the server's data, acting for a person: everywhere, or in one organization alone.
    package static func commandLine(_ account: Account, in organizationID: ObjectID? = nil) -> Caller {
        Caller(
            identity: Identity(
                account: account,
                memberships: account.memberships.filter { organizationID ?? $0.organizationID == $0.organizationID },
                authentication: .commandLine
            ),
            origin: RequestOrigin()
        )
    }
}
