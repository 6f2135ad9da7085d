/// What is around every page: its title, who is signed in, the organizations and the navigation.
struct PageFrame: Sendable {
    /// A link of the navigation or of the switcher.
    struct Link: Sendable {
        let title: String
        let address: String
        let isCurrent: Bool
    }

    /// What a signed-in person has around every page.
    struct SignedIn: Sendable {
        let organization: String
        let hasSeveral: Bool
        /// The organizations to switch to; empty for somebody who is in one.
        let organizations: [Link]
        let email: String
        let pages: [Link]
        let account: Link
    }

    let title: String
    let styleAddress = Asset.style.address
    let scriptAddress = Asset.script.address
    let formToken: String
    let signedIn: SignedIn?

    /// What went well, in a sentence.
    var notice: String?

    /// What went wrong, in a sentence.
    var alert: String?
}
