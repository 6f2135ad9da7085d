package import WitanServices

/// A request for a page, as far as pages look at it.
package struct PageRequest: Sendable {
    /// GET, or POST for a change.
    package enum Method: Sendable {
        /// A page is asked for; HEAD counts as this.
        case get
        /// A form was sent.
        case post
    }

    /// What is to be done.
    package let method: Method

    /// The path's segments, decoded.
    package let path: [String]

    /// The query's parameters.
    package let query: FormFields

    /// The fields of the form that was sent; none of a GET.
    package let form: FormFields

    /// The cookies by their names.
    package let cookies: [String: String]

    /// The host and port that the browser has asked (`Host`).
    package let authority: String

    /// The header `Origin`.
    package let originHeader: String?

    /// The header `Sec-Fetch-Site`.
    package let fetchSite: String?

    /// Where the request comes from, for the audit log.
    package let origin: RequestOrigin

    /// Takes all of it.
    package init(
        method: Method,
        path: [String],
        query: FormFields = FormFields(),
        form: FormFields = FormFields(),
        cookies: [String: String] = [:],
        authority: String,
        originHeader: String? = nil,
        fetchSite: String? = nil,
        origin: RequestOrigin
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.form = form
        self.cookies = cookies
        self.authority = authority
        self.originHeader = originHeader
        self.fetchSite = fetchSite
        self.origin = origin
    }
}
