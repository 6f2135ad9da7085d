import Testing
import WitanCluster
import WitanCore
import WitanStorage

@Suite("How long a change waits for the other nodes")
struct ChangeWaitsTests {
    private static func node(
        _ number: UInt64,
        applied: Int64,
        renewals: Int64 = 1,
        eviction: UInt64? = nil
    ) -> ClusterMember {
        ClusterMember(
            id: ObjectID(high: 9, low: number),
            name: "",
            applied: applied,
            renewals: renewals,
            eviction: eviction.map { ObjectID(high: 8, low: $0) }
        )
    }

    private static let millisecond: Int64 = 1_000_000

    /// Reads the rows and says which waits are over.
    private static func read(
        _ waits: inout ChangeWaits,
        _ members: [ClusterMember]?,
        own: UInt64? = nil,
        at milliseconds: Int64 = 1
    ) -> (done: [ChangeWaits.Ticket], orders: [NodeWatch.Order]) {
        let reading = waits.beginReading()
        return waits.endReading(
            reading,
            members,
            own: own.map { ObjectID(high: 9, low: $0) },
            at: milliseconds * millisecond
        )
    }

    @Test("what another process has done is waited for in one's own too")
    func ownNode() {
        var waits = ChangeWaits()
        let own = waits.join(5, at: 0)
        let others = waits.join(5, isOwn: false, at: 0)
        #expect(Self.read(&waits, [Self.node(1, applied: 4), Self.node(2, applied: 5)], own: 1).done == [own])
        #expect(Self.read(&waits, [Self.node(1, applied: 5), Self.node(2, applied: 5)], own: 1).done == [others])
        #expect(waits.isEmpty)
    }

    @Test("until each other node has applied it, whatever the own one has")
    func applied() {
        var waits = ChangeWaits()
        let five = waits.join(5, at: 0)
        let six = waits.join(6, at: 0)
        #expect(Self.read(&waits, [Self.node(1, applied: 4), Self.node(2, applied: 6)], own: 3).done == [])
        #expect(Self.read(&waits, [Self.node(1, applied: 5), Self.node(2, applied: 6)], own: 3).done == [five])
        #expect(Self.read(&waits, [Self.node(1, applied: 5), Self.node(2, applied: 6)], own: 1).done == [six])
        #expect(waits.isEmpty)
    }

    @Test("not at all when there is nobody else")
    func alone() {
        var waits = ChangeWaits()
        let ticket = waits.join(5, at: 0)
        #expect(Self.read(&waits, [Self.node(1, applied: 0)], own: 1).done == [ticket])
        let another = waits.join(6, at: 0)
        #expect(Self.read(&waits, []).done == [another])
    }

    @Test("rows that were asked for before the commit was answered tell nothing")
    func earlyReading() {
        var waits = ChangeWaits()
        let reading = waits.beginReading()
        let ticket = waits.join(5, at: 0)
        #expect(waits.endReading(reading, [], own: nil, at: 1).done == [])
        #expect(Self.read(&waits, []).done == [ticket])
    }

    @Test("a second, when the rows cannot be read")
    func unreadable() {
        var waits = ChangeWaits()
        let ticket = waits.join(5, at: 3 * Self.millisecond)
        #expect(ticket.deadline == 1_003 * Self.millisecond)
        #expect(Self.read(&waits, nil).done == [])
        #expect(!waits.isEmpty)
        waits.leave(ticket)
        #expect(waits.isEmpty)
    }

    @Test("a node that gives no sign of life while somebody waits for it is refused, and then removed a second later")
    func silence() {
        var waits = ChangeWaits()
        let silent = Self.node(1, applied: 4)
        _ = waits.join(5, at: 0)
        #expect(Self.read(&waits, [silent], at: 1).orders == [])
        #expect(Self.read(&waits, [silent], at: 950).orders == [])
        #expect(Self.read(&waits, [silent], at: 951).orders == [.refuse(silent)])
        let refused = Self.node(1, applied: 4, eviction: 1)
        #expect(Self.read(&waits, [refused], at: 955).orders == [])
        #expect(Self.read(&waits, [refused], at: 1_954).orders == [])
        #expect(
            Self.read(&waits, [refused], at: 1_955).orders
                == [.remove(silent.id, eviction: ObjectID(high: 8, low: 1))]
        )
    }

    @Test("a node that is refused by another later is removed a second after that")
    func refusedAgain() {
        var waits = ChangeWaits()
        _ = waits.join(5, at: 0)
        _ = Self.read(&waits, [Self.node(1, applied: 4, eviction: 1)], at: 0)
        _ = Self.read(&waits, [Self.node(1, applied: 4, eviction: 2)], at: 900)
        #expect(Self.read(&waits, [Self.node(1, applied: 4, eviction: 2)], at: 1_899).orders == [])
        #expect(Self.read(&waits, [Self.node(1, applied: 4, eviction: 2)], at: 1_900).orders.count == 1)
    }

    @Test("whoever goes on renewing is not refused, however long it has not applied a change")
    func slow() {
        var waits = ChangeWaits()
        _ = waits.join(5, at: 0)
        for second: Int64 in 0...10 {
            let slow = Self.node(1, applied: 4, renewals: second)
            #expect(Self.read(&waits, [slow], at: 1_000 * second).orders == [])
        }
    }

    @Test("silence while the rows could not be read is nobody's fault")
    func blink() {
        var waits = ChangeWaits()
        let silent = Self.node(1, applied: 4)
        _ = waits.join(5, at: 0)
        _ = Self.read(&waits, [silent], at: 0)
        _ = Self.read(&waits, nil, at: 900)
        #expect(Self.read(&waits, [silent], at: 1_800).orders == [])
        #expect(Self.read(&waits, [silent], at: 1_850).orders == [.refuse(silent)])
    }

    @Test("an observer refuses others and not its own node, and counts those that live")
    func watch() {
        var watch = NodeWatch()
        let (own, other) = (Self.node(1, applied: 4), Self.node(2, applied: 4))
        watch.see([own, other], at: 0)
        #expect(watch.liveNodes(at: 0) == 2)
        watch.see([own, Self.node(2, applied: 4, renewals: 2)], at: 3_000 * Self.millisecond)
        #expect(watch.liveNodes(at: 3_000 * Self.millisecond) == 2)
        #expect(watch.liveNodes(at: 3_001 * Self.millisecond) == 1)
        let now = 9_000 * Self.millisecond
        let orders = watch.orders(silence: .seconds(5), except: own.id, at: now)
        #expect(orders == [.refuse(Self.node(2, applied: 4, renewals: 2))])
        watch.see([own, Self.node(2, applied: 4, renewals: 3, eviction: 1)], at: now)
        #expect(watch.liveNodes(at: now) == 0)
        watch.see([own], at: now)
        #expect(watch.orders(silence: .seconds(5), except: own.id, at: now) == [])
    }
}
