import Logging
import WitanCore
import WitanHTTP
import WitanServices
import WitanTelemetry

/// Everything that the settings say; read before anything is opened or made, so that a wrong one leaves nothing behind.
struct ServerSettings: Sendable {
    let server: ServerConfiguration
    let failedAuthenticationLimit: RateLimit?
    let keyMinting: MintingPolicy
    let logFormat: LogFormat
    let logLevel: Logger.Level

    /// Reads them all.
    ///
    /// - Throws: an error with a sentence that names the first setting whose value cannot be used.
    init(_ values: SettingValues) throws {
        server = try ServerComposition.configuration(values)
        failedAuthenticationLimit = try values[Settings.failedAuthenticationRateLimit]
        keyMinting = try values[Settings.keyMinting]
        logFormat = try values[Settings.logFormat]
        logLevel = try values[Settings.logLevel]
    }
}
