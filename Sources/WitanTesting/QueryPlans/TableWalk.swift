/// A step of a statement that reads a table, or an index of it, from one end to the other.
package struct TableWalk: Sendable, Hashable {
    /// The table; several with " or " between them when the engine's words fit more than one.
    package let table: String

    /// The step in the engine's own words.
    package let step: String

    /// Names the table and the step.
    package init(_ table: String, _ step: String) {
        self.table = table
        self.step = step
    }
}
