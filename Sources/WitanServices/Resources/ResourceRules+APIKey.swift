package import WitanAccess
package import WitanCore
import WitanResources
import WitanStorage

extension ResourceRules {
    /// An API key gets its secret when it is made, shows it once, and is forgotten by the cache when it is deleted.
    package static func apiKey(
        policy: MintingPolicy,
        peppers: Peppers,
        random: RandomSource,
        cache: CredentialCache<Identity>
    ) -> ResourceRules {
        ResourceRules(
            authorize: { operation, caller in
                guard operation == .create, policy == .people, caller.identity.authentication == .apiKey else { return }
                throw Failure(.forbidden, "API keys cannot create API keys")
            },
            prepare: { creation in
                var random = random
                let secret = Secret.generate(.apiKey, using: &random)
                guard let digest = peppers.digest(secret.digest, version: peppers.newest) else {
                    throw Failure.bug("The newest pepper is missing")
                }
                creation.record[APIKeyResource.previewName] = secret.preview
                creation.hidden = [
                    ("digest", .blob(digest.bytes)), ("pepper_version", .integer(Int64(peppers.newest))),
                ]
                creation.revealed = [(APIKeyResource.secretMember, secret.reveal())]
            },
            didCommit: { operation, record in
                guard operation == .delete, let id = record[APIKeyResource.id] else { return }
                cache.revoke(credentialID: id)
            }
        )
    }

    /// An organization's name is part of what the cache holds.
    package static func organization(cache: CredentialCache<Identity>) -> ResourceRules {
        ResourceRules(didCommit: { _, _ in cache.removeAll() })
    }
}
