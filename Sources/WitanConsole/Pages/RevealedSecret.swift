/// A secret that is shown once.
struct RevealedSecret: Sendable {
    let title: String
    let name: String
    let secret: String
    let url: String
    let back: String
}
