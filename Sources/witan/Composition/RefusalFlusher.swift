import Logging
import ServiceLifecycle
import WitanCore
import WitanServices
import WitanStorage

/// Writes the counts of refusals into the audit log, as windows end and when the server has stopped.
struct RefusalFlusher: Service {
    let audit: AuditLog
    let database: any SQLDatabase
    let interval: Duration
    let logger: Logger

    /// Writes what is due again and again, until the server stops.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            // A sleep fails only when it is cancelled, which ends the work.
            while (try? await Task.sleep(for: interval)) != nil {
                do {
                    try await audit.flushRefusals(in: database)
                } catch {
                    logger.warning("The counts of refusals cannot be written now; they are kept.", error: error)
                }
            }
        }
    }

    /// Writes all that is left; to be called when nothing can be refused any more.
    func finish() async {
        do {
            try await audit.flushRefusals(in: database, endingAllWindows: true)
        } catch {
            logger.error(
                "The last counts of refusals could not be written and are lost.",
                metadata: ["error": "\(error)"]
            )
        }
    }
}
