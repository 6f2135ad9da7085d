/// Which credentials may make API keys (design: key service, section 4).
package enum MintingPolicy: String, Sendable, CaseIterable {
    /// Whoever has a credential of a person: the contract of `POST /v1/api_key` as it was published.
    case allow
    /// People alone: the hosted service's present rule, by which an API key makes no keys.
    case people
}

/// Which credentials of an organization's owners may make the tokens of its service accounts.
package enum TokenMintingPolicy: String, Sendable, CaseIterable {
    /// All of them: an owner can do in a script what they can do by hand.
    case owners
    /// Service tokens alone: the hosted service's present rule.
    case serviceTokens = "service-tokens"
}
