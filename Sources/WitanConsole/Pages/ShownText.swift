/// A text of a form for something that is there: what its field holds, and what it held when the form was opened.
struct ShownText: Sendable {
    let value: String
    let was: String

    /// What is stored or, in a form that is shown again, what was sent; of a long text the beginning, which changes
    /// nothing as long as it is left so.
    init(_ stored: String, _ name: String, sent form: FormFields?, characters: Int = 1_024) {
        value = (form?[name] ?? stored).shortened(to: characters)
        was = (form?[FormFields.was(name)] ?? stored).shortened(to: characters)
    }
}
