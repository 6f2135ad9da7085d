import Logging
import ServiceLifecycle
import WitanServices
import WitanStorage

/// Writes when credentials were last used, now and then and when the server has stopped.
struct LastUseFlusher: Service {
    let lastUses: LastUses
    let database: any SQLDatabase
    let interval: Duration
    let logger: Logger

    /// Writes again and again, until the server stops.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            // A sleep fails only when it is cancelled, which ends the work.
            while (try? await Task.sleep(for: interval)) != nil { await flush() }
        }
    }

    /// Writes what is left; to be called when nothing is used any more.
    func finish() async { await flush(within: .seconds(2)) }

    private func flush(within duration: Duration = .seconds(60)) async {
        do {
            try await lastUses.flush(to: database, within: duration)
        } catch is CancellationError {
            // What was not written is written by `finish`, or used again.
            return
        } catch {
            logger.warning("When keys were last used cannot be written now.", error: error)
        }
    }
}
