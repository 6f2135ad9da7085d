package import WitanCore

extension Limits {
    /// The defaults, but that nothing that a busy machine may hold up is refused for its time.
    ///
    /// Many tests run beside each other on few cores. One that is about such a wait sets it itself.
    package static var unhurried: Limits {
        var limits = Limits()
        limits.transactionWaitDuration = .seconds(600)
        limits.groupDuration = .seconds(60)
        limits.statementDuration = .seconds(300)
        limits.idleTransactionDuration = .seconds(300)
        limits.databaseLockDuration = .seconds(120)
        limits.databaseConnectDuration = .seconds(120)
        limits.nodePollDuration = .seconds(60)
        return limits
    }
}
