extension FormFields {
    /// A text to look for or to filter by, no longer than any name; nil when nothing is left, or it holds U+0000.
    func sought(_ name: String) -> String? {
        guard let text = text(name), !text.unicodeScalars.contains("\0") else { return nil }
        return String(text.unicodeScalars.prefix(1_024))
    }
}
