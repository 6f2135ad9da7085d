package import WitanAccess
package import WitanCore

/// Where the server's secrets are: a text given by the operator, or a file.
package enum SecretsStore: Sendable {
    /// The text itself, from the environment.
    case text(String)
    /// A file of mode 0600.
    case file(PrivateFile)

    /// The file in a data folder, or at a path of the operator's choice.
    package static func file(path: String) -> SecretsStore {
        .file(PrivateFile(path: path, what: "The secrets file"))
    }

    /// The secrets.
    ///
    /// They are made when there are none and `mayCreate` says that nothing depends on them yet.
    ///
    /// - Throws: `.invalidRequest` for secrets that cannot be read or used, or are missing beside a database that needs
    ///   them (design: key service, section 3).
    package func load(mayCreate: Bool, random: RandomSource) throws(Failure) -> ServerSecrets {
        switch self {
        case .text(let text):
            return try ServerSecrets.parse(text)
        case .file(let file):
            if let text = try file.read() { return try ServerSecrets.parse(text) }
            guard mayCreate else {
                throw Failure(
                    .invalidRequest,
                    """
                    The secrets file \(file.path) is missing, and without it no key of this database can be checked: \
                    restore it from a backup, or name the right one with --secrets.
                    """
                )
            }
            return try make(file, random: random)
        }
    }

    /// Makes the secrets, unless another process that starts at the same time is quicker; then its are everybody's.
    private func make(_ file: PrivateFile, random: RandomSource) throws(Failure) -> ServerSecrets {
        var random = random
        let secrets = try ServerSecrets.generate(using: &random)
        do {
            try file.write(secrets.serialized(), replacing: false)
            return secrets
        } catch  where error.code == .conflict {
            guard let text = try file.read() else { throw error }
            return try ServerSecrets.parse(text)
        }
    }

    /// Whether there are secrets, however good.
    package var isPresent: Bool {
        get throws(Failure) {
            switch self {
            case .text: true
            case .file(let file): try file.read() != nil
            }
        }
    }

    /// Replaces the secrets.
    ///
    /// - Throws: `.invalidRequest` when they are not in a file.
    package func save(_ secrets: ServerSecrets) throws(Failure) {
        guard case .file(let file) = self else {
            throw Failure(
                .invalidRequest,
                "The secrets come from WITAN_SECRETS_TEXT, which this command cannot change; put them in a file first."
            )
        }
        try file.write(secrets.serialized(), replacing: true)
    }
}
