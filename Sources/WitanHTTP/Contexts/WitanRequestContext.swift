package import Hummingbird
import NIOCore
import Synchronization
import WitanAccess
import WitanCore
import WitanTelemetry

/// What the server keeps about one request while it is answered.
package struct WitanRequestContext: RequestContext {
    package var coreContext: CoreRequestContextStorage

    /// What becomes known on the way, for the log line at the end.
    let record: RequestRecord

    /// The peer's address, or nil in a test without a network.
    let peer: SocketAddress?

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        record = RequestRecord()
        peer = source.channel.remoteAddress
    }
}

/// What becomes known of a request on its way inwards and is needed on the way out.
///
/// A reference, because a context is copied inwards.
final class RequestRecord: Sendable {
    struct State {
        var trace: TraceContext?
        var clientAddress = ""
        var caller: AccessLogLine.Caller?
        var failureCode: Failure.Code?
        var rateLimit: RateLimitDecision?
        var bytesIn = 0
        var route: BoundRoute?
    }

    private let state = Mutex(State())

    func set(_ change: (inout State) -> Void) {
        state.withLock { change(&$0) }
    }

    var current: State { state.withLock { $0 } }
}
