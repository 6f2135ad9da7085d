/// Which credentials may make API keys (design: key service, section 4).
package enum MintingPolicy: String, Sendable, CaseIterable {
    /// Whoever has a credential: the contract of `POST /v1/api_key` as it was published.
    case allow
    /// People alone: the hosted service's present rule, by which an API key makes no keys.
    case people
}
