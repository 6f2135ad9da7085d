import Logging
import WitanCore
import WitanHTTP
import WitanServices
import WitanTelemetry

/// Everything that the settings say; read before anything is opened or made, so that a wrong one leaves nothing behind.
struct ServerSettings: Sendable {
    let server: ServerConfiguration
    let failedAuthenticationLimit: RateLimit?
    let services: Services.Configuration
    let logFormat: LogFormat
    let logLevel: Logger.Level

    /// Reads them all.
    ///
    /// - Throws: an error with a sentence that names the first setting whose value cannot be used.
    init(_ values: SettingValues) throws {
        server = try ServerComposition.configuration(values)
        failedAuthenticationLimit = try values[Settings.failedAuthenticationRateLimit]
        var services = Services.Configuration()
        services.minting = try values[Settings.keyMinting]
        services.tokenMinting = try values[Settings.tokenMinting]
        services.limits = server.limits
        if let mail = try ServerComposition.invitationMail(values, server) { services.invite = mail.send }
        self.services = services
        logFormat = try values[Settings.logFormat]
        logLevel = try values[Settings.logLevel]
    }
}
