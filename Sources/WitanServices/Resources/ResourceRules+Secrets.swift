package import WitanAccess
package import WitanCore
import WitanResources
import WitanStorage

extension ResourceRules {
    /// An API key gets its secret when it is made, shows it once, and is refused everywhere when it is deleted.
    package static func apiKey(policy: MintingPolicy, peppers: Peppers, random: RandomSource) -> ResourceRules {
        ResourceRules(
            authorize: { operation, caller in
                guard operation == .create else { return }
                let identity = caller.identity
                if identity.authentication == .serviceToken || (policy == .people && identity.authentication == .apiKey)
                    || identity.impersonator != nil
                {
                    // The hosted service's words in all of these cases, which clients may match on.
                    throw Failure(.forbidden, "API keys cannot create API keys")
                }
            },
            prepare: secret(.apiKey, preview: APIKeyResource.previewName, peppers: peppers, random: random),
            finish: { change, changes in
                if change.operation == .delete, let id = change.record.id { changes.revokedCredentials.append(id) }
            }
        )
    }

    /// A service token is made for a service account by an owner, and is otherwise as an API key.
    package static func serviceToken(
        policy: TokenMintingPolicy,
        peppers: Peppers,
        random: RandomSource
    ) -> ResourceRules {
        let accounts = AccountStore()
        return ResourceRules(
            authorize: { operation, caller in
                guard operation == .create || operation == .replace else { return }
                // The first token there is can only come from whoever runs the server.
                if policy == .serviceTokens, ![.serviceToken, .commandLine].contains(caller.identity.authentication) {
                    throw Failure(.forbidden, "Only a service token can create service tokens on this server.")
                }
                guard caller.identity.impersonator == nil else {
                    throw Failure(.forbidden, "Whoever acts as somebody else cannot create service tokens.")
                }
            },
            prepare: secret(.serviceToken, preview: ServiceTokenResource.previewName, peppers: peppers, random: random),
            check: { change in
                guard change.operation == .create || change.operation == .replace else { return }
                guard change.access.isOwner(of: change.organizationID) else {
                    throw Failure(.forbidden, "Only an owner of the organization can create its service tokens.")
                }
                let field = ServiceTokenResource.account
                let value = change.draft?.values.first { $0.field == field.spec }?.value
                guard case .text(let text)? = value, let id = ObjectID(text),
                    let account = try accounts.account(userID: id, on: change.connection),
                    account.serviceOrganizationID == change.organizationID
                else {
                    throw Failure(invalid: [
                        Failure.Issue(path: [field.spec.name], message: "must be the id of a service account")
                    ])
                }
            },
            finish: { change, changes in
                switch change.operation {
                case .delete:
                    if let id = change.record.id { changes.revokedCredentials.append(id) }
                case .replace:
                    // The id stays with the new secret, so that it must not be refused for good.
                    if let account = change.record[ServiceTokenResource.account] { changes.users.append(account) }
                default:
                    break
                }
            }
        )
    }

    /// Makes a secret, of which the row keeps a digest and a preview.
    private static func secret(
        _ kind: SecretKind,
        preview: Field<String>,
        peppers: Peppers,
        random: RandomSource
    ) -> @Sendable (inout Creation) throws -> Void {
        { creation in
            var random = random
            let secret = Secret.generate(kind, using: &random)
            guard let digest = peppers.digest(secret.digest, version: peppers.newest) else {
                throw Failure.bug("The newest pepper is missing")
            }
            creation.record[preview] = secret.preview
            creation.hidden = [
                ("digest", .blob(digest.bytes)), ("pepper_version", .integer(Int64(peppers.newest))),
            ]
            creation.revealed = [(APIKeyResource.secretMember, secret.reveal())]
        }
    }
}
