/// The members of a JSON object: in order, each name once.
///
/// Names are compared code unit by code unit (RFC 8259, 8.3). Finding, adding and replacing a member takes constant
/// time however many there are and whatever their names; removing one takes time in proportion to their number.
package struct JSONObject: Sendable {
    /// The members, in order.
    package private(set) var members: [(name: String, value: JSONValue)] = []

    /// Where each name stands in `members`; nil while there are so few that a look through them is faster.
    private var positions: [MemberName: Int]?

    /// The most members that are looked through one by one.
    private static let linearSearchLimit = 16

    /// Makes an object without members.
    package init() {}

    /// Makes an object of the members given; of a name given twice, the first place and the last value stay.
    init(_ members: [(String, JSONValue)]) {
        self.members.reserveCapacity(members.count)
        for (name, value) in members {
            append(name, value)
        }
    }

    /// The number of members.
    package var count: Int {
        members.count
    }

    /// The value of the member with this name, or nil when there is none.
    ///
    /// Setting a value replaces that of the member in its place, or appends a member. Setting nil removes the member;
    /// a JSON null is set with `.some(.null)`, or `JSONValue.null`.
    package subscript(name: String) -> JSONValue? {
        get {
            position(of: name).map { members[$0].value }
        }
        set {
            if let newValue {
                append(name, newValue)
            } else if let position = position(of: name) {
                members.remove(at: position)
                positions = nil
                indexIfLarge()
            }
        }
    }

    /// Appends a member, or replaces the value of the one that has this name already, in its place.
    package mutating func append(_ name: String, _ value: JSONValue) {
        if let position = position(of: name) {
            members[position].value = value
        } else {
            appendNew(name, value)
        }
    }

    /// Appends a member and gives true, or leaves the object as it is when it has this name already.
    mutating func appendIfAbsent(_ name: String, _ value: JSONValue) -> Bool {
        guard position(of: name) == nil else { return false }
        appendNew(name, value)
        return true
    }

    private mutating func appendNew(_ name: String, _ value: JSONValue) {
        members.append((name, value))
        if positions == nil {
            indexIfLarge()
        } else {
            positions?[MemberName(text: name)] = members.count - 1
        }
    }

    private func position(of name: String) -> Int? {
        if let positions {
            positions[MemberName(text: name)]
        } else {
            members.firstIndex { $0.name.hasSameCodeUnits(as: name) }
        }
    }

    private mutating func indexIfLarge() {
        guard members.count > Self.linearSearchLimit else { return }
        var positions: [MemberName: Int] = [:]
        positions.reserveCapacity(members.capacity)
        for (position, member) in members.enumerated() {
            positions[MemberName(text: member.name)] = position
        }
        self.positions = positions
    }
}

/// A name that equals another only when their code units do.
private struct MemberName: Hashable, Sendable {
    let text: String

    static func == (left: MemberName, right: MemberName) -> Bool {
        left.text.hasSameCodeUnits(as: right.text)
    }

    func hash(into hasher: inout Hasher) {
        text.hashCodeUnits(into: &hasher)
    }
}

extension JSONObject: Hashable {
    /// Whether the two objects have the same members in the same order.
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.elementsEqual(right.members) { left, right in
            left.name.hasSameCodeUnits(as: right.name) && left.value == right.value
        }
    }

    /// Feeds the members to a hasher, in order.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        for (name, value) in members {
            name.hashCodeUnits(into: &hasher)
            hasher.combine(value)
        }
    }
}

extension JSONObject: CustomStringConvertible, CustomReflectable {
    /// The word "object", never a member.
    package var description: String {
        JSONValue.object(self).description
    }

    /// A mirror without children, so that `dump` shows no member either.
    package var customMirror: Mirror {
        Mirror(self, children: [])
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// Makes an object of the members given; of a name given twice, the first place and the last value stay.
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements)
    }
}
