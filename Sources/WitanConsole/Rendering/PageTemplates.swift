import Mustache
import WitanCore

/// The pages' templates and assets, which the binary holds.
struct PageTemplates: Sendable {
    private let library: MustacheLibrary

    /// Parses all templates.
    ///
    /// - Throws: `.bug` for one that is none.
    init() throws(Failure) {
        PageContentType.register()
        var library = MustacheLibrary()
        for (name, bytes) in Self.sources {
            do {
                // A partial begins with the library's own way again, so that each template has to say it.
                try library.register(PageContentType.pragma + String(decoding: bytes, as: UTF8.self), named: name)
            } catch {
                throw .bug("The template \(name) cannot be read.", underlying: error)
            }
        }
        self.library = library
    }

    /// The page that a template makes of values; what people wrote in them is escaped.
    func render(_ name: String, _ frame: PageFrame, _ values: some Sendable) throws(Failure) -> String {
        guard let text = library.render(PageValues(frame: frame, values: values), withTemplate: name) else {
            throw .bug("There is no template \(name)")
        }
        return text
    }

    /// The names of all templates.
    static var names: [String] { sources.map(\.name) }
}

/// What a template is made of: what is around every page, and the page's own.
private struct PageValues<Values: Sendable>: Sendable {
    let frame: PageFrame
    let values: Values
}
