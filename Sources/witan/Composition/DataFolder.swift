import Foundation
import WitanCore

/// The folder that holds an installation's files.
enum DataFolder {
    /// Makes the folder, which none but its owner can look into, unless it is there.
    ///
    /// - Throws: `.unavailable` with a sentence for a path where none can be.
    static func make(at path: String) throws(Failure) {
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw Failure(
                .unavailable,
                "The data folder \(path) cannot be made: check the path and its permissions, or choose another.",
                underlying: error
            )
        }
    }
}
