import WitanTesting

extension TestServer.Answer {
    /// The ids of the rows of a page's table.
    var rowIDs: [String] { text.split(separator: "<tr data-id=\"").dropFirst().map { String($0.prefix(36)) } }

    /// The query that a paging link of a page leads to.
    func pageLink(_ relation: String) -> String? {
        let rest = text.split(separator: "rel=\"\(relation)\" href=\"", maxSplits: 1).dropFirst().first
        return rest.map { String($0.prefix { $0 != "\"" }).replacing("&amp;", with: "&") }
    }

    /// Whether a page holds what only a hostile name could have put there.
    var isTainted: Bool { ["<script>alert", "<img", "<<", "\"\"\""].contains { text.contains($0) } }

    /// Whether a page is as short as every page must be.
    var isShort: Bool { bytes.count < 60 << 10 }

    /// The address of the first link of a page that begins like this.
    func link(to beginning: String) -> String? {
        text.split(separator: " href=\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
            .first { $0.hasPrefix(beginning) }?
            .replacing("&amp;", with: "&")
    }

    /// The token of a page's first form; empty when it has none.
    var formToken: String {
        let rest = text.split(separator: #"name="form_token" value=""#, maxSplits: 1).dropFirst().first
        return rest.map { String($0.prefix { $0 != "\"" }) } ?? ""
    }

    /// The secret that a page shows this once; empty when it shows none.
    var revealedSecret: String {
        let rest = text.split(separator: #"<code id="secret">"#, maxSplits: 1).dropFirst().first
        return rest.map { String($0.prefix { $0 != "<" }) } ?? ""
    }
}

/// Names that people should not have.
let hostileNames = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "\u{202E}gnp.exe", "{{frame.formToken}}",
    String(repeating: "&\"<", count: 341),
]
