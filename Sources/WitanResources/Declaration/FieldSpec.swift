import WitanCore

/// One member of a resource, without its Swift type: what the engine reads.
package struct FieldSpec: Sendable, Hashable {
    /// What a field holds, in JSON and in the database.
    package indirect enum Kind: Sendable, Hashable {
        /// A UUID: the object's own, or one that no declared resource has.
        case id
        /// The UUID of an object of the named resource.
        case reference(String)
        /// A text of at most so many characters.
        case text(maximumCharacters: Int)
        /// The e-mail address of a person.
        case email
        /// True or false.
        case flag
        /// A whole number.
        case count
        /// A moment; RFC 3339 in JSON.
        case timestamp
        /// One of the texts.
        case choice([String])
        /// An object of any shape; PATCH merges into it.
        case object
        /// An object of these members and no others; PATCH merges into it.
        case structure([FieldSpec])
        /// A list of values of one kind.
        case list(Kind)
    }

    /// Where a field's value is kept.
    package enum Source: Sendable, Hashable {
        /// In the resource's table, under the field's own name.
        case column
        /// In a column of the row that a reference of this resource names.
        case joined(reference: String, column: String)
        /// In rows of another table, one for each item of a list; `owner` names the column that refers to this row.
        ///
        /// An id stands in the column `item`; the members of a structure stand in columns of their names.
        case rows(table: String, owner: String, item: String)
    }

    /// In which answers of the API a field stands.
    package enum Presence: Sendable, Hashable {
        /// In every one.
        case always
        /// In those where it holds something (design: key service, section 1).
        case whenSet
        /// In none: it is for the pages and the commands.
        case never
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

    /// The fewest characters that a text may have.
    package var minimumCharacters = 0

    /// The most items that a list in a body may have.
    package var maximumItems = Limits().listItems

    /// Whether only the server sets it.
    package var isReadOnly = false

    /// Whether PATCH alone sets it.
    package var isPatchOnly = false

    /// In which answers of the API it stands.
    package var presence = Presence.always

    /// Where its value is kept.
    package var source = Source.column

    /// A member that is not required, not null and can be set.
    package init(name: String, kind: Kind, summary: String) {
        self.name = name
        self.kind = kind
        self.summary = summary
    }
}

extension FieldSpec {
    /// Whether it is a list in a table of its own, which PATCH changes by `add_` and `remove_` members.
    package var isList: Bool {
        if case .rows = source { true } else { false }
    }

    /// The member of a PATCH that adds items to the list.
    package var additionName: String { "add_\(name)" }

    /// The member of a PATCH that removes items from the list.
    package var removalName: String { "remove_\(name)" }

    /// Whether an operation's body may have it under its own name.
    package func isWritable(by operation: Resource.Operation) -> Bool {
        if isReadOnly { return false }
        return operation == .patch ? !isList : !isPatchOnly
    }

    /// The resource that an item refers to, if it is a reference or a list of them.
    package var referenced: String? {
        switch kind {
        case .reference(let name), .list(.reference(let name)): name
        default: nil
        }
    }
}
