import WitanCore
import WitanJSON
import WitanStorage

/// What a copy came to, for people and for programs.
struct CopyReport: Sendable {
    let extent: InstallationCopy.Extent
    let comparisons: [InstallationCopy.Comparison]
    let copyingTime: Duration
    let checkingTime: Duration

    /// What the check of the target's audit log found; nil when there were no secrets to check it with.
    var audit: AuditStore.Report?

    /// The tables that are not the same on both sides.
    var differences: [InstallationCopy.Comparison] { comparisons.filter { $0.source != $0.target } }

    /// Why the copy is not what it should be; nil when it is.
    var problem: Failure? {
        if !differences.isEmpty {
            return Failure(
                .conflict,
                """
                Not the same on both sides: \(differences.map(\.table).joined(separator: ", ")). The target is not \
                complete; empty it, and copy again.
                """
            )
        }
        if let problem = audit?.problems.first {
            return Failure(
                .conflict,
                "The copy is complete, but the audit log, in the source as in the target, is not whole: \(problem)"
            )
        }
        return nil
    }

    var text: String {
        var text = table
        let seconds = copyingTime / .seconds(1)
        let rows = extent.total - extent.copied
        text += "\nCopied \(rows) of \(extent.total) rows in \(Self.short(seconds)) s"
        text += " (\(Int(Double(rows) / max(seconds, 0.001))) a second)"
        text += extent.copied > 0 ? "; an earlier run had copied the others.\n" : ".\n"
        guard differences.isEmpty else { return text }
        text += "Compared both sides in \(Self.short(checkingTime / .seconds(1))) s: they are the same.\n"
        switch audit {
        case nil:
            text += "The audit log was not checked, because no --secrets were given; `witan audit verify` does it.\n"
        case let report? where report.problems.isEmpty:
            text += "Checked \(report.rows) rows of the audit log in the target: all are as they were written.\n"
        case let report?:
            text += report.problems.prefix(Self.shownProblems).map { "\($0)\n" }.joined()
            let rest = report.problems.count - Self.shownProblems
            if rest > 0 { text += "`witan audit verify` names \(rest) more.\n" }
        }
        return text
    }

    private static let shownProblems = 10

    var json: String {
        var object: JSONObject = [
            "rows": .number(JSONNumber(extent.total)),
            "copied_before": .number(JSONNumber(extent.copied)),
            "copying_seconds": Self.seconds(copyingTime),
            "checking_seconds": Self.seconds(checkingTime),
            "is_complete": .bool(differences.isEmpty),
            "tables": .array(
                comparisons.map { comparison in
                    .object([
                        "name": .string(comparison.table),
                        "is_same": .bool(comparison.source == comparison.target),
                        "source": Self.json(comparison.source),
                        "target": Self.json(comparison.target),
                    ])
                }
            ),
        ]
        object["audit_log"] =
            audit.map { report in
                .object([
                    "rows": .number(JSONNumber(report.rows)),
                    "problems": .array(report.problems.map(JSONValue.string)),
                ])
            } ?? .null
        return JSONWriter.string(of: .object(object))
    }

    private static func json(_ content: InstallationCopy.Content) -> JSONValue {
        .object(["rows": .number(JSONNumber(content.rows)), "sha256": .string(content.checksum.hex)])
    }

    private static func seconds(_ duration: Duration) -> JSONValue {
        JSONNumber(duration / .seconds(1)).map(JSONValue.number) ?? .null
    }

    private static func short(_ seconds: Double) -> String { "\((seconds * 10).rounded() / 10)" }

    /// A line for each table, with the beginning of its checksum.
    private var table: String {
        let header = ["table", "rows", "SHA-256", ""]
        let rows = comparisons.map { comparison in
            let isSame = comparison.source == comparison.target
            let target = "\(comparison.target.rows) rows, \(Self.beginning(comparison.target))"
            return [
                comparison.table, "\(comparison.source.rows)", Self.beginning(comparison.source),
                isSame ? "same" : "DIFFERS: the target has \(target)",
            ]
        }
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return
            all
            .map { row in
                zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
                    .trimmedAtEnd + "\n"
            }
            .joined()
    }

    private static func beginning(_ content: InstallationCopy.Content) -> String {
        content.checksum.prefix(8).hex
    }
}

extension String {
    fileprivate var trimmedAtEnd: String { String(reversed().drop { $0 == " " }.reversed()) }
}
