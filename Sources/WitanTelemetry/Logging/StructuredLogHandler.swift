package import Logging
import WitanCore

/// The backend of every `Logger` in the process: lines in the output's format, metadata as members.
///
/// Metadata of the call wins over the provider's, and that over the logger's own. A name that all lines have is never
/// overwritten: metadata with such a name gets an underscore in front.
package struct StructuredLogHandler: LogHandler {
    private static let reservedNames: Set = ["time", "level", "label", "message", "error"]

    /// The lowest level that is written.
    package var logLevel: Logger.Level

    /// What every line of this logger carries.
    package var metadata: Logger.Metadata = [:]

    /// Gives further metadata at each line, from task-local values for instance.
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let output: LogOutput

    /// Makes the backend of the loggers with a label.
    package init(
        label: String,
        output: LogOutput,
        level: Logger.Level = .info,
        metadataProvider: Logger.MetadataProvider? = nil
    ) {
        self.label = label
        self.output = output
        self.logLevel = level
        self.metadataProvider = metadataProvider
    }

    /// One value of `metadata`.
    package subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Hands one line to the output; at `critical` it also waits until that is written.
    package func log(event: LogEvent) {
        var line = LogLine(
            format: output.format,
            redact: output.redact,
            time: output.time.now(),
            level: event.level,
            label: label,
            message: event.message.description
        )
        if let error = event.error {
            line.string("error", Self.text(of: error))
        }
        for (name, value) in members(of: event).sorted(by: { $0.key < $1.key }) {
            line.metadata(name, value)
        }
        output.append(line.finish())
        if event.level == .critical {
            // Most likely the last words of the process: the queue might not get to write them.
            output.flush()
        }
    }

    private func members(of event: LogEvent) -> Logger.Metadata {
        var members = metadata
        if let provided = metadataProvider?.get() {
            members.merge(provided) { _, provided in provided }
        }
        if let given = event.metadata {
            members.merge(given) { _, given in given }
        }
        for name in Self.reservedNames {
            guard let value = members.removeValue(forKey: name) else { continue }
            var free = "_" + name
            while members[free] != nil { free = "_" + free }
            members[free] = value
        }
        return members
    }

    /// The error and, for a `Failure`, what caused it: that is kept for the log alone.
    private static func text(of error: any Error) -> String {
        guard let cause = (error as? Failure)?.underlying else { return String(describing: error) }
        return "\(error), caused by \(text(of: cause))"
    }
}
