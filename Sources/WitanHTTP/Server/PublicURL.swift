import Synchronization

/// The address that clients know the server by, without a slash at the end.
///
/// With port 0 it is known only when the server listens, which is before the first request.
package final class PublicURL: Sendable {
    private final class Text: Sendable {
        let text: String

        init(_ text: String) {
            self.text = text
        }
    }

    private let reference = AtomicLazyReference<Text>()

    /// An address that is still to be found out, or is known already.
    package init(_ text: String? = nil) {
        if let text { resolve(text) }
    }

    /// Sets the address; once it is set it stays.
    package func resolve(_ text: String) {
        _ = reference.storeIfNil(Text(text))
    }

    /// The address; empty before it is known.
    var text: String { reference.load()?.text ?? "" }
}
