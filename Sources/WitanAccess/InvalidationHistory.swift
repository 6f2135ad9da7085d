import DequeModule

/// What was invalidated lately, for the fills that were reading the database at the time.
///
/// Each invalidation has an epoch, one more than the one before it. A fill is refused when one that concerns it is newer
/// than the fill's beginning. Only so many are remembered: with each that is forgotten, every fill that began before it
/// is refused, because nobody can tell any more whether it was concerned.
struct InvalidationHistory: Sendable {
    /// The newest invalidation's epoch.
    private(set) var epoch: UInt64 = 0

    /// Fills that began before this epoch are refused.
    private var floor: UInt64 = 0

    private let capacity: Int
    private var latest: [CredentialOwner: UInt64] = [:]
    private var order: Deque<(owner: CredentialOwner, epoch: UInt64)> = []

    /// Takes how many invalidations to remember.
    init(capacity: Int) {
        self.capacity = capacity
    }

    /// Remembers that everything of an owner was invalidated.
    mutating func record(_ owner: CredentialOwner) {
        epoch += 1
        latest[owner] = epoch
        order.append((owner, epoch))
        if order.count > capacity, let oldest = order.popFirst() {
            floor = max(floor, oldest.epoch)
            if latest[oldest.owner] == oldest.epoch {
                latest[oldest.owner] = nil
            }
        }
    }

    /// Remembers that everything was invalidated; what was revoked stays so.
    mutating func recordAll() {
        epoch += 1
        floor = epoch
    }

    /// Whether nothing that concerns these owners was invalidated since `epoch`.
    func permitsFill(since epoch: UInt64, owners: [CredentialOwner]) -> Bool {
        epoch >= floor
            && owners.allSatisfy { owner in
                guard let invalidated = latest[owner] else { return true }
                // A credential is revoked for good, whatever an old snapshot of the database still says.
                if case .credential = owner { return false }
                return invalidated <= epoch
            }
    }
}
