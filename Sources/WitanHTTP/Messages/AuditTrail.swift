import HTTPTypes
import Synchronization
import WitanAccess
import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage

/// The objects that an answer is about, for a client that asked to be told by `x-bt-enable-audit: true`.
///
/// The headers are those that the hosted data plane documents: whoever runs a proxy in front can keep a trail of its own.
final class AuditTrail: Sendable {
    /// The one of the request that is answered by this task; nil when nobody asked.
    @TaskLocal static var current: AuditTrail?

    private struct Entry {
        let type: String
        let id: String
        let name: String?
    }

    /// The version of the form that `braintrust.parse_audit_resources` reads.
    private static let version: JSONValue = 1

    /// So many objects a header can tell of without meeting the limits of proxies.
    private static let maximumCount = 50

    /// So long the names of all of them can be, in bytes; whoever can give names could close a list to others otherwise.
    private static let maximumNameBytes = 2_048

    private struct Entries {
        var list: [Entry] = []
        var nameBytes = 0
    }

    private let entries = Mutex(Entries())

    /// Notes objects; those beyond the first fifty are left out, and so are names that there is no room for.
    func note(_ resource: Resource, _ records: [Record]) {
        entries.withLock { entries in
            for record in records.prefix(Self.maximumCount - entries.list.count) {
                guard let id = record.id else { continue }
                var name: String?
                if case .text(let text) = record[name: "name"],
                    entries.nameBytes + text.utf8.count <= Self.maximumNameBytes
                {
                    name = text
                    entries.nameBytes += text.utf8.count
                }
                entries.list.append(Entry(type: resource.name, id: id.description, name: name))
            }
        }
    }

    /// Adds the four headers.
    ///
    /// `template` is the path with its parameters in braces.
    func write(to headers: inout HTTPFields, template: String, caller: Caller) {
        let account = caller.identity.account
        headers[.auditUserID] = account.userID.description
        headers[.auditUserEmail] = account.email
        headers[.auditNormalizedURL] = template.split(separator: "/", omittingEmptySubsequences: false)
            .map { $0.hasPrefix("{") ? "[id]" : String($0) }.joined(separator: "/")
        let packed = Base64.encode(GZip.wrap(JSONWriter.bytes(of: .array(resources))))
        headers[.auditResources] = JSONWriter.string(of: ["v": Self.version, "p": .string(packed)])
    }

    private var resources: [JSONValue] {
        entries.withLock { entries in
            entries.list.map { entry in
                [
                    "type": .string(entry.type), "id": .string(entry.id),
                    "name": entry.name.map(JSONValue.string) ?? .null,
                ]
            }
        }
    }
}

extension HTTPField.Name {
    fileprivate static let auditUserID = required("x-bt-audit-user-id")
    fileprivate static let auditUserEmail = required("x-bt-audit-user-email")
    fileprivate static let auditNormalizedURL = required("x-bt-audit-normalized-url")
    fileprivate static let auditResources = required("x-bt-audit-resources")
}
