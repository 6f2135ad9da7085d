/// Finds the slots of an owner's credentials: one doubly linked list through the slots for each owner.
///
/// Adding and removing take constant time, and an owner without slots takes no memory.
struct OwnerIndex: Sendable {
    private struct Link {
        var previous: Int32?
        var next: Int32?
    }

    private static let kinds = 3

    private var heads: [CredentialOwner: Int32] = [:]

    /// Three for each slot, one of each kind of owner.
    private var links: [Link] = []

    /// The owner's slot that was added last; `nil` when there is none.
    func first(of owner: CredentialOwner) -> Int? {
        heads[owner].map(Int.init)
    }

    /// Adds a slot to the lists of its owners, one of each kind.
    mutating func insert(_ slot: Int, owners: [CredentialOwner]) {
        let missing = (slot + 1) * Self.kinds - links.count
        if missing > 0 {
            links.append(contentsOf: repeatElement(Link(), count: missing))
        }
        for owner in owners {
            let head = heads.updateValue(Int32(slot), forKey: owner)
            self[slot, owner] = Link(previous: nil, next: head)
            if let head {
                self[Int(head), owner].previous = Int32(slot)
            }
        }
    }

    /// Takes a slot out of the lists that `insert` added it to.
    mutating func remove(_ slot: Int, owners: [CredentialOwner]) {
        for owner in owners {
            let link = self[slot, owner]
            if let previous = link.previous {
                self[Int(previous), owner].next = link.next
            } else {
                heads[owner] = link.next
            }
            if let next = link.next {
                self[Int(next), owner].previous = link.previous
            }
        }
    }

    private subscript(slot: Int, owner: CredentialOwner) -> Link {
        get { links[slot * Self.kinds + owner.kind] }
        set { links[slot * Self.kinds + owner.kind] = newValue }
    }
}
