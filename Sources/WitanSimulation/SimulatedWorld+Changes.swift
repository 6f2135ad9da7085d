import WitanAccess
import WitanCluster
import WitanCore
import WitanStorage

// How a change is made: what `AccessControl.commit` and `ClusterWaiter` do, one step at a time.
extension SimulatedWorld {
    /// A change is asked for; it is answered once nobody uses what it takes away.
    func make(_ change: Change, on node: SimulatedNode) {
        let events = change.events
        note(node, "is asked for \(change)")
        var isOver = false
        func publish(_ then: @escaping () -> Void) {
            self.soon(node) {
                for event in events { self.apply(event, on: node) }
                self.soon(node, then)
            }
        }
        ask(node) { () -> (sequence: Int64, commit: Promise.Commit, isRepeated: Bool) in
            if case .revoke(let number) = change, self.database.access.revoked.contains(number) {
                self.note(node, "finds \(change) done")
                self.outcome.counts.repeats += 1
                return (self.database.clock, Promise.Commit(change, in: self.database), true)
            }
            let told = self.fault == .kindForgotten ? events.filter { !$0.isOfForgottenKind } : events
            let sequence = self.database.commit(change, telling: told)
            self.note(node, "has \(change) committed as \(sequence)")
            self.notifyAll()
            self.repeatAtTimes(change)
            return (sequence, Promise.Commit(change, in: self.database), false)
        } answer: { answer in
            guard !isOver else { return }
            isOver = true
            guard let (sequence, commit, isRepeated) = answer else { return publish {} }
            func waitAndAnswer() {
                if isRepeated, self.fault == .repeatsUnawaited { return self.answer(commit, sequence, on: node) }
                let isOwn = !isRepeated || self.fault == .repeatsAwaitOthersAlone
                self.wait(for: sequence, isOwn: isOwn, on: node) { self.answer(commit, sequence, on: node) }
            }
            if isRepeated { waitAndAnswer() } else { publish(waitAndAnswer) }
        }
        // Nobody hears whether a commit whose answer is lost was made; it is not answered, and this node forgets.
        after(Duration.seconds(4).simulated, node) {
            guard !isOver else { return }
            isOver = true
            publish {}
        }
    }

    /// Somebody who has no answer yet, or a proxy, asks another node for the same.
    private func repeatAtTimes(_ change: Change) {
        guard case .revoke = change, dice.happens(perMille: 150) else { return }
        after(dice.duration(.milliseconds(1), .milliseconds(60))) {
            if let node = self.nodes.isEmpty ? nil : self.dice.pick(self.nodes) { self.make(change, on: node) }
        }
    }

    private func answer(_ commit: Promise.Commit, _ sequence: Int64, on node: SimulatedNode) {
        note(node, "answers \(commit.change), \(sequence)")
        outcome.counts.changes += 1
        promise.answer(commit)
        // Whoever has just heard of it tries it out, everywhere.
        let number: Int =
            switch commit.change {
            case .revoke(let number): number
            case .removeUser(let user), .removeGrant(let user): user + Universe.users
            case .changeOrganization, .changeGroup, .changeRole, .changeMuch: dice.below(Universe.keys)
            }
        for other in nodes {
            send(key: number, to: other)
            after(dice.duration(.zero, .milliseconds(1_200))) { if other.isAlive { self.send(key: number, to: other) } }
        }
    }

    private func wait(for sequence: Int64, isOwn: Bool, on node: SimulatedNode, _ then: @escaping () -> Void) {
        let start = monotonic(of: node)
        let began = now
        if fault == .waitSkipped { return then() }
        if fault == .rowsFromBeforeCommit, let members = node.lastMembers,
            members.allSatisfy({ $0.key == node.state.id || $0.value >= sequence })
        {
            return then()
        }
        let ticket = node.waits.join(sequence, isOwn: isOwn, at: start)
        node.waiting[ticket] = { isLong in
            node.waits.leave(ticket)
            let duration = self.monotonic(of: node) - start
            if isLong { self.outcome.counts.longWaits += 1 }
            self.outcome.counts.longestWait = max(self.outcome.counts.longestWait, duration)
            // Whoever was stopped meanwhile could not answer.
            if node.lastPauseEnd < began, duration > self.limits.changeWaitDuration.simulated + 1_000_000 {
                let text = "\(node.name) let a change wait for \(self.milliseconds(duration))"
                self.note(node, text)
                self.outcome.violations.append(text)
            }
            then()
        }
        awaitDeadline(of: ticket, node)
        look(node)
    }

    private func awaitDeadline(of ticket: ChangeWaits.Ticket, _ node: SimulatedNode) {
        let rest = ticket.deadline - monotonic(of: node)
        guard rest > 0 else {
            node.waiting.removeValue(forKey: ticket)?(true)
            return
        }
        after(node.boot.duration(of: rest) + 1_000, node) {
            if node.waiting[ticket] != nil { self.awaitDeadline(of: ticket, node) }
        }
    }

    /// Reads the rows while somebody waits.
    private func look(_ node: SimulatedNode) {
        guard !node.isLooking, !node.waits.isEmpty else { return }
        node.isLooking = true
        let reading = node.waits.beginReading()
        node.looking = reading
        func end(_ members: [ClusterMember]?) {
            guard node.looking == reading, node.isLooking else { return }
            node.isLooking = false
            if let members {
                node.lastMembers = Dictionary(members.map { ($0.id, $0.applied) }, uniquingKeysWith: { $1 })
            }
            let (done, orders) = node.waits.endReading(
                reading,
                members,
                own: node.state.id,
                at: self.monotonic(of: node)
            )
            self.follow(orders, node)
            for ticket in done { node.waiting.removeValue(forKey: ticket)?(false) }
            self.after(self.limits.nodeReadInterval.simulated, node) { self.look(node) }
        }
        ask(node) {
            self.database.members
        } answer: { members in
            end(members)
        }
        after(dice.duration(.milliseconds(100), .milliseconds(400)), node) { end(nil) }
    }
}

extension ClusterEvent {
    fileprivate var isOfForgottenKind: Bool {
        if case .credentials = self { true } else { false }
    }
}
