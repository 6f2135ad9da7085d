/// How a log line is written.
package enum LogFormat: String, Sendable, CaseIterable {
    /// One JSON object a line, for machines.
    case json
    /// `12:00:00.123 INFO  message  key=value`, time in UTC, for people.
    case human
}
