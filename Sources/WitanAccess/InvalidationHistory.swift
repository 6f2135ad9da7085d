import DequeModule

/// What was invalidated lately, for those who read the database at the time.
///
/// Each invalidation has an epoch, one more than the one before it. What was read is good as long as nothing that it is
/// about was invalidated after the reading began. Only so many invalidations are remembered: with each that is
/// forgotten, whatever was read before it is no good, because nobody can tell any more whether it was concerned.
struct InvalidationHistory<Subject: InvalidationSubject>: Sendable {
    /// The newest invalidation's epoch.
    private(set) var epoch: UInt64 = 0

    /// What was read before this epoch is no good.
    private var floor: UInt64 = 0

    private let capacity: Int
    private var latest: [Subject: UInt64] = [:]
    private var order: Deque<(subject: Subject, epoch: UInt64)> = []

    /// Takes how many invalidations to remember.
    init(capacity: Int) {
        self.capacity = capacity
    }

    /// Remembers that everything about a subject was invalidated.
    mutating func record(_ subject: Subject) {
        epoch += 1
        latest[subject] = epoch
        order.append((subject, epoch))
        if order.count > capacity, let oldest = order.popFirst() {
            floor = max(floor, oldest.epoch)
            if latest[oldest.subject] == oldest.epoch {
                latest[oldest.subject] = nil
            }
        }
    }

    /// Remembers that everything was invalidated; what was invalidated for good stays so.
    mutating func recordAll() {
        epoch += 1
        floor = epoch
    }

    /// Whether nothing about these subjects was invalidated since `epoch`.
    func isUnchanged(_ subjects: some Sequence<Subject>, since epoch: UInt64) -> Bool {
        epoch >= floor
            && subjects.allSatisfy { subject in
                guard let invalidated = latest[subject] else { return true }
                return !subject.isInvalidatedForGood && invalidated <= epoch
            }
    }
}

/// What an invalidation is about.
protocol InvalidationSubject: Hashable, Sendable {
    /// Whether what is read after an invalidation is no good either, as long as the invalidation is remembered.
    var isInvalidatedForGood: Bool { get }
}
