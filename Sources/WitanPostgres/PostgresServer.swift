import Synchronization
import WitanCore

/// A server to connect to, or several of which one is used, and whether it could be reached the last time.
final class PostgresServer: Sendable {
    /// Where it is.
    let address: PostgresAddress

    private let isReplica: Bool
    private let preparesStatements: Bool
    private let limits: Limits
    private let time: TimeSource
    private let names: HostNames
    private let schedule = Mutex(ReconnectSchedule())

    /// The moment at which a connection was last found to be lost, after which others may be so too.
    private let lossAt = Atomic(Int64.min)

    init(
        _ address: PostgresAddress,
        isReplica: Bool = false,
        preparesStatements: Bool,
        limits: Limits,
        time: TimeSource,
        resolver: @escaping HostNames.Resolver = HostNames.system
    ) {
        self.address = address
        self.isReplica = isReplica
        self.preparesStatements = preparesStatements
        self.limits = limits
        self.time = time
        names = HostNames(time, resolver: resolver)
    }

    /// A new connection.
    ///
    /// - Throws: `.unavailable`, at once when a try has failed a moment ago or somebody else is at one.
    func connect() throws(Failure) -> PostgresLink {
        let attempt = try schedule.withLock { schedule throws(Failure) in try schedule.begin(at: time.monotonic()) }
        do {
            let link = try open()
            schedule.withLock { $0.succeeded() }
            return link
        } catch {
            let failure = Failure.noConnection(to: address, error)
            var random = RandomSource.system
            schedule.withLock { $0.failed(attempt, failure, at: time.monotonic(), using: &random) }
            throw failure
        }
    }

    private func open() throws(PostgresError) -> PostgresLink {
        try first(of: address.servers(isReplica: isReplica)) { server throws(PostgresError) in
            let deadline = time.monotonic() + limits.databaseConnectDuration.nanoseconds
            return try first(of: names.places(of: server, until: deadline)) { place throws(PostgresError) in
                try PostgresLink(place, preparesStatements: preparesStatements, limits: limits, time: time)
            }
        }
    }

    /// A connection to the first place to which there is one.
    private func first(
        of places: [[String: String]],
        _ connect: ([String: String]) throws(PostgresError) -> PostgresLink
    ) throws(PostgresError) -> PostgresLink {
        var reason: PostgresError?
        for place in places {
            do throws(PostgresError) {
                return try connect(place)
            } catch {
                // The most telling reason counts: one machine may be gone while another refuses the password.
                if reason?.endsConnection ?? true { reason = error }
            }
        }
        throw reason ?? .connectionLost
    }

    /// Whether a connection can be used that nobody has used for a while.
    func isUsable(_ link: PostgresLink) -> Bool {
        link.checkWhetherOpen()
        if link.heardAt < lossAt.load(ordering: .relaxed) { link.checkWhetherHeard() }
        if link.isBroken { noteLoss() }
        return !link.isBroken && time.monotonic() - link.openedAt <= limits.databaseConnectionDuration.nanoseconds
    }

    /// Remembers that a connection was lost, so that the others are asked whether they are still there before their use.
    func noteLoss() {
        lossAt.store(time.monotonic(), ordering: .relaxed)
    }
}
