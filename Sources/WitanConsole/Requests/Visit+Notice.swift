import WitanServices

// What a change has done is told by the page that comes after it, and once: a cookie brings it there and is gone then. In
// the address it would be told again whenever the page is loaded again, though nothing was done.
extension Visit {
    /// Sends the browser to a page's address, where the page tells once what was done.
    ///
    /// The word is one that the page knows, of characters that need no quoting in a cookie (RFC 6265, 4.1.1).
    func seeOther(_ address: String, _ place: SettingsPlace, telling word: String) -> PageOutcome {
        var response = PageResponse.seeOther(address)
        response.headers.append(cookies.set(cookies.notice, Self.prefix(place) + word, seconds: 60))
        return .response(response)
    }

    /// The word of what the change before this visit has done; nil when this is no visit after one of the page's.
    func told(of place: SettingsPlace) -> String? {
        guard request.method == .get, let notice = request.cookies[cookies.notice],
            notice.hasPrefix(Self.prefix(place))
        else { return nil }
        return String(notice.dropFirst(Self.prefix(place).count))
    }

    private static func prefix(_ place: SettingsPlace) -> String { place.slug + "." }
}
