import Foundation
import Testing
import WitanCore
import WitanEngines
import WitanResources
import WitanServices
import WitanStorage
import WitanTesting

/// Random organizations with nested groups, nested roles and restricted grants, and what people do to them.
///
/// Each world is asked about before its changes, so that the caches are warm, and after each of them. `WITAN_SEED=42
/// swift test` begins with the world of a seed.
@Suite("The evaluator and the rules of the design page say the same")
struct ModelTests {
    private static let seed: UInt64 =
        ProcessInfo.processInfo.environment["WITAN_SEED"].flatMap { UInt64($0) } ?? .random(in: .min ... .max)

    private static let worlds = 50
    private static let changes = 6

    @Test(
        "every principal, permission and object of 1,000 worlds, after each change",
        arguments: (0..<20).map { seed &+ $0 * UInt64(worlds) }
    )
    func agree(seed: UInt64) async throws {
        try await Engine.chosen.withDatabase { database in
            try await Migrator().migrate(database, at: FakeClock().now)
            let product = try WorldProduct(database: database, seed: seed)
            for number in 0..<Self.worlds {
                try await Self.check(seed &+ UInt64(number), name: "w\(number)", product)
            }
        }
    }

    private static func check(_ seed: UInt64, name: String, _ product: WorldProduct) async throws {
        var random = RandomSource.seeded(seed)
        var world = World(seed: seed, name: name, using: &random)
        try await product.database.write { [world, random] connection in
            var random = random
            try world.write(on: connection, at: FakeClock().now, using: &random)
        }
        guard try await answersAgree(world, product) else { return }
        for _ in 0..<changes {
            guard let change = WorldChange.random(in: &world, using: &random) else { continue }
            let made: ObjectID?
            do {
                made = try await product.make(change, in: world)
            } catch {
                change.apply(to: &world, made: nil)
                Issue.record("The last change was refused: \(error)\n\(world)")
                return
            }
            change.apply(to: &world, made: made)
            guard try await answersAgree(world, product) else { return }
        }
        guard try await listsAgree(world, product) else { return }
        try await explanationsAgree(world, product, using: &random)
    }

    private static func answersAgree(_ world: World, _ product: WorldProduct) async throws -> Bool {
        let questions = WorldEvaluator(world).questions()
        let answers = try await product.answers(to: questions.map(\.question), in: world)
        for (asked, answer) in zip(questions, answers) where answer != asked.answer {
            Issue.record("\(text(asked.question, world)) is \(asked.answer), the product says \(answer)\n\(world)")
            return false
        }
        return true
    }

    private static func listsAgree(_ world: World, _ product: WorldProduct) async throws -> Bool {
        let evaluator = WorldEvaluator(world)
        for user in world.principals {
            for resource in [ProjectResource.resource, GroupResource.resource, RoleResource.resource] {
                let expected = evaluator.visible(resource.objectType, to: user.id)
                let listed = try await product.list(resource, for: user.id)
                guard listed != expected else { continue }
                let (more, less) = (listed.subtracting(expected), expected.subtracting(listed))
                Issue.record(
                    """
                    \(user.email) lists \(resource.name)s, too many: \(world.text(Array(more))), \
                    missing: \(world.text(Array(less)))
                    \(world)
                    """
                )
                return false
            }
        }
        return true
    }

    private static func explanationsAgree(
        _ world: World,
        _ product: WorldProduct,
        using random: inout RandomSource
    ) async throws {
        let evaluator = WorldEvaluator(world)
        let questions = evaluator.questions()
        // Most answers are no, and the keeper's are all yes for one reason.
        let held = questions.filter { $0.answer && $0.question.user != world.keeper }
        for sample in [questions, held] where !sample.isEmpty {
            for _ in 0..<2 {
                let (question, answer) = sample.random(using: &random)
                let object = question.object
                let explanation = try await product.explainer.explain(
                    user: question.user.description,
                    permission: question.permission,
                    on: ObjectReference(object.type, object.id.description),
                    for: question.type
                )
                let faults = evaluator.faults(of: explanation, for: question)
                guard explanation.isAllowed != answer || !faults.isEmpty else { continue }
                Issue.record(
                    """
                    \(text(question, world)) is \(answer), and the explanation is
                    \(explanation.text.joined(separator: "\n"))
                    \(faults.joined(separator: "\n"))
                    \(world)
                    """
                )
                return
            }
        }
    }

    private static func text(_ question: WorldEvaluator.Question, _ world: World) -> String {
        """
        \(world.name(of: question.user)): \(question.permission.rawValue) on \(world.text(question.object)) \
        for \((question.type ?? question.object.type).rawValue)
        """
    }
}
