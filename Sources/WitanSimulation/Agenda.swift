/// What happens when, in order; things of one moment happen in the order in which they were planned.
struct Agenda {
    struct Item {
        /// Whose step it is: one that is dead takes none, one that is stopped takes it later.
        let node: SimulatedNode?
        let action: () -> Void
    }

    /// The place of an item in the order: plain numbers, which are cheap to move.
    private struct Entry {
        let time: Int64
        let order: Int32
        let slot: Int32

        func isBefore(_ other: Entry) -> Bool { (time, order) < (other.time, other.order) }
    }

    /// A binary heap with the first entry at the root.
    private var entries: [Entry] = []
    private var items: [Item?] = []
    private var free: [Int32] = []
    private var lastOrder: Int32 = 0

    mutating func plan(at time: Int64, _ node: SimulatedNode?, _ action: @escaping () -> Void) {
        lastOrder += 1
        let slot: Int32
        if let unused = free.popLast() {
            slot = unused
            items[Int(slot)] = Item(node: node, action: action)
        } else {
            slot = Int32(items.count)
            items.append(Item(node: node, action: action))
        }
        let entry = Entry(time: time, order: lastOrder, slot: slot)
        entries.append(entry)
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entry.isBefore(entries[parent]) else { break }
            entries[child] = entries[parent]
            child = parent
        }
        entries[child] = entry
    }

    mutating func next() -> (time: Int64, item: Item)? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        if !entries.isEmpty { sink(last) }
        guard let item = items[Int(first.slot)].take() else { preconditionFailure("An item was taken twice") }
        free.append(first.slot)
        return (first.time, item)
    }

    /// Puts an entry at the root and lets it sink to its place.
    private mutating func sink(_ entry: Entry) {
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1].isBefore(entries[child]) { child += 1 }
            guard entries[child].isBefore(entry) else { break }
            entries[parent] = entries[child]
            parent = child
        }
        entries[parent] = entry
    }
}
