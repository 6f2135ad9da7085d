import Synchronization

/// Metrics of one name, told apart by the values of one to three labels.
///
/// The values come from a bounded set (route templates, methods, statuses), never from a client; the limit is there for
/// the day when one does not.
package final class MetricFamily<Member: Sendable>: Sendable {
    private struct Values: Hashable {
        let first: String
        let second: String
        let third: String
    }

    private let labels: [String]
    private let limit: Int
    private let make: @Sendable () -> Member
    private let resolved = Mutex<[Values: Member]>([:])

    init(labels: [String], limit: Int, make: @escaping @Sendable () -> Member) {
        self.labels = labels
        self.limit = limit
        self.make = make
    }

    /// The member with these values, in the order of the labels; values beyond the number of labels are ignored.
    ///
    /// A known combination costs one look-up under a lock and no allocation; where that is too much, keep the member.
    package func with(_ first: String, _ second: String = "", _ third: String = "") -> Member {
        let values = values(first, second, third)
        return resolved.withLock { resolved in
            if let member = resolved[values] { return member }
            let key = resolved.count < limit ? values : self.values("overflow", "overflow", "overflow")
            if let member = resolved[key] { return member }
            let member = make()
            resolved[key] = member
            return member
        }
    }

    /// The members with their labels as the text format writes them, in the order of their values.
    var members: [(labels: String, member: Member)] {
        resolved.withLock { $0.map { ($0.key, $0.value) } }
            .sorted { ($0.0.first, $0.0.second, $0.0.third) < ($1.0.first, $1.0.second, $1.0.third) }
            .map { values, member in
                let pairs = zip(labels, [values.first, values.second, values.third])
                return (pairs.map { "\($0)=\"\(Exposition.escaped($1))\"" }.joined(separator: ","), member)
            }
    }

    private func values(_ first: String, _ second: String, _ third: String) -> Values {
        Values(first: first, second: labels.count > 1 ? second : "", third: labels.count > 2 ? third : "")
    }
}
