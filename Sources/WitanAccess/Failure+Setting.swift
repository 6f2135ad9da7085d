import WitanCore

extension Failure {
    /// A setting, or a place in a document that the operator gives, and what is expected there: one sentence.
    static func invalidSetting(_ place: String, _ expectation: String) -> Failure {
        Failure(.invalidRequest, "\(place) \(expectation).")
    }
}
