/// A mistake that a run can make on purpose, to show that the simulation would find it.
package enum Fault: String, Sendable, CaseIterable {
    /// What is cached is used without a lease.
    case leaseUnchecked = "lease-unchecked"
    /// The lease begins when the answer is there.
    case leaseFromReceipt = "lease-from-receipt"
    /// The lease is read after the look-up that it stands for.
    case leaseReadAfterLookup = "lease-read-after-lookup"
    /// The lease is held by one clock alone, which may stop.
    case oneClock = "one-clock"
    /// A lease begins before what came with it is applied.
    case trustsBeforeApplying = "trusts-before-applying"
    /// A node tells that it has applied what it has only read.
    case acknowledgesBeforeApplying = "acknowledges-before-applying"
    /// The answer to an earlier question counts for the one that is under way.
    case lateAnswersCount = "late-answers-count"
    /// A change is answered without waiting for others.
    case waitSkipped = "wait-skipped"
    /// A change is answered by rows that were read before its commit.
    case rowsFromBeforeCommit = "rows-from-before-commit"
    /// A node that registers keeps what it has cached.
    case joinsWithoutForgetting = "joins-without-forgetting"
    /// A node that registers again does so under the same id.
    case registrationReused = "registration-reused"
    /// A registration may be lost with the database's last moments.
    case registrationNotDurable = "registration-not-durable"
    /// A node that goes on after the database has lost commits takes new changes for those that it knows.
    case lostCommitsUnnoticed = "lost-commits-unnoticed"
    /// A node that is stopped ends its registration while it still uses what it has cached.
    case leavesBeforePuttingDown = "leaves-before-putting-down"
    /// A change that was made before is answered while the one that made it still waits.
    case repeatsUnawaited = "repeats-unawaited"
    /// A change that was made before waits for the other nodes, and not for the one that answers.
    case repeatsAwaitOthersAlone = "repeats-await-others-alone"
    /// A silent node is removed at once, though its lease may be held.
    case removesAtOnce = "removes-at-once"
    /// A node is removed when it was silent for longer than a lease, without being refused first.
    case removesSilent = "removes-silent"
    /// A value that was read before a change is kept after it.
    case fillsIgnoreChanges = "fills-ignore-changes"
    /// A revocation empties the cache and is forgotten.
    case tombstonesSkipped = "tombstones-skipped"
    /// One kind of change is told to nobody.
    case kindForgotten = "kind-forgotten"
    /// The changes are read from a copy that is some moments old.
    case readsFromCopy = "reads-from-copy"

    /// What it does, for people.
    package var summary: String { rawValue.split(separator: "-").joined(separator: " ") }
}
