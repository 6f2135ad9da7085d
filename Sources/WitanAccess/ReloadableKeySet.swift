import Synchronization
package import WitanCore

/// Keys from a document that the operator gives and may replace, such as a file read again on SIGHUP.
package final class ReloadableKeySet: KeySource {
    private let state: Mutex<KeySet>
    private let limits: Limits

    /// Reads the first document.
    package init(document: [UInt8], limits: Limits = Limits()) throws(Failure) {
        state = Mutex(try KeySet(document: document, limits: limits))
        self.limits = limits
    }

    /// Reads another document; the keys stay as they are when it is malformed.
    package func reload(_ document: [UInt8]) throws(Failure) {
        let keySet = try KeySet(document: document, limits: limits)
        state.withLock { $0 = keySet }
    }

    /// The keys of the last good document.
    package var current: KeySet? { state.withLock { $0 } }

    /// The keys of the last good document.
    package func keySet(for id: String?) -> KeySet { state.withLock { $0 } }
}
