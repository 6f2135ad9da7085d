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
    func methods(of path: String) -> [String] {
        let segments = path.split(separator: "/")
        let methods = templates.filter { Self.matches($0.segments, segments) }.map(\.method)
        let implied = methods.contains("GET") ? ["HEAD"] : []
        return Set(methods + implied).sorted()
    }

    private static func matches(_ template: [Substring], _ path: [Substring]) -> Bool {
        template.count == path.count && zip(template, path).allSatisfy { $0 == $1 || $0.hasPrefix("{") }
    }
}
