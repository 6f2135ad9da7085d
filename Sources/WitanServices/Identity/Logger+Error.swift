package import Logging

extension Logger {
    /// Logs a sentence with the error behind it, whose text is the log's alone.
    package func warning(_ message: Message, error: any Error) {
        warning(message, metadata: ["error": "\(error)"])
    }
}
