// Somebody else may change what a form shows before it is sent. Each of its fields therefore brings, in a hidden one, what
// it showed, and what is done is the difference: a form undoes nothing that whoever sent it did not touch, nor anything
// that it did not show.
extension FormFields {
    /// The name of the hidden field that says what a field showed; of boxes, one for each that was checked.
    static func was(_ name: String) -> String { "was.\(name)" }

    /// Whether a text is another than the form showed; one of a form that does not say what it showed is.
    func isChanged(_ name: String) -> Bool {
        guard has(name), has(Self.was(name)) else { return has(name) }
        return !line(name).elementsEqual(line(Self.was(name)))
    }

    /// The boxes that were checked in the form.
    func added(to name: String) -> Set<String> { Set(all(name)).subtracting(all(Self.was(name))) }

    /// The boxes that were unchecked in the form.
    func removed(from name: String) -> Set<String> { Set(all(Self.was(name))).subtracting(all(name)) }

    /// A text as a field of one line has it, from which browsers take what would end the line, unlike from a hidden one.
    private func line(_ name: String) -> [Unicode.Scalar] {
        (text(name) ?? "").unicodeScalars.filter { $0 != "\r" && $0 != "\n" }
    }
}
