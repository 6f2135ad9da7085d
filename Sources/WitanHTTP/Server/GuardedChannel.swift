import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import WitanCore
import WitanTelemetry

/// Sets up a client's connection as another channel does, with a `ConnectionGuardHandler`.
struct GuardedChannel<Base: ServerChildChannel>: ServerChildChannel {
    /// What speaks HTTP, and TLS if the server does.
    let base: Base
    let limits: Limits
    let connections: Gauge
    let isSecure: Bool

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        base.setup(channel: channel, logger: logger)
            .flatMapThrowing { value in
                let pipeline = channel.pipeline.syncOperations
                try pipeline.addHandler(
                    ConnectionGuardHandler(limits: limits, connections: connections, isSecure: isSecure),
                    position: isSecure ? .after(pipeline.handler(type: NIOSSLServerHandler.self)) : .first
                )
                return value
            }
    }

    func handle(value: Base.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}
