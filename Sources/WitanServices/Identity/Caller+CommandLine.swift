package import WitanStorage

extension Caller {
    /// Whoever runs a command on the server's data, acting for a person.
    package static func commandLine(_ account: Account) -> Caller {
        Caller(
            identity: Identity(
                account: account,
                memberships: account.memberships,
                authentication: .commandLine
            ),
            origin: RequestOrigin()
        )
    }
}
