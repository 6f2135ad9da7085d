import Testing
import WitanCluster
import WitanCore
import WitanStorage

@Suite("What a node decides")
struct NodeStateTests {
    private static let limits = Limits()
    private static let key = ClusterEvent.credential(ObjectID(high: 1, low: 1))

    /// A node whose lease began when both clocks showed 0.
    private static func registered(clock: Int64 = 7) -> NodeState {
        var node = NodeState(limits: limits)
        let request = node.begin(at: reading(0)) { ObjectID(high: 9, low: 1) }
        #expect(node.receive(.registered(clock: clock), to: request.number) == [.everything])
        _ = node.complete()
        return node
    }

    private static func reading(_ milliseconds: Int64) -> ClockReading {
        ClockReading(sinceBoot: milliseconds * 1_000_000, wall: milliseconds * 1_000_000)
    }

    private static func poll(
        _ node: inout NodeState,
        at milliseconds: Int64,
        _ changes: ClusterStore.Changes
    ) -> [ClusterEvent]? {
        let request = node.begin(at: reading(milliseconds)) { ObjectID(high: 9, low: 2) }
        return node.receive(.changes(changes), to: request.number)
    }

    private static func changes(_ clock: Int64, _ entries: (Int64, ClusterEvent)...) -> ClusterStore.Changes {
        ClusterStore.Changes(clock: clock, entries: entries.map { ClusterStore.Changes.Entry($0.0, $0.1) })
    }

    @Test("a new node trusts nothing, registers, and forgets whatever it has cached before it trusts")
    func joins() {
        var node = NodeState()
        #expect(!node.isTrusted(at: Self.reading(0)))
        let id = ObjectID(high: 9, low: 1)
        let request = node.begin(at: Self.reading(10)) { id }
        #expect(request.question == .register(id, replacing: nil))
        #expect(node.receive(.registered(clock: 7), to: request.number) == [.everything])
        #expect(!node.isTrusted(at: Self.reading(11)), "before the caches have forgotten")
        #expect(node.complete() != nil)
        #expect(node.isTrusted(at: Self.reading(11)))
        #expect(node.id == id)
        #expect(node.applied == 7)
        #expect(!node.hasNews)
    }

    @Test(
        "a lease is counted from when the question was sent, by whichever clock went further",
        arguments: [
            (899, 899, true), (900, 0, false), (0, 900, false), (900, 900, false), (0, -5_000, true),
            (1_000_000, -1_000_000, false),
        ] as [(Int64, Int64, Bool)]
    )
    func lease(boot: Int64, wall: Int64, isTrusted: Bool) {
        let node = Self.registered()
        let now = ClockReading(sinceBoot: boot * 1_000_000, wall: wall * 1_000_000)
        #expect(node.isTrusted(at: now) == isTrusted)
    }

    @Test("an answer counts from its question, however late it comes")
    func lateAnswer() {
        var node = Self.registered()
        let request = node.begin(at: Self.reading(500)) { ObjectID(high: 9, low: 2) }
        #expect(node.receive(.changes(Self.changes(7)), to: request.number) == [])
        _ = node.complete()
        #expect(node.isTrusted(at: Self.reading(1_399)))
        #expect(!node.isTrusted(at: Self.reading(1_400)))
    }

    @Test("events are applied before the lease goes on, and then told")
    func applies() {
        var node = Self.registered()
        let request = node.begin(at: Self.reading(1_000)) { ObjectID(high: 9, low: 2) }
        #expect(
            request.question
                == .poll(ObjectID(high: 9, low: 1), applied: 7, renewals: request.number, confirmed: 0)
        )
        #expect(
            node.receive(.changes(Self.changes(9, (8, Self.key), (9, .allCredentials))), to: request.number)?.count == 2
        )
        #expect(!node.isTrusted(at: Self.reading(1_001)))
        #expect(node.applied == 7, "nobody may hear of it before it is done")
        _ = node.complete()
        #expect(node.isTrusted(at: Self.reading(1_001)))
        #expect(node.applied == 9)
        #expect(node.hasNews)
        #expect(Self.poll(&node, at: 1_002, Self.changes(9)) == [])
        _ = node.complete()
        #expect(!node.hasNews)
    }

    @Test("an answer to an earlier question counts no more, and neither does a second one")
    func oldAnswers() {
        var node = Self.registered()
        let first = node.begin(at: Self.reading(100)) { ObjectID(high: 9, low: 2) }
        node.fail(first.number)
        let second = node.begin(at: Self.reading(800)) { ObjectID(high: 9, low: 2) }
        #expect(node.receive(.changes(Self.changes(8, (8, Self.key))), to: first.number) == nil)
        #expect(node.receive(.refused, to: first.number) == nil)
        #expect(node.receive(.changes(Self.changes(8, (8, Self.key))), to: second.number) == [Self.key])
        #expect(node.receive(.changes(Self.changes(8, (8, Self.key))), to: second.number) == nil)
        _ = node.complete()
        #expect(node.receive(.refused, to: second.number) == nil)
        #expect(node.isTrusted(at: Self.reading(900)))
    }

    @Test("a node tells the newest renewal that was answered, so that a database that has lost it knows")
    func confirms() {
        var node = Self.registered()
        func confirmed() -> Int64? {
            let request = node.begin(at: Self.reading(1)) { ObjectID(high: 9, low: 2) }
            node.fail(request.number)
            if case .poll(_, _, _, let confirmed) = request.question { return confirmed }
            return nil
        }
        #expect(confirmed() == 0)
        let request = node.begin(at: Self.reading(2)) { ObjectID(high: 9, low: 2) }
        _ = node.receive(.changes(Self.changes(7)), to: request.number)
        _ = node.complete()
        #expect(confirmed() == request.number)
        #expect(confirmed() == request.number, "no question is confirmed by another one")
    }

    @Test("a node that was refused trusts nothing from then on, and registers under another id")
    func refused() {
        var node = Self.registered()
        let request = node.begin(at: Self.reading(100)) { ObjectID(high: 9, low: 2) }
        #expect(node.receive(.refused, to: request.number) == [])
        #expect(node.lease == nil)
        #expect(node.id == nil)
        #expect(!node.isTrusted(at: Self.reading(101)))
        let again = node.begin(at: Self.reading(200)) { ObjectID(high: 9, low: 3) }
        #expect(again.question == .register(ObjectID(high: 9, low: 3), replacing: ObjectID(high: 9, low: 1)))
        #expect(node.receive(.registered(clock: 20), to: again.number) == [.everything])
        _ = node.complete()
        #expect(node.applied == 20)
        #expect(node.isTrusted(at: Self.reading(201)))
    }

    @Test(
        "events that do not tell all make the node forget everything",
        arguments: [
            changes(9, (9, key)), changes(9, (8, key)), changes(9), changes(6), changes(9, (8, key), (10, key)),
            changes(20, (21, key)),
        ]
    )
    private func gaps(_ changes: ClusterStore.Changes) {
        var node = Self.registered()
        #expect(Self.poll(&node, at: 100, changes) == [.everything])
        _ = node.complete()
        #expect(node.applied == changes.clock)
        #expect(node.isTrusted(at: Self.reading(101)))
    }

    @Test("more events than a node takes in make it forget everything")
    func tooMany() {
        var limits = Limits()
        limits.eventsPerPoll = 2
        var node = NodeState(limits: limits)
        let request = node.begin(at: Self.reading(0)) { ObjectID(high: 9, low: 1) }
        _ = node.receive(.registered(clock: 0), to: request.number)
        _ = node.complete()
        #expect(
            Self.poll(&node, at: 1, Self.changes(1, (1, Self.key), (1, .allCredentials))) == [
                Self.key, .allCredentials,
            ]
        )
        _ = node.complete()
        #expect(Self.poll(&node, at: 2, Self.changes(2, (2, Self.key), (2, Self.key), (2, Self.key))) == [.everything])
    }

    @Test("a node that leaves trusts nothing and has no id any more")
    func leaves() {
        var node = Self.registered()
        #expect(node.leave() == ObjectID(high: 9, low: 1))
        #expect(node.leave() == nil)
        #expect(!node.isTrusted(at: Self.reading(1)))
    }

    @Test("a node that leaves before it has joined anew ends the registration that was refused")
    func leavesRefused() {
        var node = Self.registered()
        let request = node.begin(at: Self.reading(100)) { ObjectID(high: 9, low: 2) }
        _ = node.receive(.refused, to: request.number)
        #expect(node.leave() == ObjectID(high: 9, low: 1))
    }
}
