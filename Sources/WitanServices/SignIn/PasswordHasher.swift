package import Dispatch
import Synchronization
package import WitanAccess
package import WitanCore

/// Makes and checks passwords' hashes on a thread of its own, one after the other.
///
/// A hash takes a processor for some tenths of a second and 32 MiB: neither the cooperative pool nor the memory may
/// depend on how many people sign in at once. Nobody takes all places: an address has a share, and an account has.
package final class PasswordHasher: Sendable {
    /// Who sent a password, and whose it is to be.
    package struct Asker: Sendable {
        fileprivate let shares: [Share]

        /// The address as limits count it, and the account's.
        package init(address: String, account: String) {
            shares = [.address(address), .account(account)]
        }
    }

    fileprivate enum Share: Hashable {
        case address(String)
        case account(String)
    }

    private struct Waiting {
        var count = 0
        var shares: [Share: Int] = [:]
    }

    private let queue: DispatchQueue
    private let waiting = Mutex(Waiting())
    private let random: RandomSource
    private let limits: Limits

    /// Takes the randomness of salts, how many may wait at once, and what works them off.
    package init(
        random: RandomSource,
        limits: Limits = Limits(),
        queue: DispatchQueue = DispatchQueue(label: "witan.passwords", qos: .userInitiated)
    ) {
        self.random = random
        self.limits = limits
        self.queue = queue
    }

    /// The hash of a new password.
    ///
    /// - Throws: `.unavailable` when too many wait.
    package func hash(_ password: String, for asker: Asker) async throws -> PasswordHash {
        try await run(for: asker) { [random] in
            var random = random
            return try PasswordHash.make(password, using: &random)
        }
    }

    /// Whether a password is that of the hash; without one the same work is done for nothing.
    ///
    /// - Throws: `.unavailable` when too many wait.
    package func isRight(
        _ password: String,
        for hash: PasswordHash?,
        from asker: Asker
    ) async throws -> Bool {
        try await run(for: asker) { try (hash ?? .nobodys).isHash(of: password) && hash != nil }
    }

    private func run<Value: Sendable>(
        for asker: Asker,
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try enter(asker)
        defer { leave(asker) }
        return try await TransactionDeadline.postponed {
            try await withCheckedThrowingContinuation { continuation in
                queue.async { continuation.resume(with: Result(catching: work)) }
            }
        }
    }

    private func enter(_ asker: Asker) throws(Failure) {
        let crowd: String? = waiting.withLock { waiting in
            guard waiting.count < limits.queuedPasswords else { return "Too many people are signing in" }
            for share in asker.shares where waiting.shares[share, default: 0] >= limit(of: share) {
                return "Too many are signing in from your address or to this account"
            }
            waiting.count += 1
            for share in asker.shares { waiting.shares[share, default: 0] += 1 }
            return nil
        }
        guard let crowd else { return }
        throw Failure(
            .unavailable,
            "\(crowd) at this moment; try again in a few seconds.",
            retryAfter: .seconds(5)
        )
    }

    private func leave(_ asker: Asker) {
        waiting.withLock { waiting in
            waiting.count -= 1
            for share in asker.shares {
                let left = waiting.shares[share, default: 1] - 1
                waiting.shares[share] = left > 0 ? left : nil
            }
        }
    }

    private func limit(of share: Share) -> Int {
        switch share {
        case .address: limits.queuedPasswordsOfAddress
        case .account: limits.queuedPasswordsOfAccount
        }
    }
}
