import WitanCore

extension Failure {
    /// For an address that no page has.
    static let noSuchPage = Failure(.notFound, "There is no such page.")

    /// For a form that another site has sent.
    static let foreignForm = Failure(.forbidden, "The form was sent by another site's page; nothing was done.")

    /// For a form without its token.
    static let noFormToken = Failure(
        .forbidden,
        "The form is too old, or was not made by this server; nothing was done. Load the page again and repeat it."
    )

    /// For a page that the person may not see.
    static func notOffered(_ title: String) -> Failure {
        Failure(.forbidden, "You may not see the page \(title) of this organization; its owners can let you.")
    }

    /// What the page of a failure is headed with.
    var heading: String {
        switch code {
        case .notFound: "Not found"
        case .forbidden: "Not allowed"
        case .unauthenticated: "Sign in again"
        case .rateLimited: "Too many tries"
        case .unavailable, .timedOut: "Not available now"
        case .bug: "Something went wrong"
        default: "That did not work"
        }
    }
}
