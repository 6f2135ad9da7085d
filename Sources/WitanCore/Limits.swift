/// Every bound on size, number and time, in one place.
///
/// The values are the defaults; `witan serve` overrides the ones that have a setting.
package struct Limits: Sendable {
    // MARK: What comes in

    /// The longest request body, in bytes; a longer one is answered 413 without being read.
    package var requestBodyBytes = 1 << 20

    /// The longest request head (request line and headers), in bytes; after a longer one the connection closes.
    package var requestHeadBytes = 32 << 10

    /// How deep a JSON body may nest.
    package var jsonDepth = 64

    /// The longest credential that is looked at, in bytes; JSON Web Tokens are the longest kind.
    package var credentialBytes = 8 << 10

    /// The longest name of an object, in characters.
    package var nameCharacters = 1_024

    /// The longest other text in a request's member, in characters.
    package var textCharacters = 4_096

    /// How many items a list in a body may have.
    package var listItems = 10_000

    /// How many items the lists may have by which one call adds or removes people or grants.
    package var batchItems = 1_000

    /// How many groups one invitation may name by ids, and how many by names.
    package var invitationGroups = 100

    /// How many values a repeatable query parameter may have.
    package var repeatedQueryValues = 1_000

    // MARK: Time

    /// How long a request may take to arrive, and then to wait for the database.
    package var requestDuration: Duration = .seconds(30)

    /// How long a client may take to send a request's head.
    package var requestHeadDuration: Duration = .seconds(10)

    /// How long a connection may stay without traffic.
    package var idleConnectionDuration: Duration = .seconds(75)

    /// How long requests that are under way may still take after SIGTERM.
    package var drainDuration: Duration = .seconds(20)

    /// How long to wait for another process's lock on the database.
    package var databaseLockDuration: Duration = .seconds(5)

    /// How long one statement may run; it is interrupted then, and its transaction undone.
    package var statementDuration: Duration = .seconds(10)

    /// How long a request for a JWKS document may take.
    package var keySetFetchDuration: Duration = .seconds(5)

    /// The least time between two requests for a JWKS document.
    package var keySetRefreshInterval: Duration = .seconds(30)

    /// How long the window is in which refusals after the first are only counted (design: access control, section 5).
    package var refusalWindow: Duration = .seconds(10)

    /// The time between two looks for counts of refusals that are to be written.
    package var refusalFlushInterval: Duration = .seconds(5)

    // MARK: Number

    /// How many requests may be under way at once; further ones are answered 503 with `Retry-After`.
    package var requestsInFlight = 1_024

    /// How many connections may be open at once; further ones wait in the listen queue.
    package var connections = 10_000

    /// How many transactions may wait for the database; further ones are answered 503.
    package var queuedTransactions = 4_096

    /// How many transactions share a commit, or a snapshot, at the most.
    package var transactionsPerGroup = 256

    /// How many verified credentials are kept in memory.
    package var cachedCredentials = 100_000

    /// How many compiled permissions of each kind are kept in memory: of users in organizations, and on objects.
    package var cachedPermissions = 100_000

    /// How many rate limiters of each kind are kept in memory.
    package var rateLimiters = 100_000

    /// The longest account of a change that the audit log keeps, in bytes of JSON; of a longer one it keeps the names.
    package var auditDetailsBytes = 16 << 10

    /// How many refusals of one kind are rows of the audit log in a window; at least one.
    package var refusalsPerWindow = 10

    /// How many kinds of refusals are counted at once; each refusal of a further kind is a row.
    package var refusalKinds = 1_000

    /// The longest JWKS document, in bytes.
    package var keySetBytes = 1 << 20

    /// The defaults.
    package init() {}
}
