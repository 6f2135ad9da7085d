/// The CLOCK algorithm over numbered positions: which are free, and which were used since the hand went by.
///
/// Positions are numbered from 0 up as they are needed, so that the numbers in use stay small.
struct ClockHand: Sendable {
    private var wasUsed: [Bool] = []
    private var free: [Int] = []
    private var next = 0

    /// A free position for something new, which counts as unused.
    mutating func take() -> Int {
        if let position = free.popLast() { return position }
        wasUsed.append(false)
        return wasUsed.count - 1
    }

    /// Gives a position back.
    mutating func release(_ position: Int) {
        wasUsed[position] = false
        free.append(position)
    }

    /// Lets the hand go by once more before what is there must go.
    mutating func use(_ position: Int) {
        wasUsed[position] = true
    }

    /// The first position that was not used since the hand went by; none may be free.
    ///
    /// Each step beyond the first undoes an earlier use, so that the work for each use is constant.
    mutating func victim() -> Int {
        while true {
            let position = next
            next = (next + 1) % wasUsed.count
            guard wasUsed[position] else { return position }
            wasUsed[position] = false
        }
    }
}
