import Testing
import WitanAccess
import WitanCluster
import WitanCore
import WitanServices
import WitanStorage

@Suite("Everything that a change makes wrong is told to the other nodes")
struct ChangeEventTests {
    private struct Key: CachedCredential {
        var credentialID = ObjectID(high: 1, low: 1)
        var userID = ObjectID(high: 2, low: 1)
        var organizationID = ObjectID(high: 3, low: 1)
    }

    private struct Standing: DependentValue {
        let dependencies: [AccessSubject]
    }

    private static let id = ObjectID(high: 5, low: 1)
    private static let object = ObjectID(high: 6, low: 1)

    /// Each part of `AccessChanges`, and what it is told as.
    private static let parts: [(name: String, set: @Sendable (inout AccessChanges) -> Void, events: [ClusterEvent])] = [
        (
            "subjects",
            { changes in
                changes.subjects = [.user(id), .group(id), .role(id), .grant(principal: id, object: object)]
            },
            [.user(id), .group(id), .role(id), .grant(principal: id, object: object)]
        ),
        ("revokedCredentials", { $0.revokedCredentials = [id] }, [.credential(id)]),
        ("users", { $0.users = [id] }, [.credentials(userID: id)]),
        ("allCredentials", { $0.allCredentials = true }, [.allCredentials]),
        // There is nothing to tell: whatever did it before was told.
        ("wasDoneBefore", { $0.wasDoneBefore = true }, []),
    ]

    @Test("each part of what a change notes becomes events, and there is no other part")
    func parts() {
        let names = Mirror(reflecting: AccessChanges()).children.compactMap(\.label)
        #expect(names == Self.parts.map(\.name), "Tell the other nodes of the new part, and name it here.")
        #expect(AccessChanges().events.isEmpty)
        for part in Self.parts {
            var changes = AccessChanges()
            part.set(&changes)
            #expect(changes.events == part.events, "\(part.name)")
        }
    }

    @Test("each kind of subject has an event of its own")
    func subjects() {
        for subject in Self.subjects(of: .user(Self.id)) {
            var changes = AccessChanges()
            changes.subjects = [subject]
            #expect(changes.events.count == 1)
            #expect(Self.effects(of: changes.events, on: subject) == [false, true], "\(subject)")
        }
    }

    @Test("each kind of event empties the caches of what it is about, and of nothing else")
    func effects() {
        for event in Self.kinds(of: .everything) {
            // Whether the key and the standing are still there.
            let expected =
                switch event {
                case .credential, .credentials, .allCredentials: [false, true]
                case .user, .group, .role, .grant: [true, false]
                case .everything: [false, false]
                }
            let credentials = CredentialCache<Key>(capacity: 4)
            let history = AccessHistory()
            let standings = DependentCache<Int, Standing>(capacity: 4, history: history)
            let digest = CredentialDigest(of: "key")
            let other = CredentialDigest(of: "another key")
            credentials.fill(credentials.beginFill(digest), with: Key())
            let otherKey = Key(credentialID: Self.id, userID: Self.id, organizationID: Self.id)
            credentials.fill(credentials.beginFill(other), with: otherKey)
            standings.fill(
                standings.beginFill(),
                for: 1,
                with: Standing(dependencies: Self.subjects(of: .user(Self.id)))
            )
            standings.fill(standings.beginFill(), for: 2, with: Standing(dependencies: [.user(Self.object)]))
            ClusterEvent.apply([event], to: credentials, history)
            #expect([credentials.lookup(digest) != nil, standings.lookup(1) != nil] == expected, "\(event)")
            let isAboutAll = event == .everything
            #expect((credentials.lookup(other) == nil) == (isAboutAll || event == .allCredentials), "\(event)")
            #expect((standings.lookup(2) == nil) == isAboutAll, "\(event)")
        }
    }

    /// Whether a standing that depends on a subject is still there, and one that depends on another.
    private static func effects(of events: [ClusterEvent], on subject: AccessSubject) -> [Bool] {
        let history = AccessHistory()
        let standings = DependentCache<Int, Standing>(capacity: 4, history: history)
        standings.fill(standings.beginFill(), for: 1, with: Standing(dependencies: [subject]))
        standings.fill(standings.beginFill(), for: 2, with: Standing(dependencies: [.user(object)]))
        ClusterEvent.apply(events, to: CredentialCache<Key>(capacity: 4), history)
        return [standings.lookup(1) != nil, standings.lookup(2) != nil]
    }

    /// One of each kind; a kind that is new does not compile until it is listed.
    private static func subjects(of any: AccessSubject) -> [AccessSubject] {
        switch any {
        case .user, .group, .role, .grant: [.user(id), .group(id), .role(id), .grant(principal: id, object: object)]
        }
    }

    private static func kinds(of any: ClusterEvent) -> [ClusterEvent] {
        switch any {
        case .credential, .credentials, .allCredentials, .user, .group, .role, .grant, .everything:
            [
                .credential(Key().credentialID), .credentials(userID: Key().userID), .allCredentials, .user(id),
                .group(id), .role(id), .grant(principal: id, object: object), .everything,
            ]
        }
    }
}
