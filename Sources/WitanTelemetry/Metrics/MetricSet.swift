/// The members of a family for every case of an enumeration, resolved in advance: a look-up takes no lock.
///
/// All of them exist from the start, so an alert on an outcome that has not happened yet sees a zero and not a gap.
package struct MetricSet<Label: CaseIterable & RawRepresentable<String> & Hashable & Sendable, Member: Sendable>:
    Sendable
{
    private let family: MetricFamily<Member>
    private let members: [Label: Member]

    init(_ family: MetricFamily<Member>) {
        self.family = family
        members = Dictionary(uniqueKeysWithValues: Label.allCases.map { ($0, family.with($0.rawValue)) })
    }

    /// The member whose label has the case's raw value.
    package subscript(label: Label) -> Member { members[label] ?? family.with(label.rawValue) }
}
