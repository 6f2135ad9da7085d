import WitanAccess
import WitanCluster
import WitanCore
import WitanStorage

// How a node hears of changes: what `ClusterNode` does, one step at a time.
extension SimulatedWorld {
    /// Asks for changes; what comes of it plans the next time.
    func poll(_ node: SimulatedNode) {
        guard node.asking == nil, !node.isLeaving else { return }
        node.plan += 1
        node.isWoken = false
        let request = node.state.begin(at: reading(of: node)) {
            if fault == .registrationReused, case .some(let id) = node.firstID { return id }
            let id = newID()
            node.firstID = id
            return id
        }
        node.asking = request.number
        note(node, "asks \(request.number): \(request.question)")
        soon(node) {
            self.ask(node, canBeDoubled: true) {
                self.execute(request.question, node)
            } answer: { answer in
                self.receive(answer, to: request, node)
            }
        }
        after(dice.duration(.milliseconds(250), .seconds(1)), node) {
            guard node.asking == request.number, !node.isApplying else { return }
            self.note(node, "gives up \(request.number)")
            node.watch.blink(at: self.monotonic(of: node))
            node.state.fail(request.number)
            self.pollAgain(node)
        }
    }

    /// What a notification does.
    func wake(_ node: SimulatedNode) {
        if node.asking == nil { poll(node) } else { node.isWoken = true }
    }

    private func pollAgain(_ node: SimulatedNode) {
        node.asking = nil
        node.isApplying = false
        if node.state.hasNews || node.isWoken { return poll(node) }
        node.plan += 1
        let plan = node.plan
        after(node.boot.duration(of: limits.nodePollInterval.simulated), node) {
            if node.plan == plan { self.poll(node) }
        }
    }

    private func execute(_ question: NodeState.Question, _ node: SimulatedNode) -> NodeState.Answer? {
        switch question {
        case .register(let id, let old):
            let clock = database.register(
                id,
                replacing: old,
                isDurable: fault != .registrationNotDurable,
                overwrites: fault == .registrationReused
            )
            return clock.map { .registered(clock: $0) }
        case .poll(let id, let applied, let renewals, let confirmed):
            let changes = database.poll(
                id,
                applied: applied,
                renewals: renewals,
                confirmed: fault == .lostCommitsUnnoticed ? 0 : confirmed,
                fromCopy: fault == .readsFromCopy
            )
            return changes.map { .changes($0) } ?? .refused
        }
    }

    private func receive(_ answer: NodeState.Answer??, to request: NodeState.Request, _ node: SimulatedNode) {
        guard case .some(.some(let answer)) = answer else {
            guard node.asking == request.number, !node.isApplying else { return }
            note(node, "hears that the database is away")
            node.watch.blink(at: monotonic(of: node))
            node.state.fail(request.number)
            // Not at once: there may be news that cannot be told.
            node.asking = nil
            after(limits.nodePollInterval.simulated, node) { self.poll(node) }
            return
        }
        let number = fault == .lateAnswersCount ? node.asking ?? request.number : request.number
        guard !node.isApplying, let events = node.state.receive(answer, to: number) else { return }
        note(node, "hears \(request.number): \(answer)")
        if answer == .refused {
            outcome.counts.refusals += 1
            node.lease = nil
            return pollAgain(node)
        }
        if case .register = request.question { outcome.counts.joins += 1 }
        node.isApplying = true
        switch fault {
        case .trustsBeforeApplying:
            node.lease = node.state.complete()
            apply(events, on: node) { self.pollAgain(node) }
        case .acknowledgesBeforeApplying:
            let lease = node.state.complete()
            pollAgain(node)
            apply(events, on: node) { node.lease = lease }
        default:
            let isNew = if case .register = request.question { true } else { false }
            let kept = fault == .joinsWithoutForgetting && isNew ? [] : events
            apply(kept, on: node) {
                let lease = node.state.complete()
                self.soon(node) {
                    let received = Lease(sent: self.reading(of: node), duration: self.limits.leaseDuration)
                    node.lease = self.fault == .leaseFromReceipt ? received : lease
                    self.pollAgain(node)
                }
            }
        }
        care(for: node)
    }

    /// One event after the other, as a thread that others run beside.
    private func apply(_ events: [ClusterEvent], on node: SimulatedNode, _ then: @escaping () -> Void) {
        guard let event = events.first else { return soon(node, then) }
        soon(node) {
            self.apply(event, on: node)
            self.apply(Array(events.dropFirst()), on: node, then)
        }
    }

    /// Makes a node's caches forget what an event has made wrong.
    func apply(_ event: ClusterEvent, on node: SimulatedNode) {
        if event == .everything { outcome.counts.forgotten += 1 }
        switch (fault, event) {
        case (.tombstonesSkipped, .credential(let id)):
            node.credentials.remove(Universe.digests[Int(id.low)])
        case (.kindForgotten, .credentials):
            break
        default:
            ClusterEvent.apply(CollectionOfOne(event), to: node.credentials, node.history)
        }
    }

    private func care(for node: SimulatedNode) {
        let time = monotonic(of: node)
        guard time >= node.nextCare else { return }
        node.nextCare = time + limits.nodeCareInterval.simulated
        ask(node) {
            self.database.members
        } answer: { members in
            guard let members else { return }
            let time = self.monotonic(of: node)
            node.watch.see(members, at: time)
            let orders = node.watch.orders(silence: self.limits.silenceDuration, except: node.state.id, at: time)
            self.follow(orders, node)
            self.ask(node) {
                self.database.deleteAppliedEvents()
            } answer: { _ in
            }
        }
    }

    /// Does what an observer has concluded, whenever that arrives.
    func follow(_ orders: [NodeWatch.Order], _ node: SimulatedNode) {
        for order in orders {
            note(node, "orders \(order)")
            switch order {
            case .refuse(let member):
                let eviction = newID()
                ask(node, canBeDoubled: true) {
                    if self.fault == .removesAtOnce || self.fault == .removesSilent {
                        self.database.removeUnrefused(member)
                    } else {
                        self.database.refuse(member, eviction: eviction)
                    }
                } answer: { _ in
                }
            case .remove(let id, let eviction):
                ask(node, canBeDoubled: true) {
                    self.database.remove(id, eviction: eviction)
                } answer: { _ in
                }
            }
        }
    }

    // MARK: Clocks

    func reading(of node: SimulatedNode) -> ClockReading {
        let boot = node.boot.read(at: now)
        return ClockReading(sinceBoot: boot, wall: fault == .oneClock ? boot : node.wall.read(at: now))
    }

    func monotonic(of node: SimulatedNode) -> Int64 { node.boot.read(at: now) }
}
