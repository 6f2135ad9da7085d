/// A parser of what strangers send, and what must hold of it for any bytes.
///
/// The fuzzer looks for bytes that break it (`make fuzz`); the tests try the corpus and mutations of it.
package struct FuzzTarget: Sendable, CustomStringConvertible {
    /// What the parser made of an input.
    package enum Verdict: Sendable {
        /// It has read it.
        case accepted
        /// It has refused it, in the way it should.
        case refused
    }

    /// The target's name, which is also that of its folder in `Tests/Corpus`.
    package let name: String

    /// Gives the parser an input; throws a `BrokenInvariant` when something does not hold.
    ///
    /// It never waits, and says the same of the same bytes each time.
    package let check: @Sendable ([UInt8]) async throws -> Verdict

    /// The target's name.
    package var description: String { name }
}

extension FuzzTarget {
    /// Every target.
    package static let all = [
        authorization, claims, json, jwks, jwt, query, secret, secretsFile, timestamp, trace,
    ]
}

/// Something that should have held for an input, and did not.
package struct BrokenInvariant: Error, CustomStringConvertible {
    /// What should have held.
    package let description: String
}

/// Throws a `BrokenInvariant` unless something holds.
func require(_ holds: Bool, _ invariant: String) throws(BrokenInvariant) {
    guard holds else { throw BrokenInvariant(description: invariant) }
}

/// Gives a value that has to be there; throws a `BrokenInvariant` when it is not.
func require<Value>(_ value: Value?, _ invariant: String) throws(BrokenInvariant) -> Value {
    guard let value else { throw BrokenInvariant(description: invariant) }
    return value
}
