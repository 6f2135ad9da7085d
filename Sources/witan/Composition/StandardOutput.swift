import Foundation
import WitanCore

/// Where a command's answer goes.
enum StandardOutput {
    /// Writes what cannot be shown a second time, such as a key, at once and completely.
    ///
    /// `print` would lose it in silence when the output is closed or its disk is full.
    static func write(_ text: String) throws(Failure) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
        } catch {
            throw Failure(
                .unavailable,
                """
                Standard output cannot be written to, so that what should stand there is lost; if it was a key, make \
                another with `witan keys create`.
                """,
                underlying: error
            )
        }
    }
}
