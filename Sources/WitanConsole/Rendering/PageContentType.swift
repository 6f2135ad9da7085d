import Mustache

/// Escapes what people wrote, byte by byte.
///
/// The library's own way goes by characters as Swift has them: a quotation mark and a combining accent are one
/// character, which is not the quotation mark that it looks for.
struct PageContentType: MustacheContentType {
    /// What templates begin with to be escaped so.
    static let pragma = "{{% CONTENT_TYPE: PAGE}}"

    /// Makes the library know it; it keeps one for each name.
    static func register() { MustacheContentTypes.register(PageContentType(), named: "PAGE") }

    func escapeText(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "<"): bytes += "&lt;".utf8
            case UInt8(ascii: ">"): bytes += "&gt;".utf8
            case UInt8(ascii: "&"): bytes += "&amp;".utf8
            case UInt8(ascii: "\""): bytes += "&quot;".utf8
            case UInt8(ascii: "'"): bytes += "&#39;".utf8
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
