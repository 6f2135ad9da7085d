extension String {
    /// The beginning of a long text for a table, which no name may blow up.
    func clipped(to characters: Int) -> String {
        guard
            let end = unicodeScalars.index(
                unicodeScalars.startIndex,
                offsetBy: characters,
                limitedBy: unicodeScalars.endIndex
            ),
            end != unicodeScalars.endIndex
        else { return self }
        return String(unicodeScalars[..<end]) + "…"
    }
}
