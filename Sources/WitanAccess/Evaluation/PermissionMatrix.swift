package import WitanCore

/// Which permissions are held, each for all types of objects or for some alone.
///
/// Sixteen bytes in place, one row of eight bits for each type of object and one for all: copying allocates nothing,
/// and a union or a comparison is a few instructions.
package struct PermissionMatrix: Sendable, Hashable {
    /// The first row is for all types, and the last two stay empty.
    private var rows = SIMD16<UInt8>()

    /// Holds nothing.
    package init() {}

    /// Holds every permission for all types.
    package static let everything: PermissionMatrix = {
        var matrix = PermissionMatrix()
        for permission in Permission.allCases {
            matrix.insert(permission)
        }
        return matrix
    }()

    /// Adds a permission for one type of object, or for all.
    package mutating func insert(_ permission: Permission, for type: ObjectType? = nil) {
        rows[type.row] |= permission.bit
    }

    /// Adds all that the other holds.
    package mutating func formUnion(_ other: PermissionMatrix) {
        rows |= other.rows
    }

    /// What either holds.
    package func union(_ other: PermissionMatrix) -> PermissionMatrix {
        var union = self
        union.formUnion(other)
        return union
    }

    /// Whether the permission is held for this type of object, be it for all types or for this one.
    package func contains(_ permission: Permission, for type: ObjectType) -> Bool {
        (rows[0] | rows[type.row]) & permission.bit != 0
    }

    /// Whether whoever holds this holds all of the other: nobody grants more (design: access control, section 2, 6).
    ///
    /// A permission for all types covers it for each. For each of the types does not cover it for all: there may be
    /// other types one day.
    package func covers(_ other: PermissionMatrix) -> Bool {
        other.rows & ~(rows | SIMD16(repeating: rows[0])) == SIMD16()
    }

    /// Whether every permission is held for all types.
    package var isEverything: Bool { rows[0] == .max }

    /// Whether nothing is held.
    package var isEmpty: Bool { rows == SIMD16() }

    /// All that was added, in the order of the permissions and for each of the types, all types (`nil`) first.
    package var entries: [(permission: Permission, type: ObjectType?)] {
        let types = [nil] + ObjectType.allCases
        return Permission.allCases.flatMap { permission in
            types.filter { rows[$0.row] & permission.bit != 0 }.map { (permission, $0) }
        }
    }
}

extension ObjectType? {
    fileprivate var row: Int { self?.row ?? 0 }
}

extension ObjectType {
    fileprivate var row: Int {
        switch self {
        case .organization: 1
        case .project: 2
        case .experiment: 3
        case .dataset: 4
        case .prompt: 5
        case .promptSession: 6
        case .group: 7
        case .role: 8
        case .orgMember: 9
        case .projectLog: 10
        case .orgProject: 11
        case .orgAuditLogs: 12
        case .projectGroup: 13
        }
    }
}

extension Permission {
    fileprivate var bit: UInt8 {
        switch self {
        case .create: 1 << 0
        case .read: 1 << 1
        case .update: 1 << 2
        case .delete: 1 << 3
        case .createACLs: 1 << 4
        case .readACLs: 1 << 5
        case .updateACLs: 1 << 6
        case .deleteACLs: 1 << 7
        }
    }
}
