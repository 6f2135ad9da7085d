/// What people call a browser, by what it says of itself in `User-Agent` (RFC 9110, 10.1.5): "Safari on iPhone".
enum BrowserName {
    /// The name; nil for what is no browser that is known, whose own words then tell more.
    static func name(of agent: String) -> String? {
        guard let product = products.first(where: { agent.contains($0.token) }) else { return nil }
        guard let system = systems.first(where: { agent.contains($0.token) }) else { return product.name }
        return "\(product.name) on \(system.name)"
    }

    // Most browsers also name those that they descend from, so that the younger ones stand first.
    private static let products: [(token: String, name: String)] = [
        ("Edg/", "Edge"), ("EdgA/", "Edge"), ("EdgiOS/", "Edge"), ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
    ]

    private static let systems: [(token: String, name: String)] = [
        ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
        ("Macintosh", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
    ]
}
