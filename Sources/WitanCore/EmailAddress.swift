/// What counts as the e-mail address of a person.
package enum EmailAddress {
    /// Whether a text can be one: an `@` with something before and after it, nothing that cannot be seen, at most 254
    /// characters.
    ///
    /// Whether mail arrives there, only sending some can tell (RFC 5321, 4.5.3.1.3, bounds the length).
    package static func isPlausible(_ text: String) -> Bool {
        // As scalars: an `@` with an accent is one character, which is no `@`, and so are any number of accents.
        let scalars = text.unicodeScalars
        let parts = scalars.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && scalars.count <= maximumCharacters
            && !scalars.contains { scalar in
                scalar.properties.isWhitespace || [.control, .format].contains(scalar.properties.generalCategory)
            }
    }

    /// The longest address, in characters.
    package static let maximumCharacters = 254
}
