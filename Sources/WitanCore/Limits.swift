/// Every bound on size, number and time, in one place.
///
/// The values are the defaults; `witan serve` overrides the ones that have a setting.
package struct Limits: Sendable {
    // MARK: What comes in

    /// The longest request body, in bytes; a longer one is answered 413 without being read.
    package var requestBodyBytes = 1 << 20

    /// The longest form that a page takes, in bytes.
    package var formBytes = 64 << 10

    /// The longest request head (request line and headers), in bytes; after a longer one the connection closes.
    package var requestHeadBytes = 32 << 10

    /// How deep a JSON body may nest.
    package var jsonDepth = 64

    /// The longest credential that is looked at, in bytes; JSON Web Tokens are the longest kind.
    package var credentialBytes = 8 << 10

    /// The longest name of an object, in characters.
    package var nameCharacters = 1_024

    /// The longest name of an object, in bytes of UTF-8: an index of PostgreSQL's takes no more than 2,704 with the rest.
    package var nameBytes = 2_400

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

    /// How long the transactions of a request may wait for connections, all together: less than callers wait for an
    /// answer, so that they get one.
    package var transactionWaitDuration: Duration = .seconds(10)

    /// How long a request may take to arrive.
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

    /// How long writes that share a commit take in further ones in a database server, after the first has run: meanwhile
    /// none of them is answered, and other nodes may not write.
    package var groupDuration: Duration = .milliseconds(10)

    /// How long a transaction may hold its locks in a database server without a statement; it is undone then.
    package var idleTransactionDuration: Duration = .seconds(3)

    /// How long connecting to a database server may take.
    package var databaseConnectDuration: Duration = .seconds(5)

    /// How old a connection to a database server becomes before another takes its place.
    package var databaseConnectionDuration: Duration = .seconds(1_800)

    /// How long a request for a JWKS document may take.
    package var keySetFetchDuration: Duration = .seconds(5)

    /// The least time between two requests for a JWKS document.
    package var keySetRefreshInterval: Duration = .seconds(30)

    /// How long after signing in somebody without a password may set their first.
    package var recentSignInDuration: Duration = .seconds(600)

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

    /// How many statements a connection to a database server keeps prepared; with one more it forgets them all.
    package var preparedStatements = 500

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

    /// How many sign-ins and changes of passwords may wait for their hash at once; further ones are answered 503.
    package var queuedPasswords = 32

    /// How many of those may come from one address, so that nobody takes all places.
    package var queuedPasswordsOfAddress = 8

    /// How many of those may be about one account.
    package var queuedPasswordsOfAccount = 4

    /// How many failed sign-ins an address may have.
    package var failedSignInsOfAddress: RateLimit? = RateLimit(10, per: .minute, burst: 20)

    /// How many failed sign-ins an account may have.
    package var failedSignInsOfAccount: RateLimit? = RateLimit(5, per: .minute, burst: 10)

    /// How many organizations the switcher of the pages offers; others are reached by their addresses.
    package var offeredOrganizations = 30

    /// How many sessions a person may have; the oldest ends when there would be more.
    package var sessionsOfPerson = 100

    /// How many sessions a person's page shows.
    package var listedSessions = 30

    /// How much of the header `User-Agent` a session keeps, in characters.
    package var userAgentCharacters = 512

    /// How many rows a page shows.
    package var pageRows = 30

    /// How many rows a page shows while a dialog stands before them.
    package var rowsBehindDialog = 10

    /// How many groups of an organization, or of a member, the pages read.
    package var listedGroups = 200

    /// How many groups, roles or service accounts a form of a page offers.
    package var offeredGroups = 100

    /// How many grants the table of access shows of one group or person, beside a link to all of them.
    package var grantsOfRow = 6

    /// How many changes of when a credential was last used wait in memory to be written.
    package var pendingLastUses = 100_000

    /// The time between two writes of when credentials were last used.
    package var lastUseInterval: Duration = .seconds(30)

    /// How many refusals of one kind are rows of the audit log in a window; at least one.
    package var refusalsPerWindow = 10

    /// How many kinds of refusals are counted at once; each refusal of a further kind is a row.
    package var refusalKinds = 1_000

    /// How many refusals may wait in memory to become rows; whoever is refused then waits for the row of theirs.
    package var pendingRefusals = 10_000

    /// The longest JWKS document, in bytes.
    package var keySetBytes = 1 << 20

    // MARK: Signing in with an identity provider

    /// How long an identity provider may take to answer one request.
    package var identityProviderDuration: Duration = .seconds(10)

    /// The longest answer of an identity provider that is read, in bytes.
    package var identityProviderBytes = 1 << 20

    /// How long what an identity provider says of itself is good for.
    package var identityProviderMaximumAge: Duration = .seconds(3_600)

    /// How long after an identity provider was away it is asked again.
    package var identityProviderRetryInterval: Duration = .seconds(5)

    /// The longest token of an identity provider that is looked at, in bytes: with a person's groups they become long.
    package var identityTokenBytes = 64 << 10

    /// How long a person may take to sign in at an identity provider.
    package var identityProviderSignInDuration: Duration = .seconds(600)

    // MARK: Several nodes on one database

    // All nodes must agree on the first three: what has to come after what is in docs/cluster.md.

    /// How long a node may use what it has cached after it asked for the changes of others, by its own clocks.
    package var leaseDuration: Duration = .milliseconds(900)

    /// How long a change waits for the other nodes: longer than a lease, so that it is over for those that are silent.
    package var changeWaitDuration: Duration = .seconds(1)

    /// How long a node stays registered after it was refused: longer than a lease too.
    package var evictionDuration: Duration = .seconds(1)

    /// How long a node waits before it asks for changes again when nothing wakes it.
    package var nodePollInterval: Duration = .milliseconds(200)

    /// How long asking for changes may take before the node gives it up and asks again.
    package var nodePollDuration: Duration = .seconds(1)

    /// The time between two looks at what the other nodes have applied, while a change waits for them.
    package var nodeReadInterval: Duration = .milliseconds(5)

    /// How long a node that a change waits for may be silent before it is refused.
    package var awaitedSilenceDuration: Duration = .milliseconds(950)

    /// How long a node that nobody waits for may be silent before it is refused.
    package var silenceDuration: Duration = .seconds(5)

    /// How long after its last sign of life a node counts as live, for the shares of rate limits.
    package var livenessDuration: Duration = .seconds(3)

    /// The time between two looks at which nodes are live, at what can be deleted, and at which have to go.
    package var nodeCareInterval: Duration = .seconds(1)

    /// How many nodes may be registered.
    package var nodes = 256

    /// How many events a node takes in at once; one that is further behind forgets everything it has cached instead.
    package var eventsPerPoll = 4_096

    /// How many events a commit writes; one with more of them writes that everything may have changed.
    package var eventsPerCommit = 1_000

    /// How far a node's clock may be from the database's.
    package var clockDifference: Duration = .seconds(10)

    /// The defaults.
    package init() {}
}
