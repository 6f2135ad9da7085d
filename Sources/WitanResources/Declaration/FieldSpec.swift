/// One member of a resource, without its Swift type: what the engine reads.
package struct FieldSpec: Sendable, Hashable {
    /// What a field holds, in JSON and in the database.
    package enum Kind: Sendable, Hashable {
        /// The object's own UUID.
        case id
        /// The UUID of an object of the named resource.
        case reference(String)
        /// A text of at most so many characters.
        case text(maximumCharacters: Int)
        /// True or false.
        case flag
        /// A moment; RFC 3339 in JSON.
        case timestamp
        /// One of the texts.
        case choice([String])
        /// An object of any shape; PATCH merges into it.
        case object
    }

    /// Where a field's value is kept.
    package enum Source: Sendable, Hashable {
        /// In the resource's table, under the field's own name.
        case column
        /// In a column of the row that a reference of this resource names.
        case joined(reference: String, column: String)
    }

    /// The member's name in JSON, and the column's.
    package let name: String

    /// What it holds.
    package let kind: Kind

    /// One sentence for the API document.
    package let summary: String

    /// Whether a create must give it.
    package var isRequired = false

    /// Whether it may be null.
    package var isNullable = false

    /// Whether only the server sets it.
    package var isReadOnly = false

    /// Where its value is kept.
    package var source = Source.column
}
