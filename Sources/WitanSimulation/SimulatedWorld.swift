import WitanAccess
import WitanCluster
import WitanCore
import WitanStorage

/// Everything that there is in a run, and the time.
final class SimulatedWorld {
    let fault: Fault?
    let limits: Limits
    let weather: Simulation.Weather
    private let isTraced: Bool

    var dice: Dice
    var now: Int64 = 0
    var database: SimulatedDatabase
    var nodes: [SimulatedNode] = []
    var promise = Promise()
    var outcome = Simulation.Outcome()

    /// Messages that get lost, and that come twice, of a thousand.
    let lostPerMille: Int
    let doubledPerMille: Int
    /// Steps of a thread before which it is kept waiting.
    let heldPerMille: Int
    /// Notifications that get lost.
    let unheardPerMille: Int

    private var agenda = Agenda()
    /// Those that died too.
    private var all: [SimulatedNode] = []
    private var lastID: UInt64 = 0
    private var newestKey = Universe.keys
    private var names = 0

    /// How long requests and changes are made; then everything comes to its end.
    static let duration = Duration.seconds(3).simulated

    init(seed: UInt64, _ weather: Simulation.Weather, fault: Fault?, isTraced: Bool) {
        var dice = Dice(seed: seed)
        var limits = Limits()
        // Small enough that a run meets the bounds.
        limits.eventsPerPoll = 6
        limits.eventsPerCommit = 4
        limits.silenceDuration = .milliseconds(1_500)
        limits.nodeReadInterval = .milliseconds(40)
        if fault == .removesAtOnce { limits.awaitedSilenceDuration = .milliseconds(100) }
        self.limits = limits
        self.fault = fault
        self.weather = weather
        self.isTraced = isTraced
        let isCalm = weather == .calm
        lostPerMille = isCalm ? 0 : dice.pick([0, 5, 30, 150])
        doubledPerMille = isCalm ? 0 : dice.pick([0, 20])
        heldPerMille = isCalm ? 0 : dice.pick([5, 20, 60])
        unheardPerMille = isCalm ? 0 : dice.pick([0, 200, 1_000])
        database = SimulatedDatabase(limits: limits)
        self.dice = dice
    }

    func run() {
        for _ in 0..<(2 + dice.below(3)) { start() }
        if weather == .rough { planTroubles() }
        at(dice.duration(.milliseconds(1), .milliseconds(30))) { self.sendRequests() }
        at(dice.duration(.milliseconds(20), .milliseconds(300))) { self.makeChanges() }
        while let (time, item) = agenda.next(), time < Self.duration * 3 {
            now = max(now, time)
            guard let node = item.node else {
                item.action()
                continue
            }
            guard node.isAlive else { continue }
            if node.pausedUntil > now {
                // Whatever waited for a node that goes on is handled in any order.
                agenda.plan(at: node.pausedUntil + Int64(dice.below(2_000_000)), node, item.action)
            } else {
                item.action()
            }
        }
        // What is planned holds the world, and what waits its node.
        agenda = Agenda()
        for node in all { node.waiting = [:] }
    }

    // MARK: Time

    func at(_ time: Int64, _ action: @escaping () -> Void) {
        agenda.plan(at: time, nil, action)
    }

    func after(_ delay: Int64, _ node: SimulatedNode? = nil, _ action: @escaping () -> Void) {
        agenda.plan(at: now + delay, node, action)
    }

    /// The next step of a thread: nearly always at once, sometimes after others, now and then much later.
    func soon(_ node: SimulatedNode, _ action: @escaping () -> Void) {
        let draw = dice.below(1_000)
        if draw >= heldPerMille {
            action()
        } else if draw * 10 >= heldPerMille {
            after(dice.duration(.microseconds(10), .milliseconds(30)), node, action)
        } else {
            after(dice.duration(.milliseconds(30), .milliseconds(2_500)), node, action)
        }
    }

    // MARK: Messages

    /// Asks the database; `answer` gets nil when it is away, and is not called when a message is lost.
    func ask<Answer>(
        _ node: SimulatedNode,
        canBeDoubled: Bool = false,
        _ execute: @escaping () -> Answer,
        answer: @escaping (Answer?) -> Void
    ) {
        let isDoubled = canBeDoubled && dice.happens(perMille: doubledPerMille)
        for _ in 0..<(isDoubled ? 2 : 1) {
            if isLost(node) { continue }
            after(delay()) {
                let result = self.database.isUp ? execute() : nil
                if self.isLost(node) { return }
                self.after(self.delay(), node) { answer(result) }
            }
        }
    }

    func notifyAll() {
        for node in nodes {
            if dice.happens(perMille: unheardPerMille) || node.isolatedUntil > now { continue }
            let isDoubled = dice.happens(perMille: doubledPerMille)
            for _ in 0..<(isDoubled ? 2 : 1) {
                after(delay(), node) { self.wake(node) }
            }
        }
    }

    private func isLost(_ node: SimulatedNode) -> Bool {
        node.isolatedUntil > now || dice.happens(perMille: lostPerMille)
    }

    private func delay() -> Int64 {
        let draw = weather == .calm ? 0 : dice.below(100)
        if draw < 88 { return dice.duration(.microseconds(100), .milliseconds(2)) }
        if draw < 98 { return dice.duration(.milliseconds(2), .milliseconds(120)) }
        return dice.duration(.milliseconds(100), .milliseconds(1_500))
    }

    // MARK: Nodes

    func start() {
        names += 1
        // Two rates may differ by so much that a lease is still shorter than a wait.
        let rates = weather == .calm ? [0] : [-40, -1, 0, 1, 40]
        let node = SimulatedNode(
            name: "node \(names)",
            limits: limits,
            capacity: dice.pick([3, 16]),
            remembered: dice.pick([2, 64]),
            boot: SimulatedClock(value: Int64(names) * 1_000_000, gaining: Int64(dice.pick(rates)), at: now),
            wall: SimulatedClock(value: Int64(names) * 7_000_000, gaining: Int64(dice.pick(rates)), at: now)
        )
        nodes.append(node)
        all.append(node)
        note(node, "starts")
        poll(node)
    }

    func newID() -> ObjectID {
        lastID += 1
        return ObjectID(high: 9, low: lastID)
    }

    // MARK: Trouble

    private func planTroubles() {
        for _ in 0..<dice.below(5) {
            at(dice.duration(.milliseconds(100), .milliseconds(2_700))) { self.makeTrouble() }
        }
    }

    private func makeTrouble() {
        guard let node = nodes.isEmpty ? nil : dice.pick(nodes) else { return }
        switch dice.below(10) {
        case 0, 1: pause(node, for: dice.duration(.milliseconds(100), .seconds(4)))
        case 2: kill(node)
        case 3: stopClock(\.boot, of: node, for: dice.duration(.milliseconds(300), .seconds(3)))
        case 4:
            if dice.below(2) == 0 {
                stopClock(\.wall, of: node, for: dice.duration(.milliseconds(300), .seconds(3)))
            } else if now >= node.clocksFailAgain {
                let step = dice.duration(.zero, .seconds(20)) - Duration.seconds(10).simulated
                note(node, "has its wall clock set")
                node.wall.set(forward: step, at: now)
                keepOtherClock(of: node)
            }
        case 5:
            let duration = dice.duration(.milliseconds(200), .seconds(3))
            note(node, "is cut off for \(milliseconds(duration))")
            node.isolatedUntil = now + duration
        case 6: loseDatabase(for: dice.duration(.milliseconds(100), .milliseconds(2_500)), .away)
        case 7: loseDatabase(for: dice.duration(.milliseconds(20), .milliseconds(700)), .crash)
        // Longer than a lease: that is the assumption.
        case 8: loseDatabase(for: dice.duration(.milliseconds(1_000), .milliseconds(2_500)), .failover)
        default:
            note(node, "is stopped")
            node.isLeaving = true
            leave(node)
        }
    }

    private func pause(_ node: SimulatedNode, for duration: Int64) {
        note(node, "stops for \(milliseconds(duration))")
        node.pausedUntil = max(node.pausedUntil, now + duration)
        node.lastPauseEnd = max(node.lastPauseEnd, now + duration)
    }

    private func kill(_ node: SimulatedNode) {
        note(node, "dies")
        outcome.counts.deaths += 1
        end(node)
    }

    private func end(_ node: SimulatedNode) {
        guard node.isAlive else { return }
        node.isAlive = false
        nodes.removeAll { $0 === node }
        after(dice.duration(.milliseconds(1), .seconds(2))) { self.start() }
    }

    /// What `ClusterNode.leave` does once nothing is under way any more, while requests are still answered.
    private func leave(_ node: SimulatedNode) {
        guard node.asking == nil else { return after(Duration.milliseconds(5).simulated, node) { self.leave(node) } }
        outcome.counts.departures += 1
        if fault != .leavesBeforePuttingDown { node.lease = nil }
        soon(node) {
            guard let id = node.state.leave() else { return }
            self.ask(node) {
                self.database.leave(id)
            } answer: { _ in
            }
        }
        after(dice.duration(.milliseconds(500), .seconds(2))) { self.end(node) }
    }

    /// Only one clock of a node fails at a time, and the other not within the same lease: that is the assumption.
    private func stopClock(
        _ clock: ReferenceWritableKeyPath<SimulatedNode, SimulatedClock>,
        of node: SimulatedNode,
        for duration: Int64
    ) {
        guard now >= node.clocksFailAgain else { return }
        note(node, "has a clock that stops for \(milliseconds(duration))")
        node[keyPath: clock].stop(at: now)
        node.lastPauseEnd = max(node.lastPauseEnd, now + duration)
        node.clocksFailAgain = now + duration + Duration.milliseconds(1_500).simulated
        after(duration) { node[keyPath: clock].resume(at: self.now) }
    }

    private func keepOtherClock(of node: SimulatedNode) {
        node.clocksFailAgain = max(node.clocksFailAgain, now + Duration.milliseconds(1_500).simulated)
    }

    /// What becomes of a database that nobody can reach.
    private enum Loss: String {
        case away
        case crash
        case failover
    }

    private func loseDatabase(for duration: Int64, _ loss: Loss) {
        guard database.isUp else { return }
        note(nil, "the database cannot be reached for \(milliseconds(duration)): \(loss.rawValue)")
        database.isUp = false
        switch loss {
        case .away: break
        case .crash: database.crash(&dice)
        case .failover:
            database.failOver(&dice)
            promise.lower(to: database)
            outcome.counts.failovers += 1
        }
        after(duration) {
            self.note(nil, "the database is back")
            self.database.isUp = true
        }
    }

    // MARK: Requests and changes

    private func sendRequests() {
        guard now < Self.duration else { return }
        if let node = nodes.isEmpty ? nil : dice.pick(nodes) {
            send(key: newestKey - 1 - dice.below(min(Universe.keys + 2, newestKey)), to: node)
        }
        after(dice.duration(.milliseconds(1), .milliseconds(60))) { self.sendRequests() }
    }

    private func makeChanges() {
        guard now < Self.duration else { return }
        if let node = nodes.isEmpty ? nil : dice.pick(nodes) {
            let user = dice.below(Universe.users)
            let change: Change
            switch dice.below(12) {
            case 0...4:
                change = .revoke(newestKey - 1 - dice.below(Universe.keys))
                if newestKey < Universe.digests.count { newestKey += 1 }
            case 5, 6: change = .removeUser(user)
            case 7: change = .changeOrganization
            case 8: change = .removeGrant(user)
            case 9: change = .changeGroup
            case 10: change = .changeRole
            default: change = .changeMuch
            }
            make(change, on: node)
        }
        after(dice.duration(.milliseconds(10), .milliseconds(450))) { self.makeChanges() }
    }

    // MARK: What happened

    func note(_ node: SimulatedNode?, _ text: @autoclosure () -> String) {
        guard isTraced else { return }
        let seconds = "\(now / 1_000_000_000)."
        let fraction = String(now % 1_000_000_000 / 1_000)
        let time = seconds + String(repeating: "0", count: 6 - fraction.count) + fraction
        outcome.trace.append("\(time)  \(node.map { "\($0.name): " } ?? "")\(text())")
    }

    func milliseconds(_ nanoseconds: Int64) -> String { "\(nanoseconds / 1_000_000) ms" }
}
