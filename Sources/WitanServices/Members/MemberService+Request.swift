import WitanAccess
import WitanCore
import WitanJSON
import WitanResources
import WitanStorage

// One request: whom it names, and whether its caller may.
extension MemberService {
    /// A request under way, and what has come of it.
    struct Work: Sendable {
        let organizationID: ObjectID
        let caller: Caller
        let access: Access?
        var changes = AccessChanges()
        var added: [Added] = []
        var invited: [String] = []
    }

    func update(
        _ request: MembershipRequest,
        _ work: inout Work,
        on connection: any SQLConnection
    ) throws {
        if request.adds {
            try require(.create, work)
            let groups = try groups(of: request, work, on: connection)
            for account in try invited(by: request, work, on: connection) {
                try add(account, to: groups, &work, on: connection)
                work.invited.append(account.email)
            }
            for account in request.serviceAccounts {
                try add(account, to: groups, &work, on: connection)
            }
        }
        if request.removes {
            try require(.delete, work)
            for account in try removed(by: request, on: connection) {
                try remove(account, &work, on: connection)
            }
            try accesses.requireOwner(of: work.organizationID, on: connection)
        }
    }

    func require(_ permission: Permission, _ work: Work) throws(Failure) {
        guard let access = work.access,
            access.holds(permission, overAll: .orgMember, in: work.organizationID)
        else {
            throw Failure(
                .forbidden,
                "Missing \(permission.rawValue) access to members of organization id \(work.organizationID)"
            )
        }
    }

    /// The groups that new members come into; nobody gives by them what they do not hold themselves.
    func groups(
        of request: MembershipRequest,
        _ work: Work,
        on connection: any SQLConnection
    ) throws(Failure) -> [ObjectID] {
        var groups: [ObjectID] = []
        for id in request.groupIDs {
            guard try accesses.isThere("group", id, in: work.organizationID, on: connection) else {
                throw Failure(.forbidden, "Missing read access to group id \(id), or the group does not exist")
            }
            groups.append(id)
        }
        for name in request.groupNames {
            groups.append(try groupID(named: name, in: work.organizationID, on: connection))
        }
        // Whoever comes, comes into each once, however often it is named.
        var seen: Set<ObjectID> = []
        groups = groups.filter { seen.insert($0).inserted }
        for group in groups {
            try work.access?.requireCoveringGrants(toGroup: group, in: accesses, on: connection)
        }
        return groups
    }

    func groupID(
        named name: String,
        in organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> ObjectID {
        guard let id = try accounts.groupID(named: name, in: organizationID, on: connection) else {
            throw Failure(.forbidden, "The organization has no group named \(name).")
        }
        return id
    }

    /// The people to add, of whom those that are new are made.
    func invited(
        by request: MembershipRequest,
        _ work: Work,
        on connection: any SQLConnection
    ) throws(Failure) -> [Account] {
        var invited: [Account] = []
        for id in request.inviteIDs {
            guard let account = try accounts.account(userID: id, on: connection), isKnown(account, work) else {
                throw Failure(.forbidden, "Missing read access to user id \(id), or the user does not exist")
            }
            invited.append(account)
        }
        for (index, email) in request.inviteEmails.enumerated() {
            guard !email.lowercased().hasSuffix("@\(Self.serviceAccountDomain)") else {
                throw Failure(invalid: [
                    Failure.Issue(
                        path: ["invite_users", "emails", String(index)],
                        message: "must be an address of a person, like a@example.com"
                    )
                ])
            }
            if let existing = try accounts.account(email: email, on: connection) {
                invited.append(existing)
            } else {
                invited.append(try makePerson(NewPerson(email: email), on: connection))
            }
        }
        var seen: Set<ObjectID> = []
        return invited.filter { account in
            seen.insert(account.userID).inserted
                && !account.memberships.contains { $0.organizationID == work.organizationID }
        }
    }

    /// Whether the caller may know of a user: they meet them in an organization whose members they may read.
    func isKnown(_ account: Account, _ work: Work) -> Bool {
        let organizations = account.memberships.map(\.organizationID)
        if organizations.contains(work.organizationID) { return true }
        guard !account.isServiceAccount, let access = work.access else { return false }
        return organizations.contains { access.holds(.read, overAll: .orgMember, in: $0) }
    }

    func removed(
        by request: MembershipRequest,
        on connection: any SQLConnection
    ) throws(Failure) -> [Account] {
        var removed: [Account] = []
        for id in request.removeIDs {
            if let account = try accounts.account(userID: id, on: connection) { removed.append(account) }
        }
        for email in request.removeEmails {
            if let account = try accounts.account(email: email, on: connection) { removed.append(account) }
        }
        return removed
    }
}
