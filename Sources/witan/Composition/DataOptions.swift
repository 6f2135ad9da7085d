import ArgumentParser
import Foundation
import WitanAccess
import WitanCore
import WitanServices

/// Where the server's data is; every command that works on it takes these.
struct DataOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The folder of the database and the secrets. [WITAN_DATA]", valueName: "folder"))
    var data: String?

    @Option(
        help: ArgumentHelp(
            "The secrets, when they are not in the data folder. [WITAN_SECRETS; or the text itself in WITAN_SECRETS_TEXT]",
            valueName: "file"
        )
    )
    var secrets: String?

    private static var environment: [String: String] { ProcessInfo.processInfo.environment }

    /// The data folder.
    var folder: String { data ?? Self.environment["WITAN_DATA"] ?? "./witan-data" }

    /// The secrets.
    var secretsStore: SecretsStore {
        if secrets == nil, let text = Self.environment["WITAN_SECRETS_TEXT"] { return .text(text) }
        return .file(path: secrets ?? Self.environment["WITAN_SECRETS"] ?? "\(folder)/secrets")
    }
}
