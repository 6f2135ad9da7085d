import WitanAccess
import WitanCluster
import WitanCore

// What a request goes through: what `Authenticator` and `AccessControl` do, one step at a time.
extension SimulatedWorld {
    /// A request as the client sent it.
    private final class Request {
        let number: Int
        /// What was promised when it was sent.
        let promise: Promise
        var wasLoaded = false

        init(_ number: Int, _ promise: Promise) {
            self.number = number
            self.promise = promise
        }
    }

    /// Sends a request with a key.
    func send(key number: Int, to node: SimulatedNode) {
        let request = Request(number, promise)
        after(dice.duration(.microseconds(50), .milliseconds(1)), node) { self.authenticate(request, on: node) }
    }

    private func authenticate(_ request: Request, on node: SimulatedNode) {
        let digest = Universe.digests[request.number]
        guarding(node) {
            node.credentials.lookup(digest)
        } then: { key in
            if let key { return self.authorize(request, key, on: node) }
            let token = node.credentials.beginFill(digest)
            self.ask(node) {
                self.database.access.key(request.number)
            } answer: { answer in
                guard let found = answer else {
                    self.outcome.counts.unavailable += 1
                    return
                }
                guard let key = found else {
                    self.outcome.counts.refused += 1
                    return
                }
                request.wasLoaded = true
                self.soon(node) {
                    let token = self.fault == .fillsIgnoreChanges ? node.credentials.beginFill(digest) : token
                    if !node.credentials.fill(token, with: key) { self.outcome.counts.droppedFills += 1 }
                    self.soon(node) { self.authorize(request, key, on: node) }
                }
            }
        }
    }

    private func authorize(_ request: Request, _ key: SimulatedKey, on node: SimulatedNode) {
        guarding(node) {
            node.grants.lookup(key.user)
        } then: { grant in
            if let grant { return self.accept(request, key, grant, on: node) }
            let token = node.grants.beginFill()
            self.ask(node) {
                self.database.access.grant(key.user)
            } answer: { answer in
                guard let grant = answer else {
                    self.outcome.counts.unavailable += 1
                    return
                }
                request.wasLoaded = true
                self.soon(node) {
                    let token = self.fault == .fillsIgnoreChanges ? node.grants.beginFill() : token
                    node.grants.fill(token, for: key.user, with: grant)
                    self.soon(node) { self.accept(request, key, grant, on: node) }
                }
            }
        }
    }

    /// `CacheLease.guarding`, between whose steps others run.
    private func guarding<Value>(
        _ node: SimulatedNode,
        _ lookup: @escaping () -> Value?,
        then: @escaping (Value?) -> Void
    ) {
        func check(_ value: Value?, _ lease: Lease?) {
            let isHeld = lease?.isHeld(at: reading(of: node)) ?? false
            if value != nil, !isHeld { outcome.counts.untrusted += 1 }
            then(isHeld ? value : nil)
        }
        switch fault {
        case .leaseUnchecked:
            then(lookup())
        case .leaseReadAfterLookup:
            let value = lookup()
            soon(node) { check(value, node.lease) }
        default:
            let lease = node.lease
            soon(node) {
                let value = lookup()
                self.soon(node) { check(value, lease) }
            }
        }
    }

    private func accept(_ request: Request, _ key: SimulatedKey, _ grant: SimulatedGrant, on node: SimulatedNode) {
        if request.wasLoaded { outcome.counts.loaded += 1 } else { outcome.counts.cached += 1 }
        // What the database has lost since may be lost to whoever asked before.
        guard request.promise.era == promise.era, let objection = request.promise.objection(to: key, grant) else {
            return
        }
        note(node, "ACCEPTS key \(key.number), though \(objection)")
        outcome.violations.append("\(node.name) accepted a request with key \(key.number), though \(objection)")
    }
}
