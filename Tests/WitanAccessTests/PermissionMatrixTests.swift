import Testing
import WitanAccess
import WitanCore

@Suite("Matrix of permissions")
struct PermissionMatrixTests {
    private struct Entry: Hashable {
        let permission: Permission
        let type: ObjectType?

        static let all = Permission.allCases.flatMap { permission in
            ([nil] + ObjectType.allCases).map { Entry(permission: permission, type: $0) }
        }
    }

    /// The matrix as a set of what was inserted.
    private struct Model {
        var entries: Set<Entry> = []

        var matrix: PermissionMatrix {
            var matrix = PermissionMatrix()
            for entry in entries {
                matrix.insert(entry.permission, for: entry.type)
            }
            return matrix
        }

        func contains(_ permission: Permission, for type: ObjectType) -> Bool {
            entries.contains(Entry(permission: permission, type: nil))
                || entries.contains(Entry(permission: permission, type: type))
        }

        func covers(_ other: Model) -> Bool {
            other.entries.allSatisfy { entry in
                entries.contains(entry) || entries.contains(Entry(permission: entry.permission, type: nil))
            }
        }

        static func random(using random: inout RandomSource) -> Model {
            let share = Int.random(in: 0...100, using: &random)
            var entries = Set(Entry.all.filter { _ in Int.random(in: 0..<100, using: &random) < share })
            if Int.random(in: 0..<4, using: &random) == 0 {
                entries.formUnion(Entry.all.filter { $0.type == nil })
            }
            return Model(entries: entries)
        }

        /// Something that this covers, and now and then a little more.
        func variation(using random: inout RandomSource) -> Model {
            var covered = Entry.all.filter { covers(Model(entries: [$0])) && Bool.random(using: &random) }
            if Bool.random(using: &random), let other = Entry.all.randomElement(using: &random) {
                covered.append(other)
            }
            return Model(entries: Set(covered))
        }
    }

    private static func entries(of matrix: PermissionMatrix) -> [Entry] {
        matrix.entries.map { Entry(permission: $0.permission, type: $0.type) }
    }

    @Test("One permission, for all types or for one, is held and covered by itself alone", arguments: Entry.all)
    private func holdsOne(entry: Entry) {
        let model = Model(entries: [entry])
        let matrix = model.matrix
        #expect(!matrix.isEmpty && !matrix.isEverything)
        #expect(Self.entries(of: matrix) == [entry])
        for permission in Permission.allCases {
            for type in ObjectType.allCases {
                #expect(matrix.contains(permission, for: type) == model.contains(permission, for: type))
            }
        }
        for other in Entry.all {
            let other = Model(entries: [other])
            #expect(matrix.covers(other.matrix) == model.covers(other))
        }
    }

    @Test("It agrees with a set of permissions, whatever was inserted", arguments: Seeds.few)
    func matchesModel(seed: UInt64) {
        var random = RandomSource.seeded(seed)
        var covered = 0
        for _ in 0..<300 {
            let model = Model.random(using: &random)
            let matrix = model.matrix
            for permission in Permission.allCases {
                for type in ObjectType.allCases {
                    #expect(matrix.contains(permission, for: type) == model.contains(permission, for: type))
                }
            }
            #expect(Self.entries(of: matrix) == Entry.all.filter(model.entries.contains))
            #expect(matrix.isEmpty == model.entries.isEmpty)
            #expect(matrix.isEverything == model.covers(Model(entries: Set(Entry.all))))

            let other = model.variation(using: &random)
            #expect(matrix.covers(other.matrix) == model.covers(other))
            #expect(other.matrix.covers(matrix) == other.covers(model))
            if model.covers(other) { covered += 1 }
            let both = Model(entries: model.entries.union(other.entries)).matrix
            #expect(matrix.union(other.matrix) == both)
            var union = matrix
            union.formUnion(other.matrix)
            #expect(union == both)
        }
        #expect(covered > 0 && covered < 300, "the cases tried one answer alone")
    }

    @Test("Everything is each permission for all types, and nothing less")
    func everything() {
        let everything = PermissionMatrix.everything
        #expect(everything.isEverything && !everything.isEmpty)
        #expect(Self.entries(of: everything) == Entry.all.filter { $0.type == nil })
        let eachType = Model(entries: Set(Entry.all.filter { $0.type != nil })).matrix
        #expect(everything.covers(eachType) && !eachType.covers(everything), "each type is not yet all types")
        #expect(!eachType.isEverything)
        for missing in Permission.allCases {
            let rest = Model(entries: Set(Entry.all.filter { $0 != Entry(permission: missing, type: nil) })).matrix
            #expect(!rest.isEverything && !rest.covers(everything))
        }
    }

    @Test("Nothing is held at first, and everybody holds that")
    func nothing() {
        let nothing = PermissionMatrix()
        #expect(nothing.isEmpty && !nothing.isEverything && nothing.entries.isEmpty)
        #expect(nothing.covers(nothing) && PermissionMatrix.everything.covers(nothing))
        #expect(!nothing.covers(.everything))
    }
}
