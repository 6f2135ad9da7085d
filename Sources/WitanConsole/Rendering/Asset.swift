import WitanAccess

/// A file that pages refer to; its address changes with its content, so that browsers may keep it for good.
struct Asset: Sendable {
    let name: String
    let mediaType: String
    let bytes: [UInt8]
    let address: String

    private init(_ name: String, _ mediaType: String, _ bytes: [UInt8]) {
        self.name = name
        self.mediaType = mediaType
        self.bytes = bytes
        let digest = CredentialDigest(of: String(decoding: bytes, as: UTF8.self)).hexadecimal.prefix(16)
        address = "/assets/\(name)?v=\(digest)"
    }

    /// The stylesheet.
    static let style = Asset("witan.css", "text/css; charset=utf-8", PackageResources.witan_css)

    /// The script.
    static let script = Asset("witan.js", "text/javascript; charset=utf-8", PackageResources.witan_js)

    /// All of them.
    static let all = [style, script]
}
