import Synchronization
import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage

/// The rows of an audit log as a file, made part by part while it is sent.
enum AuditLogExport {
    /// What kind of file.
    enum Format: String, Sendable {
        /// A JSON object on each line, as the API answers it.
        case jsonl
        /// Comma-separated values (RFC 4180), with the names of the columns first.
        case csv

        var mediaType: String {
            switch self {
            case .jsonl: "application/jsonl; charset=utf-8"
            case .csv: "text/csv; charset=utf-8; header=present"
            }
        }

        func lines(of records: [Record]) -> [UInt8] {
            switch self {
            case .jsonl:
                var bytes: [UInt8] = []
                for record in records {
                    var writer = JSONWriter(reservingCapacity: 1_024)
                    record.write(to: &writer)
                    bytes += writer.bytes
                    bytes.append(UInt8(ascii: "\n"))
                }
                return bytes
            case .csv:
                return records.flatMap { AuditLogExport.line($0.values.map(AuditLogExport.text)) }
            }
        }

        var heading: [UInt8] {
            switch self {
            case .jsonl: []
            case .csv: AuditLogExport.line(AuditLogResource.resource.fields.map(\.name))
            }
        }
    }

    /// How far the file is.
    private enum Progress: Sendable {
        case beginning
        case after(ResourceList.Rest)
        case end
    }

    /// A download of the whole list.
    static func response(of list: ResourceList, _ format: Format, at now: Timestamp) -> PageResponse {
        let file = "witan-audit-log-\(now.rfc3339.prefix(10)).\(format.rawValue)"
        let shared = Shared()
        return PageResponse(
            headers: [
                ("Content-Type", format.mediaType),
                ("Content-Disposition", "attachment; filename=\"\(file)\""),
            ],
            body: .parts {
                var heading: [UInt8] = []
                let part: (records: [Record], rest: ResourceList.Rest?)
                switch shared.progress.withLock(\.self) {
                case .beginning:
                    heading = format.heading
                    part = try await list.first()
                case .after(let rest):
                    part = try await list.next(rest)
                case .end:
                    return nil
                }
                shared.progress.withLock { $0 = part.rest.map(Progress.after) ?? .end }
                return heading + format.lines(of: part.records)
            }
        )
    }

    /// Parts are asked for one after another, by tasks that need not be the same.
    private final class Shared: Sendable {
        let progress = Mutex(Progress.beginning)
    }

    /// A line of comma-separated values.
    static func line(_ cells: [String]) -> [UInt8] {
        Array(cells.map(cell).joined(separator: ",").utf8) + [UInt8(ascii: "\r"), UInt8(ascii: "\n")]
    }

    /// A cell; one that a spreadsheet would take for a formula begins with an apostrophe (OWASP, CSV Injection).
    static func cell(_ text: String) -> String {
        var text = text
        if let first = text.unicodeScalars.first, "=+-@\t\r\n".unicodeScalars.contains(first) { text = "'" + text }
        guard text.unicodeScalars.contains(where: { "\",\r\n".unicodeScalars.contains($0) }) else { return text }
        // By scalars: a quotation mark with an accent is another character, and the same to whoever reads the file.
        let doubled = text.unicodeScalars.flatMap { $0 == "\"" ? [$0, $0] : [$0] }
        return "\"" + String(String.UnicodeScalarView(doubled)) + "\""
    }

    private static func text(_ value: FieldValue) -> String {
        switch value {
        case .null: ""
        case .text(let text): text
        case .flag(let flag): flag ? "true" : "false"
        case .count(let count): "\(count)"
        case .timestamp(let moment): moment.rfc3339
        case .object, .list: JSONWriter.string(of: value.json)
        }
    }
}
