import Foundation
import Logging
import ServiceLifecycle
import WitanCluster
import WitanCore
import WitanPostgres
import WitanServices
import WitanStorage
import WitanTelemetry

/// This server as one of several on its database, for as long as it runs.
struct NodeService: Service {
    let node: ClusterNode

    /// What hears of commits; nil behind a pooler without a way past it.
    private let listener: PostgresListener?

    /// nil for a server that has its database for itself.
    init?(_ installation: Installation, limits: Limits, logger: Logger) {
        guard case .postgres(_, let control, let location) = installation.engine else { return nil }
        let listener = location.direct.map { address in
            PostgresListener(address, channel: ClusterStore.channel, limits: limits, time: installation.time)
        }
        self.listener = listener
        node = ClusterNode(
            name: "\(ProcessInfo.processInfo.hostName), process \(ProcessInfo.processInfo.processIdentifier)",
            cluster: installation.services.cluster,
            control: control,
            follow: installation.services.accessControl.apply,
            signal: listener ?? ChangeTimer(),
            metrics: installation.metrics.cluster,
            ids: ObjectIDGenerator(time: installation.time, random: installation.random),
            time: installation.time,
            limits: limits,
            logger: logger
        )
    }

    /// Follows the changes of the others until the server stops.
    func run() async throws {
        await cancelWhenGracefulShutdown { await node.run() }
    }

    /// Says goodbye to the others, after `run`, however that ended.
    func leave() async {
        await node.leave()
        await listener?.close()
    }
}
