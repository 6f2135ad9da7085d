import WitanCore
import WitanServices

extension PageOutcome {
    /// The page as the answer to what was refused.
    func failing(with failure: Failure) -> PageOutcome {
        guard case .page(var content) = self else { return self }
        content.failure = failure
        return .page(content)
    }
}

extension Failure {
    /// Whether it is the reader's to mend, so that their form is shown again with the sentence.
    var isForReader: Bool { [.invalidRequest, .conflict, .forbidden, .notFound].contains(code) }

    /// What is told of it; a sentence may repeat what was sent.
    var sentence: String { message.shortened(to: 1_000) }
}

extension Visit {
    /// Whether the person holds a permission over all objects of a kind in the organization.
    func may(_ permission: Permission, _ type: ObjectType) -> Bool {
        access.holds(permission, overAll: type, in: organizationID)
    }
}

/// A group that a form offers.
struct GroupChoice: Sendable {
    let id: String
    let name: String
    let isChosen: Bool

    /// Whether it was chosen when the form was opened.
    var wasChosen = false
}
