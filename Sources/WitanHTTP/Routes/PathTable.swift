import WitanResources

/// Which methods a path has, for the answer to a wrong one (RFC 9110, 15.5.6).
///
/// Asked only when no route matched, so it may walk all templates.
struct PathTable: Sendable {
    private let templates: [(segments: [Substring], method: String)]

    init(_ endpoints: [Endpoint]) {
        templates = endpoints.map { ($0.path.split(separator: "/"), $0.method.rawValue.uppercased()) }
    }

    /// The methods of a path, as `Allow` has them; empty when there is no such path.
    ///
    /// As in the router, a literal path hides one with a parameter in its place.
    func methods(of path: String) -> [String] {
        let segments = path.split(separator: "/")
        let matching = templates.filter { Self.matches($0.segments, segments) }
        let fewest = matching.map { Self.parameters($0.segments) }.min()
        let methods = matching.filter { Self.parameters($0.segments) == fewest }.map(\.method)
        let implied = methods.contains("GET") ? ["HEAD"] : []
        return Set(methods + implied).sorted()
    }

    private static func parameters(_ template: [Substring]) -> Int {
        template.count { $0.hasPrefix("{") }
    }

    private static func matches(_ template: [Substring], _ path: [Substring]) -> Bool {
        template.count == path.count && zip(template, path).allSatisfy { $0 == $1 || $0.hasPrefix("{") }
    }
}
